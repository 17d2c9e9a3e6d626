"""Doing one run: data, model, training, and the trained model on disk."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import keras

import kser
from kser.corpora.metadata import read_metadata
from kser.corpora.splits import PARTS
from kser.errors import UserError
from kser.experiment.augmenting import augmentation_plan, try_out
from kser.experiment.further_test_sets import further_test_sets
from kser.experiment.planning import Run
from kser.experiment.run_data import RunData, load_run_data
from kser.experiment.run_fingerprint import run_fingerprint
from kser.experiment.run_lock import alone_on, remove_locks
from kser.experiment.trained_model import (
    PROVENANCE_FILE,
    Provenance,
    load_provenance,
    save_trained_model,
)
from kser.files import read_json, write_json
from kser.models import AudioClassifierPreprocessor, EmotionClassifier, SpeechAudioConverter
from kser.models.building import SCRATCH_PREFIX, build_backbone
from kser.pipeline.augmenting import AugmentationPlan
from kser.pipeline.reading import Progress, WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat
from kser.training.fit import TrainingResult, train
from kser.training.training_state import remove_states


class TrainingFailedError(UserError):
    """A run that was rightly asked for, began, and could not be finished: other runs may."""


class Outcome(Enum):
    """What came of asking for a run."""

    TRAINED = "trained"
    ALREADY_THERE = "already there"
    ELSEWHERE = "another process is at it"


def do_run(
    run: Run, callbacks: Sequence[keras.callbacks.Callback] = (), progress: Progress | None = None
) -> Outcome:
    """Train one model with one seed, unless it is there already; continue it if it was interrupted.

    Args:
        run: the model, the seed and the paths.
        callbacks: further callbacks for `kser.training.fit.train`.
        progress: shows how far the reading of all audio files is, before training.

    Raises:
        UserError: the data are wrong, or results of other settings stand where these would go.
        TrainingFailedError: it began and failed, say because the loss is no longer a number.
    """
    data = load_run_data(run)
    fingerprint = run_fingerprint(run, data)
    if _is_finished(run, fingerprint):
        _tidy_up(run)
        return Outcome.ALREADY_THERE
    _check_interrupted(run, fingerprint)
    # Every audio file is read once before anything is written.
    classifier = build_classifier(run, data.labels)
    reader = WaveformReader(waveform_format_of(classifier), run.audio_cache)
    parts = _read_parts(run, data, reader, progress)
    augmentation = _augmentation(run, reader, parts["train"])
    with alone_on(run.paths) as ours:
        if not ours:
            return Outcome.ELSEWHERE
        if _is_finished(run, fingerprint):  # while this process was reading
            return Outcome.ALREADY_THERE
        _claim(run, fingerprint)
        data.write_split(run.paths.split, parts)
        result = _train(run, classifier, parts, fingerprint, augmentation, callbacks)
        provenance = _provenance(run, data, fingerprint, result, parts)
        save_trained_model(run.paths.model, classifier, provenance)
        _tidy_up(run)
    return Outcome.TRAINED


def _train(
    run: Run,
    classifier: EmotionClassifier,
    parts: Mapping[str, Utterances],
    fingerprint: str,
    augmentation: AugmentationPlan | None,
    callbacks: Sequence[keras.callbacks.Callback],
) -> TrainingResult:
    try:
        with classifier.ready_made_inputs():
            return train(
                classifier,
                parts["train"],
                parts["validation"],
                run.training_plan,
                states=run.paths.states,
                log=run.paths.log,
                identity=fingerprint,
                callbacks=callbacks,
                augmentation=augmentation,
                data_workers=_data_workers(run),
            )
    except UserError as error:
        raise TrainingFailedError(str(error)) from error


def _is_finished(run: Run, fingerprint: str) -> bool:
    """Whether the trained model stands in its place."""
    if not (run.paths.model / PROVENANCE_FILE).is_file():
        return False
    if load_provenance(run.paths.model).run_fingerprint != fingerprint:
        raise UserError(
            f"{run.paths.model}: holds a model trained with other settings, data or version of kser; "
            "give the experiment another experiment_name, or move that folder away"
        )
    return True


def _augmentation(run: Run, reader: WaveformReader, training: Utterances) -> AugmentationPlan | None:
    """What is done to the training part, tried out."""
    plan = augmentation_plan(run.experiment, run.seed)
    if plan is not None:
        try_out(run.experiment, plan, reader(training.paths[0]), reader.format.sampling_rate)
    return plan


def _read_parts(
    run: Run, data: RunData, reader: WaveformReader, progress: Progress | None
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
        table = read_metadata(test_set.test_csv, data.label_column, run.model.input_column)
        paths = table["path"].tolist()
        try:
            Utterances.from_files(paths, [0] * len(paths), reader, run.config.on_bad_audio, progress)
        except UserError as error:
            mistakes.append(str(error))
    if mistakes:
        raise UserError("\n".join(mistakes))
    for part, utterances in parts.items():
        there = {data.labels[target] for target in utterances.targets}
        wanted = set(data.rows(part)[data.label_column])
        if lost := sorted(wanted - there):
            raise UserError(
                f"{run.data_csv}: no audio file of {', '.join(lost)} in the {part} part can be used: "
                f"{next(iter(utterances.skipped.values()))}"
            )
    return parts


def _data_workers(run: Run) -> int:
    """Processes that read data: one at least where threads would not do.

    On PyTorch augmentation of tensors and the model's dropout draw from the same global generator.
    """
    tensors = any(augmentation.tensors for augmentation in run.config.augmentations.values())
    return max(run.config.data_workers, int(tensors and keras.config.backend() == "torch"))


def build_classifier(run: Run, labels: list[str]) -> EmotionClassifier:
    """The classifier that a run starts with; the same weights for a seed on every backend.

    Raises:
        UserError: the model file asks for what is not there.
    """
    model = run.model
    asked = {"trim_db": run.config.trim_db, "loudness_lufs": run.config.loudness_lufs}
    processing = {name: value for name, value in asked.items() if value is not None}
    keras.utils.clear_session()
    keras.utils.set_random_seed(run.seed)
    try:
        backbone = build_backbone(model.model_path_or_name, model.backbone_arguments)
        converter = (
            SpeechAudioConverter(sampling_rate=getattr(backbone, "sampling_rate", 16000), **processing)
            if model.model_path_or_name.startswith(SCRATCH_PREFIX)
            else SpeechAudioConverter.from_preset(model.model_path_or_name, **processing)
        )
    except UserError as error:
        raise UserError(f"{run.model_file}: {error}") from error
    if model.freeze_feature_encoder:
        backbone.freeze_feature_encoder()
    try:
        return EmotionClassifier(
            backbone,
            labels,
            preprocessor=AudioClassifierPreprocessor(converter),
            pooling=model.pooling_mode,
            pooling_arguments=model.pooling_arguments,
            layer_weighting=model.layer_weighting if model.use_weight_encoder_layers else None,
            pool_position=model.pool_position,
            use_relu=model.use_relu,
            use_batch_norm=model.use_batch_norm,
            dropout=model.dropout_rate if model.use_dropout else 0.0,
            l2=model.weight_decay if model.use_l2_reg else 0.0,
            projection_dim=model.projection_dim,
            projection_activation=model.projection_activation,
        )
    except ValueError as error:  # arguments that do not fit together, in a line
        raise UserError(f"{run.model_file}: {error}") from error


def waveform_format_of(classifier: EmotionClassifier) -> WaveformFormat:
    """What the pipeline must give this classifier."""
    preprocessor: Any = classifier.preprocessor
    converter = preprocessor.audio_converter
    return WaveformFormat(
        sampling_rate=converter.sampling_rate,
        do_normalize=converter.do_normalize,
        mask_padding=converter.mask_padding,
        minimum_samples=classifier.backbone.minimum_samples,
        processing=converter.processing,
    )


def _tidy_up(run: Run) -> None:
    """Remove what only an unfinished run needs."""
    if run.paths.states.is_dir():
        remove_states(run.paths.states)
    run.paths.settings.unlink(missing_ok=True)
    remove_locks(run.paths)


def _check_interrupted(run: Run, fingerprint: str) -> None:
    """Make sure that an interrupted run in the place of this one is this one."""
    if not run.paths.settings.is_file():
        return
    interrupted: dict[str, Any] = read_json(run.paths.settings)
    if interrupted.get("run_fingerprint") != fingerprint:
        raise UserError(
            f"{run.paths.work}: holds an interrupted run with other settings, data or version of kser; "
            "give the experiment another experiment_name, or move that folder away"
        )


def _claim(run: Run, fingerprint: str) -> None:
    """Write what the run is."""
    _check_interrupted(run, fingerprint)
    write_json(
        run.paths.settings,
        {
            "run_fingerprint": fingerprint,
            "experiment_name": run.config.experiment_name,
            "model_name": run.model.name,
            "seed": run.seed,
            "backend": keras.config.backend(),
        },
    )


def _provenance(
    run: Run,
    data: RunData,
    fingerprint: str,
    result: TrainingResult,
    parts: Mapping[str, Utterances],
) -> Provenance:
    waveform_format = parts["train"].format
    return Provenance(
        run_fingerprint=fingerprint,
        kser_version=kser.__version__,
        keras_version=keras.__version__,
        backend=keras.config.backend(),
        experiment_name=run.config.experiment_name,
        training_dataset=run.config.training_dataset.name,
        seed=run.seed,
        model_config=run.model.model_dump(),
        audio={
            "sampling_rate": waveform_format.sampling_rate,
            "channels": "mean",
            **vars(waveform_format.processing),
            "skipped": {part: len(utterances.skipped) for part, utterances in parts.items()},
        },
        augmentation=run.config.model_dump(
            mode="json",
            by_alias=True,
            include={"augmentations", "augmentation_mode", "augmentation_draws"},
        )
        if run.config.augmentations
        else {},
        label_column=data.label_column,
        split_fingerprint=data.split_fingerprint,
        training=vars(result),
        recordings={part: data.recordings(part) for part in ("train", "validation")},
    )
