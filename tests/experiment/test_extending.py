"""A task, a field of the head and a backbone family from outside kser go all the way to the report."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from kser.corpora.metadata import read_metadata, write_metadata
from tests.experiment.conftest import write_experiment

STRENGTHS = {"anger": "0.9", "happiness": "0.7", "neutral": "0.4", "sadness": "0.1"}
MODEL = {
    "name": "levels",
    "model_path_or_name": "scratch:levels",
    "backbone_arguments": {"units": 4},
    "bottleneck_dim": 3,
    "task_name": "strength",
    "output_column": "strength",
    "best_metric": "error",
    "per_device_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "learning_rate": 1e-2,
    "number_of_training_epochs": 2,
}


@pytest.mark.thorough
def test_what_is_added_from_outside_is_trained_evaluated_and_reported(tmp_path, small_corpus):
    table = read_metadata(small_corpus)
    write_metadata(table.assign(strength=table["class_id"].map(STRENGTHS)), tmp_path / "metadata.csv")
    experiment = write_experiment(tmp_path, tmp_path / "metadata.csv", models=[], cross_validation=2)
    model = tmp_path / "models" / "levels.json"
    model.write_text(json.dumps(MODEL))
    program = [sys.executable, "-W", "ignore", "-m", "tests.experiment.made_up_extension"]
    command = [*program, str(experiment), str(model)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    results = tmp_path / "results" / "small"
    measured = []
    for seed in range(2):
        run = results / "levels" / f"seed_{seed}"
        report = json.loads((run / "evaluation" / "synthetic" / "strength_report.json").read_text())
        predictions = pd.read_csv(run / "evaluation" / "synthetic" / "predictions.csv")
        assert predictions["predicted"].between(0, 1).all()
        measured.append((predictions["true"] - predictions["predicted"]).abs().mean())
        assert abs(report["mae"] - measured[-1]) < 1e-5
        assert set(report["subgroups"]["gender"]) <= {"female", "male"}
        saved = json.loads((run / "model" / "task.json").read_text())
        assert saved["registered_name"] == "made_up>StrengthModel"
        assert saved["config"]["bottleneck_dim"] == 3
        assert "val_error" in pd.read_csv(tmp_path / "runs" / "small" / "levels" / f"seed_{seed}" / "log.csv")
    (summary,) = results.glob("evaluation_csv/summary/*/summary.csv")
    assert abs(pd.read_csv(summary)["mae_mean"].item() - sum(measured) / 2) < 1e-5
    assert pd.read_csv(results / "statistics" / "runs.csv")["mae"].notna().all()
    page = (results / "report.html").read_text()
    assert "MAE is the mean absolute error of strengths." in page
