"""One run: it learns, logs, keeps the best weights and leaves the states it is asked for."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest

from kser.errors import UserError
from kser.pipeline.batch_plan import plan_in_order
from kser.pipeline.datasets import evaluation_dataset
from kser.training.fit import for_backend, train
from tests.training.small_run import PLAN, small_model, small_run, write_swells


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit") / "run"
    model, result = small_run(folder)
    return folder, model, result, pd.read_csv(folder / "log.csv")


def test_makes_the_updates_of_all_epochs(finished):
    _, model, result, log = finished
    batches_per_epoch = -(-22 // PLAN.batch_size)
    assert result.updates == -(-PLAN.epochs * batches_per_epoch // PLAN.gradient_accumulation_steps)
    assert log["step"].iloc[-1] == result.updates
    assert int(model.optimizer.iterations) == result.updates


def test_logs_at_the_steps_asked_for(finished):
    *_, result, log = finished
    logged = {
        step
        for step in range(1, result.updates + 1)
        if step % PLAN.logging_steps == 0 or step == result.updates
    }
    evaluated = {step for step in range(result.updates + 1) if step % PLAN.eval_steps == 0} | {result.updates}
    assert set(log.loc[log["loss"].notna(), "step"]) == logged
    assert set(log.loc[log["val_loss"].notna(), "step"]) == evaluated


def test_learns(finished):
    *_, log = finished
    assert log["val_loss"].min() < 0.8 * log["val_loss"].iloc[0]
    assert log["learning_rate"].iloc[0] == pytest.approx(PLAN.learning_rate)
    assert log["learning_rate"].iloc[-1] == 0.0


def test_ends_with_the_best_weights(finished):
    folder, model, result, log = finished
    evaluations = log.dropna(subset="val_loss").set_index("step")["val_loss"]
    assert result.best_step == evaluations.idxmin()
    validation = write_swells(folder.parent / "swells" / "validation", 9, 1)
    batches = plan_in_order(validation.lengths, [12000], 4)
    data = for_backend(evaluation_dataset(validation, batches, 4))
    again = model.evaluate(data, steps=len(batches), return_dict=True, verbose=0)
    assert again["crossentropy"] == pytest.approx(evaluations.min(), abs=1e-5)


def test_keeps_as_many_states_as_asked_for(finished):
    folder, *_ = finished
    states = sorted(path.name for path in (folder / "states").glob("state-*"))
    assert len(states) == PLAN.save_total_limit


def test_called_again_it_has_nothing_left_to_do(finished):
    folder, model, result, log = finished
    again, result_again = small_run(folder)
    assert (result_again.best_step, result_again.best_loss) == (result.best_step, result.best_loss)
    for weight, expected in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(weight), keras.ops.convert_to_numpy(expected)
        )
    pd.testing.assert_frame_equal(pd.read_csv(folder / "log.csv"), log)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    plan = dataclasses.replace(PLAN, learning_rate=float("inf"))
    with pytest.raises(UserError, match=r"log\.csv: the training loss is no longer a number"):
        small_run(tmp_path / "run", plan=plan)


def test_states_of_another_run_are_refused_and_stay(finished):
    folder, *_ = finished
    before = {path: path.stat().st_mtime_ns for path in (folder / "states").rglob("*")}
    model = small_model()
    swells = folder.parent / "swells"
    parts = [write_swells(swells / "train", 22, 0), write_swells(swells / "validation", 9, 1)]
    with pytest.raises(UserError, match="states of a run with other settings"):
        train(model, *parts, PLAN, folder / "states", folder / "log.csv", "another run")
    assert {path: path.stat().st_mtime_ns for path in (folder / "states").rglob("*")} == before
