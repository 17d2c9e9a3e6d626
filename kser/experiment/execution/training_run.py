"""Doing one run: data, model and training."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from enum import Enum
from typing import Any

import keras

from kser.corpora.splits import PARTS
from kser.errors import UserError
from kser.experiment.evaluating.test_sets import further_test_sets, read_test_set
from kser.experiment.execution.run_files import claim, is_untidy, save_results, tidy_up
from kser.experiment.execution.run_fingerprint import fingerprint_of, run_settings
from kser.experiment.execution.run_state import RunState, run_state
from kser.experiment.execution.together import check_alike, is_divided
from kser.experiment.runs.augmenting import augmentation_plan, try_out
from kser.experiment.runs.cut_recordings import cut_notes
from kser.experiment.runs.feature_caching import FrozenPart, above_frozen_part, frozen_part
from kser.experiment.runs.long_recordings import count_long, in_words
from kser.experiment.runs.model_building import build_model, forget_frozen_backbone
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import SKIPPED_FILE, RunData, load_run_data
from kser.experiment.runs.run_devices import run_devices
from kser.experiment.runs.run_lock import try_lock_run
from kser.experiment.runs.trained_model import renew_names
from kser.experiment.search.searching import SearchFailedError, SearchResult, search
from kser.experiment.search.trial_runner import TrialFailedError
from kser.models import EmotionTask
from kser.pipeline.augmenting import AugmentationPlan
from kser.pipeline.reading import Progress as ReadingProgress
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.devices import on_devices, undivided
from kser.training.events import Message, ProgressListener, Working, reading_progress
from kser.training.fit import train
from kser.training.logistic_regression import train_by_logistic_regression
from kser.training.process_group import agreed, is_first, of_first, processes
from kser.training.training_result import TrainingResult
from kser.training.training_state import restore_best


class TrainingFailedError(UserError):
    """A run that was rightly asked for, began, and could not be finished: other runs may."""


class ModelMistakeError(UserError):
    """A mistake that stops every run of the model, whatever its seed: each would find it anew."""


class Outcome(Enum):
    """What became of a run that did not fail."""

    TRAINED = "trained"
    ALREADY_TRAINED = "already trained"
    ELSEWHERE = "in another process"


def do_run(
    run: Run, callbacks: Sequence[keras.callbacks.Callback] = (), progress: ProgressListener | None = None
) -> Outcome:
    """Train one model with one seed, unless it is there already; continue it if it was interrupted.

    Args:
        run: the model, the seed and the paths.
        callbacks: further callbacks for `kser.training.fit.train`.
        progress: gets the events of the run, see `kser.training.events`.

    Raises:
        UserError: the data are wrong, or results of other settings stand where these would go.
        ModelMistakeError: the model cannot be built, or audio cannot be read.
        TrainingFailedError: it began and failed, say because the loss is no longer a number.
    """
    if processes() > 1 and not of_first(lambda: is_divided(run)):
        return of_first(lambda: do_run(run, callbacks, progress))
    with agreed():
        data = load_run_data(run)
        settings = run_settings(run, data)
    check_alike(run.title, settings)
    if of_first(lambda: _is_finished(run, settings)):
        return Outcome.ALREADY_TRAINED
    with _of_every_run():
        devices = run_devices(run)
    with on_devices(devices):
        return _do_unfinished(run, data, settings, callbacks, progress)


def _is_finished(run: Run, settings: Mapping[str, Any]) -> bool:
    """Whether a run is trained already; one that is, is tidied up."""
    if run_state(run, settings) is not RunState.FINISHED:
        return False
    if is_untidy(run, fingerprint_of(settings)):
        with try_lock_run(run.paths) as ours:
            if ours:
                tidy_up(run)
    renew_names(run.paths.model, run.model.factors, run.model.layer_curve)
    return True


def _do_unfinished(
    run: Run,
    data: RunData,
    settings: Mapping[str, Any],
    callbacks: Sequence[keras.callbacks.Callback],
    progress: ProgressListener | None,
) -> Outcome:
    fingerprint = fingerprint_of(settings)
    # Every audio file is read once before anything is written.
    with agreed(in_step=True), _of_every_run():
        model = build_model(run, data.head)
        frozen = frozen_part(run, model, model.waveform_format)
    reader = WaveformReader(model.waveform_format, run.audio_cache)
    with agreed():
        parts = _read_parts(run, data, reader, reading_progress(progress, run.title))
        _say_what_is_cut(run, data, model, parts, progress)
        augmentation = _augmentation(run, reader, parts["train"])
    with try_lock_run(run.paths) if is_first() else nullcontext(True) as ours:
        if (outcome := of_first(lambda: _claimed(run, data, settings, parts, ours))) is not None:
            return outcome
        found = None
        if not run.model.skip_hp_search:
            del model, frozen  # each trial has its own
            found = of_first(lambda: _search(run, data, parts, fingerprint, augmentation, progress))
            run = found.run
            with agreed(in_step=True):
                model, frozen = _candidate(run, data, reader.format)
        result = None
        if run.model.is_trained:
            with agreed(in_step=True):
                result = _fit(run, model, parts, frozen, fingerprint, augmentation, callbacks, progress)
        if processes() > 1:
            del model, frozen
            of_first(lambda: _save_by_itself(run, data, settings, parts, result, found))
        else:
            save_results(run, data, settings, model, frozen, parts, result, found)
            tidy_up(run)
    return Outcome.TRAINED


def _claimed(
    run: Run, data: RunData, settings: Mapping[str, Any], parts: Mapping[str, Utterances], ours: bool
) -> Outcome | None:
    """What has become of a run while this process was reading; `None` where it is to be done here."""
    if not ours:
        return Outcome.ELSEWHERE
    if run_state(run, settings) is RunState.FINISHED:
        if is_untidy(run, fingerprint_of(settings)):
            tidy_up(run)
        return Outcome.ALREADY_TRAINED
    claim(run, settings)
    data.write_split(run.paths.split, parts)
    return None


def _save_by_itself(
    run: Run,
    data: RunData,
    settings: Mapping[str, Any],
    parts: Mapping[str, Utterances],
    result: TrainingResult | None,
    found: SearchResult | None,
) -> None:
    """Save what processes have trained together, from its best weights, on the devices of this one."""
    with on_devices(run_devices(run)):
        model, frozen = _candidate(run, data, parts["train"].format)
        restore_best(run.paths.states, model)
        save_results(run, data, settings, model, frozen, parts, result, found)
        tidy_up(run)


def _search(
    run: Run,
    data: RunData,
    parts: Mapping[str, Utterances],
    fingerprint: str,
    augmentation: AugmentationPlan | None,
    progress: ProgressListener | None,
) -> SearchResult:
    """The run with the values of the best trial; trials are given the training and validation part only.

    They are trained by one process.
    """

    def train_trial(
        trial: Run,
        given: Mapping[str, Utterances],
        identity: str,
        progress: ProgressListener | None,
    ) -> TrainingResult:
        model, frozen = _candidate(trial, data, given["train"].format)
        try:
            return _fit(trial, model, given, frozen, identity, augmentation, (), progress)
        except TrainingFailedError as error:
            raise TrialFailedError(str(error)) from error

    known = {part: parts[part] for part in ("train", "validation")}
    try:
        with on_devices(run_devices(run)):
            return search(run, data, known, fingerprint, train_trial, progress)
    except SearchFailedError as error:
        raise TrainingFailedError(str(error)) from error


def _candidate(
    run: Run, data: RunData, waveform_format: WaveformFormat
) -> tuple[EmotionTask, FrozenPart | None]:
    """The model of a candidate, for audio that is read already, and its frozen part."""
    model = build_model(run, data.head)
    if model.waveform_format != waveform_format:
        raise UserError(
            f"{run.model_source}: hp_search_space: backbone_arguments: candidates must take audio of the "
            "same sampling rate and the same shortest length"
        )
    return model, frozen_part(run, model, waveform_format)


def _fit(
    run: Run,
    model: EmotionTask,
    parts: Mapping[str, Utterances],
    frozen: FrozenPart | None,
    identity: str,
    augmentation: AugmentationPlan | None,
    callbacks: Sequence[keras.callbacks.Callback],
    progress: ProgressListener | None,
) -> TrainingResult:
    try:
        fitted, seen = _seen_in_training(
            model, parts, frozen, reading_progress(progress, run.title, "computing features")
        )
        if run.model.head_solver == "logistic_regression":
            return _solve(run, model, seen, progress)
        with model.ready_made_inputs(), nullcontext() if seen["train"].vectors() is None else undivided():
            return _train(run, fitted, model, seen, identity, augmentation, callbacks, progress)
    except BaseException:
        forget_frozen_backbone()
        raise


def _solve(
    run: Run, model: EmotionTask, parts: Mapping[str, Utterances], progress: ProgressListener | None
) -> TrainingResult:
    if progress is not None:
        progress(Working(run.title, "fitting a logistic regression"))
    solved = train_by_logistic_regression(
        model, parts["train"], parts["validation"], run.model.use_class_weights, run.paths.log
    )
    if progress is not None:
        progress(
            Message(
                run.title,
                f"logistic regression with C {solved.regularization:g}: val loss {solved.best_loss:.4f} "
                f"val uar {solved.best_value:.4f}",
            )
        )
    return solved


def _train(
    run: Run,
    fitted: keras.Model,
    model: EmotionTask,
    parts: Mapping[str, Utterances],
    fingerprint: str,
    augmentation: AugmentationPlan | None,
    callbacks: Sequence[keras.callbacks.Callback],
    progress: ProgressListener | None,
) -> TrainingResult:
    try:
        return train(
            fitted,
            parts["train"],
            parts["validation"],
            run.training_plan,
            run.objective,
            states=run.paths.states,
            log=run.paths.log,
            identity=fingerprint,
            callbacks=callbacks,
            augmentation=augmentation,
            data_workers=_data_workers(run),
            layer_groups=model.layer_groups(),
            whole_model=model,
            program=None if parts["train"].vectors() is None else _layers_of(model),
            title=run.title,
            progress=progress,
        )
    except UserError as error:
        raise TrainingFailedError(str(error)) from error


def _layers_of(model: EmotionTask) -> str:
    """What the layers of a model above its backbone are, in words that differ where they do."""
    below = ("name", "backbone", "preprocessor", "hidden_state")
    settings = {name: value for name, value in model.get_config().items() if name not in below}
    return f"{type(model).__name__} {settings}"


def _seen_in_training(
    model: EmotionTask,
    parts: Mapping[str, Utterances],
    frozen: FrozenPart | None,
    progress: ReadingProgress | None,
) -> tuple[keras.Model, Mapping[str, Utterances]]:
    """The model that is fitted and the utterances as it takes them: audio, or kept features."""
    if frozen is None:
        return model, parts
    read = {part: parts[part] for part in ("train", "validation")}
    return above_frozen_part(frozen, read, progress)


def _augmentation(run: Run, reader: WaveformReader, training: Utterances) -> AugmentationPlan | None:
    """What is done to the training part, tried out."""
    plan = augmentation_plan(run.experiment, run.seed) if run.model.is_trained else None
    if plan is not None:
        with _of_every_run():
            try_out(run.experiment, plan, reader(training.paths[0]), reader.format.sampling_rate)
    return plan


@contextmanager
def _of_every_run() -> Iterator[None]:
    """What is wrong within this block is wrong for every run of the model."""
    try:
        yield
    except UserError as error:
        raise ModelMistakeError(str(error)) from error


def _read_parts(
    run: Run, data: RunData, reader: WaveformReader, progress: ReadingProgress | None
) -> dict[str, Utterances]:
    """The utterances of every part; what cannot be read, of the test sets too, is told at once."""
    parts: dict[str, Utterances] = {}
    mistakes = []
    for part in PARTS:
        try:
            parts[part] = data.utterances(part, reader, run.config.on_bad_audio, progress)
        except UserError as error:
            mistakes.append(str(error))
    for test_set in further_test_sets(run.experiment):
        metadata = read_test_set(test_set.test_csv, data.task, run.model.input_column, test_set.table_format)
        paths = metadata.table["path"].tolist()
        try:
            Utterances.from_files(paths, [0] * len(paths), reader, run.config.on_bad_audio, progress)
        except UserError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ModelMistakeError("\n".join(mistakes))
    bad_audio = {path: why for utterances in parts.values() for path, why in utterances.skipped.items()}
    if lost := data.bad_audio_mistakes(str(run.data_csv), bad_audio):
        raise UserError("\n".join(lost))
    return parts


def _say_what_is_cut(
    run: Run,
    data: RunData,
    model: EmotionTask,
    parts: Mapping[str, Utterances],
    progress: ProgressListener | None,
) -> None:
    lengths = {f"{part} part": utterances.lengths for part, utterances in parts.items()}
    processing = model.waveform_format.processing
    skipped = sum(len(utterances.skipped) for utterances in parts.values())
    counts = count_long((path for part in PARTS for path in data.rows(part)["path"]), processing)
    notes = [*cut_notes(lengths, model.backbone, model.waveform_format), *in_words(counts)]
    if skipped:
        notes.append(f"{skipped} recordings are left out: {run.paths.split / SKIPPED_FILE} says why")
    for note in notes:
        if progress is not None:
            progress(Message(run.title, note))


def _data_workers(run: Run) -> int:
    """Processes that read data: one at least where threads would not do.

    On PyTorch augmentation of tensors and the model's dropout draw from the same global generator.
    """
    tensors = any(augmentation.tensors for augmentation in run.config.augmentations.values())
    return max(run.config.data_workers, int(tensors and keras.config.backend() == "torch"))
