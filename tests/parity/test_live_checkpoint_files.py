"""Weights that the installed `torch` and `transformers` write, in every layout, are read as they were."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kser.checkpoints.published_checkpoint import PublishedCheckpoint
from kser.checkpoints.torch_file import TorchFile
from kser.errors import UserError
from kser.models import SpeechBackbone
from tests.golden import golden_folder

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import safetensors.torch  # noqa: E402
import transformers  # noqa: E402
from huggingface_hub import split_torch_state_dict_into_shards  # noqa: E402

SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "conv_dim": [8] * 3,
    "conv_kernel": [10, 3, 3],
    "conv_stride": [5, 2, 2],
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "vocab_size": 6,
    "tdnn_dim": [8, 8],
    "tdnn_kernel": [3, 3],
    "tdnn_dilation": [1, 1],
}
FAMILIES = {
    "wav2vec2.": ("Wav2Vec2", "ForCTC", "float32"),
    "hubert.": ("Hubert", "ForSequenceClassification", "float16"),
    "wavlm.": ("WavLM", "ForCTC", "bfloat16"),
    "data2vec_audio.": ("Data2VecAudio", "ForCTC", "float32"),
    "unispeech.": ("UniSpeech", "ForCTC", "float16"),
    "unispeech_sat.": ("UniSpeechSat", "ForSequenceClassification", "bfloat16"),
    "": ("Hubert", "Model", "float64"),
}


def save_zip(state: dict, path: Path) -> None:
    torch.save(state, path)


def save_stream(state: dict, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def sharded(save: Callable[[dict, Path], None]) -> Callable[[dict, Path], None]:
    """Save in shards with an index, as `save_pretrained(safe_serialization=False)` of transformers 4 did."""

    def save_shards(state: dict, path: Path) -> None:
        pattern = f"{path.stem}{{suffix}}.bin"
        split = split_torch_state_dict_into_shards(state, filename_pattern=pattern, max_shard_size="4KB")
        assert len(split.filename_to_tensors) > 2
        for filename, names in split.filename_to_tensors.items():
            save({name: state[name] for name in names}, path.parent / filename)
        index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        Path(f"{path}.index.json").write_text(json.dumps(index))

    return save_shards


LAYOUTS = {
    "zip": save_zip,
    "stream": save_stream,
    "shards": sharded(save_zip),
    "old shards": sharded(save_stream),
}


@pytest.mark.parametrize("save", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("prefix", FAMILIES)
def test_live_state_of_a_model(prefix: str, save: Callable, tmp_path: Path) -> None:
    family, head, dtype = FAMILIES[prefix]
    config = getattr(transformers, f"{family}Config")(**SMALL)
    model = getattr(transformers, f"{family}{head}")(config).to(getattr(torch, dtype))
    config.save_pretrained(tmp_path)
    save(model.state_dict(), tmp_path / "pytorch_model.bin")
    checkpoint = PublishedCheckpoint(tmp_path)
    checkpoint.select_prefix(["", prefix], probe="feature_extractor.conv_layers.0.conv.weight")
    assert set(checkpoint.unused_tensors()) == set(model.state_dict())
    for name, tensor in model.state_dict().items():
        if name.startswith(prefix):
            read = checkpoint.tensor(name.removeprefix(prefix))
            np.testing.assert_array_equal(read, tensor.float().numpy(), err_msg=name, strict=True)
    assert not any(name.startswith(prefix) for name in checkpoint.unused_tensors() if prefix)


@pytest.mark.parametrize("max_shard_size", ["1GB", "4KB"])
def test_live_save_pretrained(max_shard_size: str, tmp_path: Path) -> None:
    model = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SMALL)).to(torch.bfloat16)
    model.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    assert (tmp_path / "model.safetensors.index.json").exists() == (max_shard_size == "4KB")
    checkpoint = PublishedCheckpoint(tmp_path)
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(checkpoint.tensor(name), tensor.float().numpy(), strict=True)
    assert checkpoint.unused_tensors() == []


@pytest.mark.parametrize("save", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("variant", ["old_weight_norm", "with_head"])
def test_live_backbone_from_a_pytorch_file(variant: str, save: Callable, tmp_path: Path) -> None:
    source = golden_folder(variant)
    shutil.copy(source / "config.json", tmp_path)
    save(safetensors.torch.load_file(source / "model.safetensors"), tmp_path / "pytorch_model.bin")
    expected = SpeechBackbone.from_preset(source).get_weights()
    found = SpeechBackbone.from_preset(tmp_path).get_weights()
    assert len(found) == len(expected) > 10
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("save", [save_zip, save_stream], ids=["zip", "stream"])
@pytest.mark.parametrize("seed", range(10))
def test_live_views_of_shared_storages(seed: int, save: Callable, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    storages = [torch.from_numpy(rng.normal(size=(4, 5, 6)).astype(np.float32)).half() for _ in range(3)]
    state = {f"t{i}": view(storages[rng.integers(3)], rng) for i in range(10)}
    save(state, tmp_path / "a.bin")
    file = TorchFile(tmp_path / "a.bin")
    for name, tensor in state.items():
        np.testing.assert_array_equal(file.read(name), tensor.float().numpy(), err_msg=name, strict=True)


def view(tensor: Any, rng: np.random.Generator) -> Any:
    """A part of a tensor, with steps, its axes in another order, one repeated."""
    part = tensor[tuple(slice(rng.integers(3), None, int(rng.integers(1, 3))) for _ in range(3))]
    part = part.permute(*rng.permutation(3).tolist())
    return part[:1].expand(3, -1, -1) if rng.integers(2) else part


@pytest.mark.parametrize("save", [save_zip, save_stream], ids=["zip", "stream"])
@pytest.mark.parametrize("kind", ["sparse", "complex", "float8", "module"])
def test_live_tensors_of_other_kinds_are_refused(kind: str, save: Callable, tmp_path: Path) -> None:
    states = {
        "sparse": lambda: {"a": torch.eye(3).to_sparse()},
        "complex": lambda: {"a": torch.ones(2, dtype=torch.complex64)},
        "float8": lambda: {"a": torch.ones(2).to(torch.float8_e4m3fn)},
        "module": lambda: torch.nn.BatchNorm1d(2),
    }
    save(states[kind](), tmp_path / "a.bin")
    with pytest.raises(UserError, match=r"is not part of a tensor|refers to an object outside it"):
        TorchFile(tmp_path / "a.bin")
