"""One training run, from the first update or from where it was interrupted, to its best weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from kser.pipeline.augmenting import AugmentationPlan
from kser.pipeline.batch_plan import ShuffledBatches, padding_share, plan_in_order
from kser.pipeline.buckets import choose_bucket_lengths
from kser.pipeline.datasets import (
    closed_at_the_end,
    evaluation_dataset,
    reader_errors,
    tf_dataset,
    training_dataset,
)
from kser.pipeline.utterances import Utterances
from kser.training.compiling import RunCompiler
from kser.training.objectives import Objective
from kser.training.plan import TrainingPlan
from kser.training.recorder import Recorder
from kser.training.training_state import (
    assign_model,
    load_latest_state,
    optimizer_arrays,
    restore_best,
)
from kser.training.unfreezing import Unfreezing

# Bucket lengths are multiples of this: half a second at 16 kHz.
BUCKET_GRID_S = 0.5


@dataclass(frozen=True)
class TrainingResult:
    """What a finished run says of itself.

    Attributes:
        updates: updates made.
        best_step: update after which the best metric was best; the model has its weights.
        best_loss: the validation loss there.
        best_metric: the validation metric that chose them.
        best_value: its value there.
        stopped_early: whether nothing improved for so long that the run ended before its last update.
        seconds: time spent training.
    """

    updates: int
    best_step: int
    best_loss: float
    best_metric: str
    best_value: float
    stopped_early: bool
    seconds: float


def train(
    model: keras.Model,
    training: Utterances,
    validation: Utterances,
    plan: TrainingPlan,
    objective: Objective,
    states: Path,
    log: Path,
    identity: str,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    augmentation: AugmentationPlan | None = None,
    data_workers: int = 0,
    weights_from_top: Sequence[Sequence[Any]] = (),
    whole: keras.Model | None = None,
) -> TrainingResult:
    """Fit a model; called again on the same `states` after an interruption, it continues exactly.

    The model is evaluated on the validation part before the first update and then every
    `plan.eval_steps`. At the end it has the weights of the evaluation in which `plan.best_metric` was best.

    Args:
        model: gives what the objective takes, logits (batch, classes) for one; what is frozen in it stays so.
        training: utterances to learn from.
        validation: utterances that choose the best weights.
        plan: the settings.
        objective: the kind of target, with loss and metrics.
        states: folder for the saved states and the best weights.
        log: CSV file for the training log, see `TrainingLog`.
        identity: what the run is; states of another identity are refused.
        callbacks: further callbacks; those that have an attribute `recorder` are given the run's `Recorder`.
        augmentation: what is done to the training utterances, and to no others.
        data_workers: processes that read and augment them; 0 for threads.
        weights_from_top: the weights of each layer of the backbone from the top one down, and at last of what
            is below, for `layerwise_lr_decay` and `gradual_unfreezing_epochs`; others are the head's.
        whole: what `model` is the upper part of, to say how much of it is trained; `None`: `model` is whole.

    Raises:
        UserError: an audio file cannot be read, the loss is no longer a number, or gradual unfreezing would
            not come to any layer.
    """
    lengths = shared_bucket_lengths([training, validation], plan.length_buckets)
    copies = 1 if augmentation is None else augmentation.copies
    batches = ShuffledBatches(list(training.lengths) * copies, lengths, plan.batch_size, plan.seed)
    updates = plan.updates(batches.batches_per_epoch)
    compiler = RunCompiler(
        model, objective, training.targets, plan, updates, batches.batches_per_epoch, weights_from_top
    )
    compiler.unfreezing.check_that_something_joins(updates)
    saved = load_latest_state(states, identity)
    recorder = Recorder(
        plan,
        objective,
        states,
        log,
        updates,
        batches.batches_per_epoch,
        identity,
        None if saved is None else saved.progress,
        patient_until=compiler.unfreezing.last_boundary(updates),
    )
    recorder.set_model(model)
    recorder.data = ", ".join(
        [_describe(batches, training, copies), *_describe_weights(compiler.unfreezing, updates, whole)]
    )
    validation_batches = plan_in_order(validation.lengths, lengths, plan.evaluation_batch_size)
    validation_data = for_backend(
        evaluation_dataset(validation, validation_batches, plan.evaluation_batch_size)
    )
    for callback in callbacks:
        callback.recorder = recorder
    with reader_errors():
        if saved is not None:
            assign_model(model, saved.arrays)
        compiler.compile(recorder.step, {} if saved is None else saved.arrays)
        if saved is None:
            logs = model.evaluate(validation_data, steps=len(validation_batches), return_dict=True, verbose=0)
            recorder.record_evaluation(logs)
        run_callbacks = _RunCallbacks(recorder, callbacks)
        batches_per_stretch = plan.eval_steps * plan.gradient_accumulation_steps
        while not recorder.finished:
            first = recorder.step // plan.eval_steps
            last = -(-compiler.unfreezing.next_boundary(recorder.step, updates) // plan.eval_steps)
            start, stop = first * batches_per_stretch, last * batches_per_stretch
            data = training_dataset(training, batches, start, stop, augmentation, data_workers)
            with closed_at_the_end(data):
                model.fit(
                    for_backend(data),
                    validation_data=validation_data,
                    validation_steps=len(validation_batches),
                    epochs=last,
                    initial_epoch=first,
                    steps_per_epoch=batches_per_stretch,
                    callbacks=run_callbacks,
                    shuffle=False,
                    verbose=0,
                )
            if not recorder.finished:
                compiler.compile(recorder.step, optimizer_arrays(model))
    compiler.unfreezing.apply(updates)
    restore_best(states, model)
    return _result(recorder)


class _RunCallbacks(keras.callbacks.CallbackList):
    """The callbacks of a run, for which it begins and ends once, in however many parts it is fitted."""

    def __init__(self, recorder: Recorder, callbacks: Sequence[keras.callbacks.Callback]):
        super().__init__([recorder, *callbacks], add_history=True, model=recorder.model)
        self._recorder = recorder
        self._has_begun = False

    def on_train_begin(self, logs=None):
        if not self._has_begun:
            self._has_begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs=None):
        if self._recorder.finished:
            super().on_train_end(logs)


def _result(recorder: Recorder) -> TrainingResult:
    assert recorder.best_step is not None
    assert recorder.best_loss is not None
    assert recorder.best_value is not None
    return TrainingResult(
        updates=recorder.step,
        best_step=recorder.best_step,
        best_loss=recorder.best_loss,
        best_metric=recorder.plan.best_metric,
        best_value=recorder.best_value,
        stopped_early=recorder.stopped_early,
        seconds=recorder.seconds,
    )


def shared_bucket_lengths(parts: Sequence[Utterances], num_buckets: int) -> list[int]:
    """The lengths that all parts of a run are padded to.

    Args:
        parts: of one sampling rate.
        num_buckets: how many lengths there may be.

    Returns:
        Ascending lengths in samples.
    """
    grid = round(BUCKET_GRID_S * parts[0].format.sampling_rate)
    return choose_bucket_lengths([length for part in parts for length in part.lengths], num_buckets, grid)


def _describe(batches: ShuffledBatches, training: Utterances, copies: int) -> str:
    """What the first epoch is made of, in words."""
    epoch = [batches[step] for step in range(batches.batches_per_epoch)]
    padding = padding_share(epoch, list(training.lengths) * copies, batches.batch_size)
    seconds = sorted({batch.samples / training.format.sampling_rate for batch in epoch})
    lengths = ", ".join(f"{length:g}" for length in seconds)
    utterances = f"{len(training)} utterances" + (f" × {copies} by augmentation" if copies > 1 else "")
    return f"{utterances} in batches of {lengths} s, {padding:.0%} of it padding"


def for_backend(dataset: Any) -> Any:
    """A Grain data set as `fit`, `evaluate` and `predict` of the running backend take it."""
    return tf_dataset(dataset) if keras.config.backend() == "tensorflow" else dataset


def _describe_weights(unfreezing: Unfreezing, updates: int, whole: keras.Model | None) -> list[str]:
    """How large the whole model is and how much of it is trained, in words."""
    trained, there = unfreezing.trained_share(updates)
    if whole is not None:
        there = whole.count_params()
    percent = 100.0 * trained / there
    share = "all" if trained == there else f"{percent:.0f}%" if percent >= 1 else f"{percent:.2g}%"
    words = [f"{there:,} weights, {share} of them trained"]
    steps = unfreezing.boundaries[1:]
    if steps:
        joined = sum(step < updates for step in steps)
        words.append(f"the head first, then {joined} of {len(steps)} times more of the backbone")
    return words
