"""Interrupted anywhere and continued, a run ends where an uninterrupted one does, whatever it combines."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest

from kser.training.objectives import ClassificationObjective
from tests.training.small_run import COMBINED, InterruptAt, InterruptionError, small_run

OBJECTIVE = ClassificationObjective(label_smoothing=0.1, focal_gamma=1.0)

# 22 utterances in batches of 4: 6 batches an epoch; an evaluation every 2 updates of 2 batches.
PLANS = {
    "everything": COMBINED,
    "stops early": dataclasses.replace(
        COMBINED,
        gradual_unfreezing_epochs=None,
        best_metric="uar",
        early_stopping_patience=2,
        early_stopping_threshold=0.9,
    ),
}


def outcome(folder, plan):
    """Everything that a run ends with, seconds apart."""
    model, result = small_run(folder, plan=plan, objective=OBJECTIVE)
    weights = [keras.ops.convert_to_numpy(weight) for weight in model.variables]
    log = pd.read_csv(folder / "log.csv").drop(columns="seconds")
    return weights, dataclasses.replace(result, seconds=0.0), log


@pytest.mark.thorough
@pytest.mark.parametrize("name", PLANS)
def test_interrupted_and_continued_equals_uninterrupted(tmp_path, name):
    plan = PLANS[name]
    weights, result, log = outcome(tmp_path / "whole", plan)
    assert result.stopped_early == (name == "stops early")
    # With nothing saved yet; in the middle of a window, with a state of another set of trained weights.
    for batches in (3, 5):
        with pytest.raises(InterruptionError):
            small_run(tmp_path / "interrupted", [InterruptAt(batches)], plan, OBJECTIVE)
    again, result_again, log_again = outcome(tmp_path / "interrupted", plan)
    assert result_again == result
    for weight, expected in zip(again, weights, strict=True):
        np.testing.assert_array_equal(weight, expected)
    pd.testing.assert_frame_equal(log_again, log, check_exact=True)
