"""A working folder with a study of one small model over eight tones of four speakers."""

import json
from pathlib import Path

SAMPLING_RATE = 16_000
HEADER = "path,class_id,actor,gender"
MODEL = {
    "model_path_or_name": "scratch:log_mel",
    "name": "tiny",
    "backbone_arguments": {"filters": [4], "kernel_sizes": [3]},
    "number_of_training_epochs": 1,
    "gradient_accumulation_steps": 1,
}
EXPERIMENT = {
    "experiment_name": "study",
    "model_files": "models",
    "training_dataset": {"name": "tones", "data_csv": "metadata.csv"},
    "length_buckets": 1,
}


def write_study(folder: Path, model: dict | None = None, **fields: object) -> None:
    (folder / "models" / "tiny.json").write_text(json.dumps({**MODEL, **(model or {})}))
    (folder / "experiment.json").write_text(json.dumps({**EXPERIMENT, **fields}))


def edit_metadata(folder: Path, old: str, new: str) -> None:
    text = (folder / "metadata.csv").read_text()
    assert old in text
    (folder / "metadata.csv").write_text(text.replace(old, new))
