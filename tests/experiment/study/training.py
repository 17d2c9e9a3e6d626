"""Training a study in this process: its console, its failures, and what it left on disk."""

import io
import json

import pytest
from rich.console import Console

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.study.study import train_experiment


def console():
    return Console(width=200, record=True, file=io.StringIO())


def snapshot(folder):
    """Every file below a folder with its time of change."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


def change_model(experiment, model, /, **fields):
    file = experiment.parent / "models" / f"{model}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def failures_of(experiment):
    with pytest.raises(UserError) as failed:
        train_experiment(load_experiment(experiment))
    return str(failed.value).splitlines()
