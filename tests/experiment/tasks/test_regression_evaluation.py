"""What is said of numbers beside the numbers."""

import numpy as np
import pytest

from kser.evaluation.regression import regression_report
from kser.experiment.tasks.regression_evaluation import RegressionEvaluation


@pytest.mark.parametrize(("scale", "shift", "told"), [(1.0, 0.5, False), (1 / 6, -1 / 6, True)])
def test_numbers_on_another_scale_are_told(scale: float, shift: float, told: bool) -> None:
    """The second predictor is right, and rates from 0 to 1 what the corpus rates from 1 to 7."""
    true = np.array([3.0, 4.0, 4.5, 5.0, np.nan])
    report = regression_report(y_true=true, y_pred=np.nan_to_num(true) * scale + shift, targets=["arousal"])
    lines = [line for line in RegressionEvaluation().warnings(report) if "on another scale" in line]
    assert len(lines) == told
    assert all(line.endswith("which only Pearson's r forgives: arousal") for line in lines)
