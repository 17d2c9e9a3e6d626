"""Trained models of every kind and test sets for them, without training anything."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import soundfile as sf
from safetensors.numpy import load_file, save_file

from kser.corpora.metadata import content_key
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.evaluating.evaluation_csv import COLUMNS
from kser.experiment.runs.trained_model import Provenance, save_trained_model
from kser.models import (
    EmotionClassifier,
    EmotionRegressor,
    EmotionTagger,
    MultiTaskEmotionModel,
    SpeechAudioConverter,
    UtterancePreprocessor,
)
from tests.golden import golden_folder
from tests.models.small_models import log_mel

LABELS = ["anger", "happiness", "neutral", "sadness"]
DIMENSIONS = ["arousal", "valence"]
TAGS = ["loud", "sad"]
SETTINGS = {
    "class": {},
    "numbers": {"is_regression": True, "output_column": DIMENSIONS},
    "class and numbers": {"regression_columns": DIMENSIONS},
    "labels": {"is_multi_label": True, "output_column": TAGS},
}
UNITS = {"offsets": [4.0, 3.0], "scales": [1.5, 0.5]}


def write_corpus(folder: Path) -> Path:
    """Write a tenth of a second of noise for each of ten speakers and four emotions; returns its metadata."""
    rng = np.random.default_rng(0)
    rows = []
    for speaker in range(10):
        for label in LABELS:
            rows.append((f"{speaker}_{label}.wav", label, str(speaker), "female" if speaker % 2 else "male"))
            sf.write(folder / rows[-1][0], 0.1 * rng.normal(size=1600), 16000)
    table = pd.DataFrame(rows, columns=["path", "class_id", "actor", "gender"])
    table.to_csv(folder / "metadata.csv", index=False)
    return folder / "metadata.csv"


def save_model(
    folder: Path, kind: str, seed: int = 0, trained_on: tuple[Path, ...] = (), **steps: object
) -> Path:
    """Save a model with random weights as if a run had trained it.

    Args:
        folder: for the model.
        kind: a key of `SETTINGS`.
        seed: of the weights.
        trained_on: recordings of its training part.
        **steps: what is done to audio, settings of an `AudioProcessing`.
    """
    keras.utils.set_random_seed(seed)
    shared = {"preprocessor": UtterancePreprocessor(SpeechAudioConverter(**steps)), "use_relu": False}
    backbone = log_mel()
    model = {
        "class": lambda: EmotionClassifier(backbone, LABELS, **shared),
        "numbers": lambda: EmotionRegressor(backbone, DIMENSIONS, **UNITS, **shared),
        "class and numbers": lambda: MultiTaskEmotionModel(backbone, LABELS, DIMENSIONS, **UNITS, **shared),
        "labels": lambda: EmotionTagger(backbone, TAGS, **shared),
    }[kind]()
    config = ModelConfig(name=kind, model_path_or_name="scratch:log_mel", **SETTINGS[kind])
    save_trained_model(
        folder,
        model,
        Provenance(
            run_fingerprint="0" * 16,
            kser_version="0.1.0",
            keras_version=keras.__version__,
            backend=keras.config.backend(),
            experiment_name="study",
            training_dataset="synthetic",
            seed=seed,
            model_config=config.model_dump(),
            audio={"sampling_rate": 16000},
            augmentation={},
            label_column="class_id" if "class" in kind else None,
            split_fingerprint="0" * 16,
            training={"updates": 1, "best_step": 1, "best_loss": 1.0, "seconds": 1.0},
            recordings={"train": [content_key(path) for path in trained_on], "validation": []},
        ),
    )
    return folder


def published_model(folder: Path, variant: str, tensors: dict[str, np.ndarray], **fields: object) -> Path:
    """Write a golden checkpoint with further tensors and fields of its configuration to a new folder."""
    shutil.copytree(golden_folder(variant), folder)
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, **tensors}, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | fields))
    return folder


def published_classifier(folder: Path, labels: tuple[str, ...] = ("neu", "hap", "ang", "sad")) -> Path:
    """Write a published checkpoint with a random head for these classes to a new folder."""
    names = {str(number): label for number, label in enumerate(labels)}
    return published_model(folder, "with_head", {}, id2label=names)


def write_test_set(folder: Path, metadata: Path, missing: int = 2, **columns) -> pd.DataFrame:
    """Write test.csv with numbers and labels beside the class, made up; `columns` take their place.

    Args:
        folder: for test.csv.
        metadata: of the corpus.
        missing: how many numbers of arousal are missing, from the first on.
    """
    table = pd.read_csv(metadata, dtype=str)
    table["path"] = [str(metadata.parent / path) for path in table["path"]]
    rng = np.random.default_rng(0)
    for dimension in DIMENSIONS:
        table[dimension] = rng.uniform(1, 7, len(table)).round(2).astype(str)
    table.loc[: missing - 1, "arousal"] = ""
    for tag in TAGS:
        table[tag] = rng.integers(0, 2, len(table)).astype(str)
    table["style"] = np.where(np.arange(len(table)) % 3 == 0, "read", "acted")
    table = table.assign(**columns)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "test.csv", index=False)
    return table


def write_rows(path: Path, rows: list[tuple[str, Path, Path, Path]], dataset: str = "made up") -> Path:
    """Write an evaluation CSV: name, model, test set and results of each row."""
    lines = ["\t".join(map(str, (name, dataset, *paths))) for name, *paths in rows]
    path.write_text("\n".join(["\t".join(COLUMNS), *lines]) + "\n")
    return path


def report_in(folder: Path, name: str) -> dict:
    """A report of an evaluation, `name` without ending."""
    return json.loads((folder / f"{name}.json").read_text())
