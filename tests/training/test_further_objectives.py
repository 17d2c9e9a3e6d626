"""Numbers, several labels, and class with numbers: each kind trains, and its metrics are those it names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from kser.models import (
    EmotionRegressor,
    EmotionTagger,
    LogMelBackbone,
    MultiTaskEmotionModel,
    SpeechAudioConverter,
    UtterancePreprocessor,
)
from kser.training.fit import train
from kser.training.losses import ClassWeightedCrossentropy, inverse_count_weights
from kser.training.multi_label_losses import LabelCrossentropy, negatives_per_positive
from kser.training.multi_label_objective import MultiLabelObjective
from kser.training.multi_task_objective import MultiTaskObjective
from kser.training.objectives import ClassificationObjective, Objective, metric_named
from kser.training.regression_losses import ConcordanceLoss, StandardizedSquaredError
from kser.training.regression_objective import RegressionObjective
from tests.training.small_run import PLAN, write_swells

LABELS, TARGETS = ["calm", "angry", "afraid"], ("arousal", "valence")
UNITS: dict[str, Any] = {"targets": TARGETS, "offsets": [4.0, 3.0], "scales": [1.5, 0.5]}
COUNT = 11
SAMPLES = 400


def waveforms() -> np.ndarray:
    """Tones: the louder, the more aroused; the higher, the more pleasant."""
    rng = np.random.default_rng(0)
    level, hz = rng.uniform(0.1, 1.0, (COUNT, 1)), rng.uniform(200, 4000, (COUNT, 1))
    return (level * np.sin(2 * np.pi * hz * np.arange(SAMPLES) / 16000)).astype("float32")


def values() -> np.ndarray:
    """In their units, with some missing."""
    rng = np.random.default_rng(1)
    values = rng.normal(UNITS["offsets"], UNITS["scales"], (COUNT, 2)).astype("float32")
    values[2, 1], values[7, 0] = np.nan, np.nan
    return values


CLASSES = np.array([0, 1, 2, 1, 0, 0, 2, 1, 1, 0, 0])
TAGS = np.random.default_rng(2).integers(0, 2, (COUNT, 3))


def backbone() -> LogMelBackbone:
    return LogMelBackbone(
        filters=[8], kernel_sizes=[3], window_length=64, hop_length=20, num_mel_bins=8, dtype="float32"
    )


def preprocessor() -> UtterancePreprocessor:
    return UtterancePreprocessor(SpeechAudioConverter(do_normalize=False))


def classes_and_values() -> dict[str, np.ndarray]:
    return {"logits": CLASSES, "values": values()}


def of_multi_label(weighted: bool):
    weights = negatives_per_positive(TAGS) if weighted else None
    return lambda outputs: LabelCrossentropy(weights)(TAGS, outputs)


def of_multi_task(outputs: dict[str, np.ndarray]) -> float:
    classes = ClassWeightedCrossentropy(inverse_count_weights(CLASSES, 3))(CLASSES, outputs["logits"])
    return float(classes) + 0.5 * float(ConcordanceLoss()(values(), outputs["values"]))


def build(kind: str):
    """Objective, model, targets, and the loss of its outputs over the whole set."""
    keras.utils.set_random_seed(0)
    if kind.startswith("regression"):
        ccc = kind.endswith("ccc")
        loss = ConcordanceLoss() if ccc else StandardizedSquaredError(UNITS["scales"])
        model = EmotionRegressor(backbone(), preprocessor=preprocessor(), **UNITS)
        objective = RegressionObjective(TARGETS, "ccc" if ccc else "mse")
        return objective, model, values(), lambda outputs: loss(values(), outputs)
    if kind.startswith("multi_label"):
        weighted = kind.endswith("weighted")
        model = EmotionTagger(backbone(), LABELS, preprocessor())
        return MultiLabelObjective(weighted), model, TAGS, of_multi_label(weighted)
    model = MultiTaskEmotionModel(backbone(), LABELS, preprocessor=preprocessor(), **UNITS)
    both = MultiTaskObjective(RegressionObjective(TARGETS), ClassificationObjective(), 0.5)
    return both, model, classes_and_values(), of_multi_task


KINDS = ["regression_ccc", "regression_mse", "multi_label", "multi_label_weighted", "multi_task"]


def with_empty_places(array: np.ndarray, places: int = 5) -> np.ndarray:
    return np.concatenate([array, np.zeros((places, *array.shape[1:]), array.dtype)])


def evaluated(model: keras.Model, targets) -> dict[str, float]:
    """Over the whole set in batches of 4, the last one and the one before with empty places."""
    weights = np.array([1.0] * COUNT + [0.0] * 5, "float32")
    padded = keras.tree.map_structure(with_empty_places, targets)
    return model.evaluate(
        with_empty_places(waveforms()),
        padded,
        sample_weight=weights,
        batch_size=4,
        return_dict=True,
        verbose=0,
    )


def one_step(model: keras.Model, targets) -> keras.callbacks.History:
    return model.fit(waveforms(), targets, batch_size=COUNT, shuffle=False, verbose=0)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_kind_trains_and_gives_the_metrics_it_names(kind: str) -> None:
    keras.utils.set_random_seed(0)
    objective: Objective
    objective, model, targets, whole_loss = build(kind)
    model.compile(keras.optimizers.Adam(0.03), **objective.compile_arguments(model, targets))
    before = evaluated(model, targets)
    model.fit(waveforms(), targets, batch_size=6, epochs=12, shuffle=False, verbose=0)
    after = evaluated(model, targets)

    metrics = objective.validation_metrics
    assert metrics[0].name == "loss"
    assert not metrics[0].higher_is_better
    assert len({metric.name for metric in metrics}) == len(metrics)
    assert {metric.keras_name for metric in metrics} <= after.keys()
    assert all(np.isfinite(value) for value in after.values())
    assert after[metrics[0].keras_name] < before[metrics[0].keras_name]
    # exact over the whole set, though it was cut into batches
    outputs = model.predict(waveforms(), verbose=0)
    assert after[metrics[0].keras_name] == pytest.approx(float(whole_loss(outputs)), rel=1e-4)


def test_metrics_say_which_way_is_better() -> None:
    objective = MultiTaskObjective(RegressionObjective(TARGETS))
    better = {metric.name: metric.higher_is_better for metric in objective.validation_metrics}
    assert better == {
        "loss": False,
        "class_loss": False,
        "regression_loss": False,
        "accuracy": True,
        "uar": True,
        "f1score": True,
        "ccc": True,
        "mse": False,
        "ccc_arousal": True,
        "mse_arousal": False,
        "ccc_valence": True,
        "mse_valence": False,
    }
    assert metric_named(objective, "uar").keras_name == "logits_uar"
    assert metric_named(objective, "ccc_valence").keras_name == "values_ccc_valence"


@pytest.mark.thorough
def test_multi_task_loss_of_a_batch_is_the_weighted_sum() -> None:
    objective, model, targets, whole_loss = build("multi_task")
    model.compile(keras.optimizers.SGD(0.0), **objective.compile_arguments(model, targets))
    (loss,) = one_step(model, targets).history["loss"]
    # As in training: batch normalisation has the statistics of the batch.
    outputs = model(preprocessor()(waveforms()), training=True)
    outputs = {name: keras.ops.convert_to_numpy(values) for name, values in outputs.items()}
    assert loss == pytest.approx(float(whole_loss(outputs)), rel=1e-5)


@pytest.mark.thorough
def test_weight_of_the_numbers_is_that_of_their_gradient() -> None:
    """Without it the layer of the values stays as it was."""
    for weight, moves in [(0.0, False), (1.0, True)]:
        _, model, targets, _ = build("multi_task")
        objective = MultiTaskObjective(RegressionObjective(TARGETS, "mse"), regression_weight=weight)
        model.compile(keras.optimizers.SGD(0.1), **objective.compile_arguments(model, targets))
        kernel = model.get_layer("standardized_values").kernel
        before = keras.ops.convert_to_numpy(kernel.value)
        one_step(model, targets)
        assert (not np.array_equal(before, keras.ops.convert_to_numpy(kernel.value))) == moves


@pytest.mark.thorough
def test_keras_file_keeps_the_joint_loss_together(tmp_path: Path) -> None:
    objective, model, targets, _ = build("multi_task")
    model.compile(keras.optimizers.SGD(0.0), **objective.compile_arguments(model, targets))
    expected = evaluated(model, targets)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert evaluated(loaded, targets) == pytest.approx(expected, rel=1e-5)


@pytest.mark.thorough
def test_a_run_learns_class_and_numbers_and_keeps_the_best_of_the_metric_asked_for(tmp_path: Path) -> None:
    """From files to the best weights; the log has a column for each metric."""
    parts = []
    for name, count, seed in (("train", 10, 0), ("validation", 5, 1)):
        part = write_swells(tmp_path / "swells" / name, count, seed)
        rate = np.where(part.targets == 0, -1.0, 1.0).astype("float32")
        unrated = np.where(np.arange(count) == 3, np.nan, rate).astype("float32")
        values = np.stack([rate, unrated], axis=1)
        parts.append(replace(part, targets={"logits": part.targets, "values": values}))
    keras.utils.set_random_seed(0)
    model = MultiTaskEmotionModel(LogMelBackbone(filters=[8], kernel_sizes=[9]), ["slow", "fast"], TARGETS)
    objective = MultiTaskObjective(RegressionObjective(TARGETS))
    plan = replace(PLAN, epochs=3, best_metric="ccc")
    result = train(model, *parts, plan, objective, tmp_path / "states", tmp_path / "log.csv", "multi")
    log = pd.read_csv(tmp_path / "log.csv").dropna(subset=["val_loss"])
    assert {f"val_{metric.name}" for metric in objective.validation_metrics} <= set(log.columns)
    assert result.best_metric == "ccc"
    assert result.best_value == pytest.approx(log["val_ccc"].max())
    assert log["val_loss"].to_numpy() == pytest.approx(log["val_class_loss"] + log["val_regression_loss"])
