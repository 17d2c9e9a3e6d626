"""Reading published checkpoints: configuration and named NumPy arrays. Knows no Keras and no model.

| file | what is in it |
|---|---|
| `published_checkpoint.py` | what converters use: configuration, tensors by name, what was left over |
| `config_fields.py` | the fields of its JSON files, each checked when it is read |
| `locate.py`, `hub.py` | where a checkpoint's files are: a folder, or the Hugging Face hub and its cache |
| `weights.py` | which weights file is read, and the index of sharded ones |
| `peft_adapter.py` | an adapter of PEFT, merged into them |
| `safetensors_file.py`, `torch_file.py` | one file of tensors |
| `float32.py`, `git_lfs.py` | what both need: one number format, and files that Git LFS has not fetched |
| `torch_zip.py`, `torch_stream.py` | the two containers that `torch.save` has written |
| `restricted_pickle.py` | the pickles in them, read without executing anything |
"""
