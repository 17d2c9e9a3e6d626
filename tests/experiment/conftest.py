"""A small experiment that all tests of this folder share."""

import json
from pathlib import Path

import pytest

from kser.corpora.metadata import read_metadata, write_metadata
from kser.corpora.synthetic import write_synthetic_corpus

SMALL_MODELS = {
    "log_mel": {
        "model_path_or_name": "scratch:log_mel",
        "backbone_arguments": {"filters": [8], "kernel_sizes": [5]},
        "use_batch_norm": True,
    },
    "wav2vec2": {
        "model_path_or_name": "scratch:wav2vec2",
        "backbone_arguments": {
            "num_layers": 1,
            "num_heads": 2,
            "hidden_dim": 8,
            "intermediate_dim": 16,
            "filters": [8] * 7,
            "position_kernel_size": 8,
            "position_groups": 2,
        },
    },
}


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory) -> Path:
    """Metadata of a part of the synthetic corpus: ten speakers, four emotions, one sentence, one take."""
    folder = tmp_path_factory.mktemp("synthetic")
    table = read_metadata(write_synthetic_corpus(folder / "corpus"))
    first = table.drop_duplicates(["actor", "class_id"])
    write_metadata(first, folder / "metadata.csv")
    return folder / "metadata.csv"


def write_experiment(folder: Path, metadata: Path, models=tuple(SMALL_MODELS), **fields) -> Path:
    """Write an experiment over small models to a folder; `fields` take the place of its own."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    for name in models:
        model = {
            "name": name,
            "per_device_batch_size": 8,
            "gradient_accumulation_steps": 1,
            "learning_rate": 1e-3,
            "number_of_training_epochs": 2,
            **SMALL_MODELS[name],
        }
        (folder / "models" / f"{name}.json").write_text(json.dumps(model))
    experiment = {
        "experiment_name": "small",
        "output_path": str(folder / "runs"),
        "experiment_results_output_path": str(folder / "results"),
        "model_files": "models",
        "training_dataset": {"name": "synthetic", "data_csv": str(metadata)},
        "eval_steps": 4,
        "length_buckets": 1,
        **fields,
    }
    path = folder / "experiment.json"
    path.write_text(json.dumps(experiment))
    return path
