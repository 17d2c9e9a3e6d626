"""A small corpus with numbers and labels beside the class, and runs over it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.planning import Run, plan_runs
from tests.experiment.conftest import write_experiment

DIMENSIONS = ["arousal", "valence"]
TAGS = ["excited", "sad"]
KINDS: dict[str, dict[str, Any]] = {
    "class": {},
    "numbers": {"is_regression": True, "output_column": DIMENSIONS},
    "class and numbers": {"regression_columns": DIMENSIONS},
    "labels": {"is_multi_label": True, "output_column": TAGS},
}
_RATED = {"anger": (6.0, 1.5), "happiness": (5.0, 6.0), "neutral": (3.5, 4.0), "sadness": (2.0, 2.5)}


def rated(metadata: Path) -> pd.DataFrame:
    """A corpus with absolute paths, ratings that follow from the class and vary, a few missing, and tags."""
    table = pd.read_csv(metadata, dtype=str)
    table["path"] = [str(metadata.parent / path) for path in table["path"]]
    rng = np.random.default_rng(0)
    for position, dimension in enumerate(DIMENSIONS):
        means = np.array([_RATED[name][position] for name in table["class_id"]])
        table[dimension] = (means + rng.normal(0, 0.3, len(table))).round(2).astype(str)
    table.loc[table.index[::9], "valence"] = ""
    table["excited"] = table["class_id"].isin(["anger", "happiness"]).astype(int).astype(str)
    table["sad"] = (table["class_id"] == "sadness").astype(int).astype(str)
    return table


def write_rated(folder: Path, metadata: Path, **columns: Any) -> Path:
    """Write `rated` as metadata; `columns` take the place of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    rated(metadata).assign(**columns).to_csv(folder / "rated.csv", index=False)
    return folder / "rated.csv"


def run_over(
    folder: Path, metadata: Path, kind: str, model: str = "log_mel", experiment: Any = None, **fields: Any
) -> Run:
    """The run of a small experiment with one model of a kind, which has these fields besides its own."""
    path = write_experiment(folder, metadata, models=[model], **(experiment or {}))
    file = folder / "models" / f"{model}.json"
    short = {"number_of_training_epochs": 1, **KINDS[kind]}
    file.write_text(json.dumps({**json.loads(file.read_text()), **short, **fields}))
    (run,) = plan_runs(load_experiment(path))
    return run
