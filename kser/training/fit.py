"""One training run, from the first update or from where it was interrupted, to its best weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

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
from kser.training.losses import ClassWeightedCrossentropy, inverse_count_weights
from kser.training.metrics import classification_metrics
from kser.training.optimisation import LinearDecay, adamw
from kser.training.plan import TrainingPlan
from kser.training.recorder import Recorder
from kser.training.training_state import restore_best, restore_latest_state

# Bucket lengths are multiples of this: half a second at 16 kHz.
BUCKET_GRID_S = 0.5


@dataclass(frozen=True)
class TrainingResult:
    """What a finished run says of itself.

    Attributes:
        updates: updates made.
        best_step: update after which the validation loss was least; the model has its weights.
        best_loss: that loss.
        seconds: time spent training.
    """

    updates: int
    best_step: int
    best_loss: float
    seconds: float


def train(
    model: keras.Model,
    training: Utterances,
    validation: Utterances,
    plan: TrainingPlan,
    states: Path,
    log: Path,
    identity: str,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    augmentation: AugmentationPlan | None = None,
    data_workers: int = 0,
) -> TrainingResult:
    """Fit a classifier; called again on the same `states` after an interruption, it continues exactly.

    The model is evaluated on the validation part before the first update and then every
    `plan.eval_steps`. At the end it has the weights of the evaluation with the least validation loss.

    Args:
        model: a classifier that gives logits (batch, classes).
        training: utterances to learn from.
        validation: utterances that choose the best weights.
        plan: the settings.
        states: folder for the saved states and the best weights.
        log: CSV file for the training log, see `TrainingLog`.
        identity: what the run is; states of another identity are refused.
        callbacks: further callbacks; those that have an attribute `recorder` are given the run's `Recorder`.
        augmentation: what is done to the training utterances, and to no others.
        data_workers: processes that read and augment them; 0 for threads.

    Raises:
        UserError: an audio file cannot be read, or the loss is no longer a number.
    """
    lengths = shared_bucket_lengths([training, validation], plan.length_buckets)
    copies = 1 if augmentation is None else augmentation.copies
    batches = ShuffledBatches(list(training.lengths) * copies, lengths, plan.batch_size, plan.seed)
    updates = plan.updates(batches.batches_per_epoch)
    _compile(model, training.targets, plan, updates)

    progress = restore_latest_state(states, model, identity)
    recorder = Recorder(plan, states, log, updates, batches.batches_per_epoch, identity, progress)
    recorder.set_model(model)
    recorder.data = _describe(batches, training, copies)
    validation_batches = plan_in_order(validation.lengths, lengths, plan.evaluation_batch_size)
    validation_data = for_backend(
        evaluation_dataset(validation, validation_batches, plan.evaluation_batch_size)
    )
    for callback in callbacks:
        callback.recorder = recorder
    with reader_errors():
        if progress is None:
            logs = model.evaluate(validation_data, steps=len(validation_batches), return_dict=True, verbose=0)
            recorder.record_evaluation(logs)
        if recorder.step < updates:
            stretches = -(-updates // plan.eval_steps)
            batches_per_stretch = plan.eval_steps * plan.gradient_accumulation_steps
            start = recorder.step * plan.gradient_accumulation_steps
            stop = stretches * batches_per_stretch
            training_data = training_dataset(training, batches, start, stop, augmentation, data_workers)
            with closed_at_the_end(training_data):
                model.fit(
                    for_backend(training_data),
                    validation_data=validation_data,
                    validation_steps=len(validation_batches),
                    epochs=stretches,
                    initial_epoch=recorder.step // plan.eval_steps,
                    steps_per_epoch=batches_per_stretch,
                    callbacks=[recorder, *callbacks],
                    shuffle=False,
                    verbose=0,
                )
    restore_best(states, model)
    assert recorder.best_step is not None
    assert recorder.best_loss is not None
    return TrainingResult(updates, recorder.best_step, recorder.best_loss, recorder.seconds)


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


def _compile(model: keras.Model, targets: np.ndarray, plan: TrainingPlan, updates: int) -> None:
    num_classes = model.output_shape[-1]
    class_weights = [1.0] * num_classes
    if plan.use_class_weights:
        class_weights = inverse_count_weights(targets, num_classes)
    schedule = LinearDecay(plan.learning_rate, updates, plan.gradient_accumulation_steps)
    model.compile(
        optimizer=adamw(schedule, plan.gradient_accumulation_steps, plan.max_grad_norm),
        loss=ClassWeightedCrossentropy(class_weights),
        weighted_metrics=classification_metrics(class_weights),
    )
    model.optimizer.build(model.trainable_variables)
