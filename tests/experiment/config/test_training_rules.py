"""Fields of optimisation that contradict each other, or are out of range, are told before anything runs."""

import pytest

from kser.experiment.config.loading import load_experiment
from tests.experiment.config.test_loading import refusals, write


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"early_stopping_threshold": 0.1},
            "early_stopping_threshold: has no effect unless early_stopping_patience is given",
        ),
        (
            {"gradual_unfreezing_epochs": 5, "number_of_training_epochs": 5},
            "gradual_unfreezing_epochs: must be less than number_of_training_epochs (5), got 5",
        ),
        (
            {"gradual_unfreezing_epochs": 1, "freeze_layers": "all"},
            "gradual_unfreezing_epochs: has no effect where freeze_layers is all",
        ),
        (
            {"layerwise_lr_decay": 0.9, "freeze_layers": "all"},
            "layerwise_lr_decay: has no effect where freeze_layers is all",
        ),
        (
            {"continue_model_training": True},
            "continue_model_training: model_path_or_name: scratch:log_mel begins with random weights",
        ),
        (
            {"use_batch_norm": True, "per_device_batch_size": 1},
            "per_device_batch_size: must be at least 2 with use_batch_norm, got 1",
        ),
        ({"warmup_ratio": 1.0}, "warmup_ratio: "),
        ({"layerwise_lr_decay": 0.0}, "layerwise_lr_decay: "),
        ({"label_smoothing": 1.0}, "label_smoothing: "),
        ({"focal_gamma": -1.0}, "focal_gamma: "),
        ({"ema_momentum": 1.0}, "ema_momentum: "),
        ({"lr_scheduler": "steps"}, "lr_scheduler: "),
        ({"precision": "mixed_float16"}, "precision: "),
        ({"best_metric": "auc"}, "best_metric: "),
        ({"early_stopping_patience": 0}, "early_stopping_patience: "),
    ],
)
def test_a_contradiction_is_one_line_that_names_the_field(tmp_path, fields, said):
    (line,) = refusals(write(tmp_path, tiny=fields))
    assert line.startswith(f"models/tiny.json: {said}")


def test_of_numbers_there_is_nothing_to_smooth_or_to_focus(tmp_path):
    fields = {"is_regression": True, "output_column": ["arousal"], "label_smoothing": 0.1, "focal_gamma": 2.0}
    lines = refusals(write(tmp_path, tiny=fields))
    message = "has no effect on regression; it is for classification and multi-task (regression_columns)"
    assert lines[-2:] == [
        f"models/tiny.json: label_smoothing: {message}",
        f"models/tiny.json: focal_gamma: {message}",
    ]


def test_what_goes_together_is_taken(tmp_path):
    fields = {
        "early_stopping_patience": 3,
        "early_stopping_threshold": 0.01,
        "gradual_unfreezing_epochs": 0.5,
        "layerwise_lr_decay": 0.8,
        "label_smoothing": 0.1,
        "focal_gamma": 2,
        "best_metric": "uar",
        "precision": "mixed_bfloat16",
    }
    (model,) = load_experiment(write(tmp_path, tiny=fields)).models
    assert {name: getattr(model, name) for name in fields} == fields
