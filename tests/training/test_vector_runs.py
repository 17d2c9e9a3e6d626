"""Runs on vectors: seeds through one compiled step, the batches of an update in one call."""

import dataclasses

import keras
import numpy as np
import pytest

from kser.errors import UserError
from kser.models.hashed_dropout import HashedDropout
from kser.models.standardization import Standardization
from kser.pipeline.feature_cache import FeatureCache
from kser.training.fit import train
from kser.training.objectives import ClassificationObjective
from tests.training.small_run import PLAN, InterruptAt, InterruptionError, write_swells

CHANNELS = 6
VECTORS_PLAN = dataclasses.replace(PLAN, epochs=6, warmup_ratio=0.1, weight_decay=0.01)


class Seen(keras.callbacks.Callback):
    """Remembers what is fitted, and in how many calls."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def on_train_batch_end(self, batch, logs=None):
        self.calls += 1
        self.fitted = self.model


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A training and a validation part; of two vectors an utterance, the sum tells the class."""
    folder = tmp_path_factory.mktemp("swells")
    utterances = [write_swells(folder / part, count, count) for part, count in (("train", 22), ("val", 9))]
    cache = FeatureCache(None, "test", utterances[0].format, CHANNELS, vectors=2)
    rng = np.random.default_rng(0)
    for part in utterances:
        for path, target in zip(part.paths, part.targets, strict=True):
            cache.put(path, rng.normal(2.0 * target, 1.0, (2, CHANNELS)))
    return [part.with_features(cache) for part in utterances]


def head(seed, units=4):
    keras.utils.set_random_seed(seed)
    inputs = {
        "features": keras.Input((2, CHANNELS), name="features"),
        "frame_mask": keras.Input((2,), dtype="bool", name="frame_mask"),
    }
    x = Standardization()(inputs["features"][:, 0] + inputs["features"][:, 1])
    x = HashedDropout(0.3)(keras.layers.Dense(units, activation="tanh")(x))
    return keras.Model(inputs, keras.layers.Dense(2)(x))


def run(parts, folder, seed, program="head", share=slice(None), callbacks=(), units=4, workers=0):
    """Train on a share of the training part, so that class weights and lengths differ by seed."""
    model = head(seed, units)
    training, validation = parts
    training = dataclasses.replace(
        training,
        paths=training.paths[share],
        targets=training.targets[share],
        lengths=training.lengths[share],
        positions=training.positions[share],
    )
    plan = dataclasses.replace(VECTORS_PLAN, seed=seed)
    objective = ClassificationObjective(use_class_weights=True)
    states, log = folder / "states", folder / "log.csv"
    train(
        model,
        training,
        validation,
        plan,
        objective,
        states,
        log,
        str(seed),
        callbacks,
        data_workers=workers,
        program=program,
    )
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


def assert_equal(got, expected):
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.thorough
def test_workers_are_not_needed(parts, tmp_path):
    without, further = (run(parts, tmp_path / str(workers), 0, workers=workers) for workers in (0, 1))
    assert_equal(further, without)


@pytest.mark.thorough
def test_runs_through_one_program_give_what_each_gives_alone(parts, tmp_path):
    first, second = Seen(), Seen()
    run(parts, tmp_path / "first", 0, callbacks=[first])
    through = run(parts, tmp_path / "second", 1, share=slice(1, 20), callbacks=[second])
    assert second.fitted is first.fitted
    assert_equal(through, run(parts, tmp_path / "alone", 1, program=None, share=slice(1, 20)))
    assert not np.array_equal(through[0], run(parts, tmp_path / "whole", 1)[0])


def test_another_program_is_compiled_for_what_differs(parts, tmp_path):
    first, second = Seen(), Seen()
    run(parts, tmp_path / "first", 0, callbacks=[first])
    run(parts, tmp_path / "second", 0, units=5, callbacks=[second])
    assert second.fitted is not first.fitted


def test_an_interrupted_run_ends_as_an_uninterrupted_one(parts, tmp_path):
    run(parts, tmp_path / "before", 0)
    whole = run(parts, tmp_path / "whole", 1)
    with pytest.raises(InterruptionError):
        run(parts, tmp_path / "cut", 1, callbacks=[InterruptAt(6)])
    assert_equal(run(parts, tmp_path / "cut", 1), whole)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="steps are joined on JAX")
def test_the_batches_of_an_update_are_one_call(parts, tmp_path):
    seen = Seen()
    run(parts, tmp_path, 0, callbacks=[seen])
    batches = -(-len(parts[0]) // PLAN.batch_size) * VECTORS_PLAN.epochs
    assert seen.calls == batches // VECTORS_PLAN.gradient_accumulation_steps


def test_a_failed_run_leaves_no_program_behind(parts, tmp_path, monkeypatch):
    first, second = Seen(), Seen()
    run(parts, tmp_path / "first", 0, callbacks=[first])

    def fail(*_, **__):
        raise UserError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(UserError):
        patch.setattr("kser.training.recorder.save_state", fail)
        run(parts, tmp_path / "failed", 1)
    run(parts, tmp_path / "second", 1, callbacks=[second])
    assert second.fitted is not first.fitted
