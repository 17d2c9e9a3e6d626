"""One training run, from the first update or from where it was interrupted, to its best weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kser.keras_internals import model_up_to
from kser.models.standardization import unadapted_standardizations
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
from kser.training.devices import devices_in_use, own_places, places_of, undivided
from kser.training.events import ProgressListener
from kser.training.joined_steps import join_steps
from kser.training.objectives import Objective
from kser.training.plan import TrainingPlan
from kser.training.process_group import processes
from kser.training.progress import ProgressReporter
from kser.training.recorder import Recorder
from kser.training.shared_programs import forget_shared_program
from kser.training.training_result import TrainingResult
from kser.training.training_state import (
    assign_model,
    load_latest_state,
    optimizer_arrays,
    restore_best,
)
from kser.training.unfreezing import Unfreezing

# Bucket lengths are multiples of this: half a second at 16 kHz.
BUCKET_GRID_S = 0.5
# In evaluations of training; more are no faster.
VECTORS_IN_A_BATCH = 128


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
    layer_groups: Sequence[Sequence[Any]] = (),
    whole_model: keras.Model | None = None,
    program: str | None = None,
    title: str = "training",
    progress: ProgressListener | None = None,
) -> TrainingResult:
    """Fit a model; called again on the same `states` after an interruption, it continues exactly.

    The model is evaluated on the validation part before the first update and then every
    `plan.eval_steps`. At the end it has the weights of the evaluation in which `plan.best_metric` was best.
    Where processes train it together, all call this, and files are those of the first.

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
        layer_groups: the weights of each layer of the backbone from the top one down, and at last of what
            is below, for `layerwise_lr_decay` and `gradual_unfreezing_epochs`; others are the head's.
        whole_model: the model of which `model` is the upper part, to say how much of it is trained; `None`:
            `model` is whole.
        program: what the layers of the model are, for a model of vectors: runs of one program, objective and
            plan are trained through one compiled step, whatever their seeds; `None`: each compiles its own.
        title: what progress calls the run.
        progress: gets the events of the run, see `kser.training.events`.

    Raises:
        UserError: an audio file cannot be read, the loss is no longer a number, or gradual unfreezing would
            not come to any layer.
    """
    data = _Batches(training, validation, plan, augmentation, data_workers)
    batches_per_epoch = data.training_batches.batches_per_epoch
    updates = plan.updates(batches_per_epoch)
    compiler = RunCompiler(
        model, objective, training.targets, plan, updates, batches_per_epoch, layer_groups, program
    )
    compiler.unfreezing.check_that_something_joins(updates)
    saved = load_latest_state(states, identity)
    recorder = Recorder(
        plan,
        objective,
        states,
        log,
        updates,
        batches_per_epoch,
        identity,
        None if saved is None else saved.progress,
        patient_until=compiler.unfreezing.last_boundary(updates),
        description=", ".join(
            [data.describe(), *_describe_weights(compiler.unfreezing, updates, whole_model)]
        ),
        batches_per_call=data.joined,
    )
    for callback in callbacks:
        callback.recorder = recorder
    reporter = None if progress is None else ProgressReporter(title, progress, recorder)
    with reader_errors(), _program_forgotten_on_failure():
        if saved is None:
            data.standardize(model)
        else:
            assign_model(model, saved.arrays)
        fitted = compiler.compile(recorder.step, {} if saved is None else saved.arrays)
        recorder.set_model(fitted)
        run_callbacks = _RunCallbacks(recorder, [*([reporter] if reporter else []), *callbacks])
        if saved is None:
            recorder.record_evaluation(data.evaluate(fitted))
        while not recorder.finished:
            first = recorder.step // plan.eval_steps
            last = -(-compiler.unfreezing.next_boundary(recorder.step, updates) // plan.eval_steps)
            data.fit(fitted, first, last, run_callbacks)
            if not recorder.finished:
                fitted = compiler.compile(recorder.step, optimizer_arrays(model))
    compiler.unfreezing.apply(updates)
    restore_best(states, model)
    if reporter is not None:
        reporter.report_end()
    return _result(recorder)


@contextmanager
def _program_forgotten_on_failure() -> Iterator[None]:
    try:
        yield
    except BaseException:
        forget_shared_program()
        raise


class _Batches:
    """The training and the validation part of a run as batches.

    Args:
        training: utterances to learn from.
        validation: utterances to evaluate on.
        plan: the settings.
        augmentation: what is done to the training utterances.
        data_workers: processes that read and augment them; 0 for threads.

    Attributes:
        training_batches: which utterances each batch of training consists of.
        joined: how many of them `fit` takes at once.
    """

    def __init__(
        self,
        training: Utterances,
        validation: Utterances,
        plan: TrainingPlan,
        augmentation: AugmentationPlan | None,
        data_workers: int,
    ):
        self.plan = plan
        in_memory = training.vectors() is not None and keras.config.backend() == "jax"
        self.joined = plan.gradient_accumulation_steps if in_memory else 1
        self._training, self._augmentation, self._workers = training, augmentation, data_workers
        self._copies = 1 if augmentation is None else augmentation.copies
        self._lengths = list(training.lengths) * self._copies
        self._buckets = shared_bucket_lengths([training, validation], plan.length_buckets)
        self.training_batches = ShuffledBatches(self._lengths, self._buckets, plan.batch_size, plan.seed)
        self._training_places = places_of(plan.batch_size)
        # Of vectors a batch may be large, and has one size for all seeds: they share what is compiled.
        self._places = (
            places_of(plan.evaluation_batch_size)
            if training.vectors() is None
            else max(plan.evaluation_batch_size, VECTORS_IN_A_BATCH)
        )
        validation_batches = plan_in_order(validation.lengths, self._buckets, self._places)
        self._validation_steps = len(validation_batches)
        self._validation_data = for_backend(
            evaluation_dataset(validation, validation_batches, own_places(self._places))
        )

    def evaluate(self, model: keras.Model) -> dict[str, Any]:
        """What `model.evaluate` gives for the validation part."""
        logs: dict[str, Any] = model.evaluate(
            self._validation_data, steps=self._validation_steps, return_dict=True, verbose=0
        )
        return logs

    def standardize(self, model: keras.Model) -> None:
        """Give layers that standardise, and have no statistics yet, those of the training part.

        They are those of the utterances themselves, without augmentation, as the model gives them now.
        """
        for layer in unadapted_standardizations(model):
            vectors_of = model_up_to(model, layer)
            assert vectors_of is not None
            batches = plan_in_order(self._training.lengths, self._buckets, self._places)
            data = evaluation_dataset(self._training, batches, self._places)
            if self._training.vectors() is None:
                # Each of several processes needs them all.
                with undivided() if processes() > 1 else nullcontext():
                    vectors = vectors_of.predict(for_backend(data), steps=len(batches), verbose=0)
            else:  # to compile it would take longer
                inputs = (inputs for (inputs, *_), _ in zip(data, batches, strict=False))
                vectors = np.concatenate(
                    [keras.ops.convert_to_numpy(vectors_of(of_batch)) for of_batch in inputs]
                )
            layer.adapt(vectors[: len(self._training)])  # empty places are at the end

    def fit(self, model: keras.Model, first: int, last: int, callbacks: keras.callbacks.CallbackList) -> None:
        """Fit from one evaluation to another; they are counted from the beginning of the run."""
        stretch = self.plan.eval_steps * self.plan.gradient_accumulation_steps
        if self.joined > 1 and model.train_function is None:
            self.evaluate(model)  # builds it
            join_steps(model)
        data = training_dataset(
            self._training,
            self.training_batches,
            first * stretch,
            last * stretch,
            self._augmentation,
            self._workers,
            self.joined,
            own_places(self._training_places),
        )
        with closed_at_the_end(data):
            model.fit(
                for_backend(data),
                validation_data=self._validation_data,
                validation_steps=self._validation_steps,
                epochs=last,
                initial_epoch=first,
                steps_per_epoch=stretch // self.joined,
                callbacks=callbacks,
                shuffle=False,
                verbose=0,
            )

    def describe(self) -> str:
        """What the first epoch consists of, in words."""
        augmented = f" × {self._copies} by augmentation" if self._copies > 1 else ""
        utterances = f"{len(self._training)} utterances{augmented}"
        batches, features = self.training_batches, self._training.features
        if features is not None and features.vectors is not None:
            return f"{utterances} as vectors of the frozen backbone, in batches of {batches.batch_size}"
        epoch = [batches[step] for step in range(batches.batches_per_epoch)]
        padding = padding_share(epoch, self._lengths, self._training_places)
        seconds = sorted({batch.samples / self._training.format.sampling_rate for batch in epoch})
        lengths = ", ".join(f"{length:g}" for length in seconds)
        devices = devices_in_use()
        shared = f", on {devices} devices with {self._training_places // devices} each" if devices > 1 else ""
        shared += f" in {processes()} processes" if processes() > 1 else ""
        return f"{utterances} in batches of {lengths} s, {padding:.0%} of it padding{shared}"


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
        devices=recorder.devices,
    )


def shared_bucket_lengths(parts: Sequence[Utterances], num_buckets: int) -> list[int]:
    """The lengths that all parts of a run are padded to.

    Args:
        parts: of one sampling rate.
        num_buckets: how many lengths at most.

    Returns:
        Ascending lengths in samples.
    """
    grid = round(BUCKET_GRID_S * parts[0].format.sampling_rate)
    return choose_bucket_lengths([length for part in parts for length in part.lengths], num_buckets, grid)


def for_backend(dataset: Any) -> Any:
    """A Grain data set as `fit`, `evaluate` and `predict` of the running backend take it."""
    return tf_dataset(dataset) if keras.config.backend() == "tensorflow" else dataset


def _describe_weights(unfreezing: Unfreezing, updates: int, whole_model: keras.Model | None) -> list[str]:
    """How large the whole model is and how much of it is trained, in words."""
    trained, total = unfreezing.trained_share(updates)
    if whole_model is not None:
        total = whole_model.count_params()
    percent = 100.0 * trained / total
    share = "all" if trained == total else f"{percent:.0f}%" if percent >= 1 else f"{percent:.2g}%"
    words = [f"{total:,} weights, {share} of them trained"]
    steps = unfreezing.boundaries[1:]
    if steps:
        joined = sum(step < updates for step in steps)
        words.append(f"the head first, then {joined} of {len(steps)} times more of the backbone")
    return words
