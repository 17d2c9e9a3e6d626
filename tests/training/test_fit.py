"""One run: it learns, logs, keeps the best weights and leaves the states it is asked for."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest

from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.keras_internals import model_up_to
from kser.pipeline.batch_plan import plan_in_order
from kser.pipeline.datasets import evaluation_dataset
from kser.training.fit import for_backend, train
from tests.training.small_run import COMBINED, OBJECTIVE, PLAN, small_model, small_run, write_swells


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit") / "run"
    model, result = small_run(folder)
    return folder, model, result, pd.read_csv(folder / "log.csv")


@pytest.mark.thorough
def test_makes_the_updates_of_all_epochs(finished):
    _, model, result, log = finished
    batches_per_epoch = -(-22 // PLAN.batch_size)
    assert result.updates == -(-PLAN.epochs * batches_per_epoch // PLAN.gradient_accumulation_steps)
    assert log["step"].iloc[-1] == result.updates
    assert int(model.optimizer.iterations) == result.updates


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_learns(finished):
    *_, log = finished
    assert log["val_loss"].min() < 0.8 * log["val_loss"].iloc[0]
    assert log["learning_rate"].iloc[0] == pytest.approx(PLAN.learning_rate)
    assert log["learning_rate"].iloc[-1] == 0.0


@pytest.mark.thorough
def test_ends_with_the_best_weights(finished):
    folder, model, result, log = finished
    evaluations = log.dropna(subset="val_loss").set_index("step")["val_loss"]
    assert result.best_step == evaluations.idxmin()
    validation = write_swells(folder.parent / "swells" / "validation", 9, 1)
    batches = plan_in_order(validation.lengths, [12000], 4)
    data = for_backend(evaluation_dataset(validation, batches, 4))
    again = model.evaluate(data, steps=len(batches), return_dict=True, verbose=0)
    assert again["crossentropy"] == pytest.approx(evaluations.min(), abs=1e-5)


@pytest.mark.thorough
def test_vectors_are_standardised_by_those_of_the_training_part_before_the_first_update(finished):
    folder, model, *_ = finished
    layer = model.get_layer("standardization")
    training = write_swells(folder.parent / "swells" / "train", 22, 0)
    sounds, mask = model_inputs(
        [training.reader(path) for path in training.paths], do_normalize=True, mask_padding=True
    )
    fresh = small_model()
    vectors = model_up_to(fresh, fresh.get_layer("standardization"))
    expected = np.asarray(vectors.predict_on_batch({"waveform": sounds, "padding_mask": mask}), "float64")
    np.testing.assert_allclose(layer.mean, expected.mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.deviation, expected.std(axis=0), rtol=1e-3)


def test_keeps_as_many_states_as_asked_for(finished):
    folder, *_ = finished
    states = sorted(path.name for path in (folder / "states").glob("state-*"))
    assert len(states) == PLAN.save_total_limit


@pytest.mark.thorough
def test_called_again_it_has_nothing_left_to_do(finished):
    folder, model, result, log = finished
    again, result_again = small_run(folder)
    assert (result_again.best_step, result_again.best_loss) == (result.best_step, result.best_loss)
    for weight, expected in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(weight), keras.ops.convert_to_numpy(expected)
        )
    pd.testing.assert_frame_equal(pd.read_csv(folder / "log.csv"), log)


@pytest.mark.thorough
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
        train(model, *parts, PLAN, OBJECTIVE, folder / "states", folder / "log.csv", "another run")
    assert {path: path.stat().st_mtime_ns for path in (folder / "states").rglob("*")} == before


@pytest.mark.thorough
def test_the_last_window_is_completed_with_batches_of_one_epoch_more(tmp_path):
    # 6 batches an epoch in windows of 4: 2 epochs are 3 windows, the second one over the end of an epoch.
    # Of 1 epoch the second window is completed with 2 batches of the next one.
    for epochs, updates in ((2, 3), (1, 2)):
        plan = dataclasses.replace(
            PLAN, epochs=epochs, gradient_accumulation_steps=4, eval_steps=1, save_steps=1, length_buckets=1
        )
        folder = tmp_path / str(epochs)
        model, result = small_run(folder, plan=plan)
        log = pd.read_csv(folder / "log.csv")
        assert result.updates == updates == int(model.optimizer.iterations)
        assert log["epoch"].iloc[-1] == pytest.approx(updates * 4 / 6)
        assert log["learning_rate"].iloc[-1] == 0.0
        for gradient in model.optimizer.slots()["accumulated"]:
            assert not np.any(keras.ops.convert_to_numpy(gradient))


@pytest.mark.thorough
def test_the_best_metric_chooses_the_weights_and_averages_are_what_is_kept(tmp_path):
    plan = dataclasses.replace(COMBINED, gradual_unfreezing_epochs=None, early_stopping_patience=None)
    recorded = Recorded()
    model, result = small_run(tmp_path / "run", [recorded], plan)
    log = pd.read_csv(tmp_path / "run" / "log.csv").dropna(subset="val_loss").set_index("step")
    assert (result.best_metric, result.stopped_early) == ("f1score", False)
    assert result.best_step == log["val_f1score"].idxmax()
    assert result.best_value == pytest.approx(log["val_f1score"].max())
    assert result.best_loss == pytest.approx(log["val_loss"][result.best_step])
    assert result.best_step > 0
    raw, average = recorded.weights[result.best_step]
    kept = keras.ops.convert_to_numpy(model.get_layer("logits").kernel)
    np.testing.assert_array_equal(kept, average)
    assert not np.array_equal(kept, raw)


class Recorded(keras.callbacks.Callback):
    """Keeps a kernel and its average of each evaluation, and what the run says of its data."""

    def __init__(self):
        super().__init__()
        self.weights = {}

    def on_epoch_end(self, epoch, logs=None):
        raw = self.model.get_layer("logits").kernel
        position = [weight is raw for weight in self.model.trainable_variables].index(True)
        average = self.model.optimizer.slots()["average"][position]
        self.weights[self.recorder.step] = tuple(map(keras.ops.convert_to_numpy, (raw, average)))
        self.data = self.recorder.description


@pytest.mark.thorough
def test_says_how_much_is_trained(tmp_path):
    recorded = Recorded()
    # 12 batches in windows of 2 are 6 updates: the upper layer joins at update 4, the lower one would at 6.
    plan = dataclasses.replace(COMBINED, epochs=2)
    model, _ = small_run(tmp_path / "run", [recorded], plan)
    trained = sum(model.get_layer(name).count_params() for name in ("logits", "upper"))
    share = f"{100 * trained / model.count_params():.0f}%"
    words = (
        f"{model.count_params():,} weights, {share} of them trained, the head first, then 1 of 2 times more"
    )
    assert words in recorded.data
