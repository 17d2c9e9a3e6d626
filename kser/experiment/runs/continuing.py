"""Starting from a model with a trained head: the head, its preprocessing, and what it already knows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kser.audio.processing import as_setting
from kser.corpora.emotions import map_to_model
from kser.errors import UserError
from kser.experiment.config.head_argument import HeadField, head_fields
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.planning import Run
from kser.experiment.runs.published_model import NO_HEAD, has_trained_head, model_provenance
from kser.experiment.runs.recording_keys import RecordingKeys, count_known
from kser.experiment.runs.trained_model import PROVENANCE_FILE, load_classifier, load_provenance
from kser.files import expanded


def earlier_model(model: ModelConfig) -> Path | None:
    """The folder that a run starts from, if kser trained what is in it."""
    folder = expanded(model.model_path_or_name)
    return folder if (folder / PROVENANCE_FILE).is_file() else None


def known_recordings(model: ModelConfig, recordings: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """All recordings that a trained model has seen: those of its run, and of the model that it began as.

    The latter also where the head is a new one: the backbone has learned from them. One that is evaluated as
    it is has seen no others.

    Args:
        model: the model JSON.
        recordings: what those of the run's training and validation part are known by.

    Returns:
        By part, each recording once. What was in the training part of one and in the validation part of the
        other is in both. Nothing where it is not known.
    """
    folder = earlier_model(model)
    earlier = {} if folder is None else load_provenance(folder).recordings
    if not model.is_trained:
        return earlier
    return {part: list(dict.fromkeys([*seen, *earlier.get(part, [])])) for part, seen in recordings.items()}


def learned_before(model: ModelConfig, recordings: Mapping[str, Sequence[RecordingKeys]]) -> dict[str, int]:
    """How many recordings of each part the model that a run begins as was trained on, where there are any."""
    folder = earlier_model(model)
    trained_on = [] if folder is None else load_provenance(folder).recordings.get("train", [])
    counts = {part: count_known(given, trained_on) for part, given in recordings.items()}
    return {part: count for part, count in counts.items() if count}


def continued_model(run: Run, head: Mapping[str, Any]) -> Any:
    """The model with a trained head that a run goes on with; checked against what its JSON files say.

    Numbers stay in the units that its head was made for: mean and deviation of the earlier training part.

    Args:
        run: which.
        head: of its data, see `RunData.head`.

    Raises:
        UserError: it has no trained head, or it has learned something else, or it has other classes, another
            architecture or another preprocessing than the files say.
    """
    model = run.model
    name = str(expanded(model.model_path_or_name.removeprefix("hf://")))
    try:
        has_head = has_trained_head(name)
    except UserError as error:
        raise UserError(f"{run.model_source}: {error}") from error
    if not has_head:
        raise UserError(
            f"{run.model_source}: continue_model_training: model_path_or_name: {name}: {NO_HEAD}, to go on "
            "with; set continue_model_training to false"
        )
    classifier = load_classifier(
        Path(name), dtype=model.precision, **(_settings_of_training(model) if model.is_trained else {})
    )
    if model.is_trained:
        _name_classes_alike(classifier, head, run.config.normalize_metadata)
    mistakes = [
        *_head_mistakes(classifier, Path(name), run, head),
        *(f"{run.model_source}: {line}" for line in _architecture_mistakes(classifier, model)),
        *(f"{run.experiment.source}: {line}" for line in _processing_mistakes(classifier, run)),
    ]
    if mistakes:
        raise UserError("\n".join(mistakes))
    return classifier


def _settings_of_training(model: ModelConfig) -> dict[str, Any]:
    """Those arguments of a head in which training may differ from an earlier one."""
    return {
        field.argument.name: field.value(model)
        for field in head_fields(type(model))
        if field.argument.may_change is not None
    }


def _name_classes_alike(classifier: Any, head: Mapping[str, Any], normalize: bool) -> None:
    """Let a classifier have the names and the order of the run's classes, where they mean the same."""
    from kser.models import EmotionClassifier

    labels = list(head.get("labels", []))
    if not isinstance(classifier, EmotionClassifier) or len(labels) != len(classifier.labels):
        return
    known = map_to_model(pd.Series(labels), classifier.labels, normalize=normalize).labels
    if set(known) == set(classifier.labels):
        classifier.rename_labels(dict(zip(known, labels, strict=True)))


def _head_mistakes(classifier: Any, folder: Path, run: Run, head: Mapping[str, Any]) -> list[str]:
    """What is to be learned must be what was learned; without training, some of the classes will do."""
    task = run.model.task
    field = f"{run.model_source}: continue_model_training"
    if not isinstance(classifier, task.model_class):
        earlier = model_provenance(folder).task
        return [f"{field}: the model is for {task.name}, but {folder} was trained for {earlier.name}"]
    hint = "; label_map and classes of training_dataset can make them the same" if task.class_column else ""
    return [
        f"{field}: {name}: {', '.join(head[name])}, but {folder} has {', '.join(known)}{hint}"
        for name in classifier.new_head_arguments
        if not _fits(name, known := getattr(classifier, name), list(head[name]), run)
    ]


def _fits(argument: str, known: list[str], names: list[str], run: Run) -> bool:
    """Whether an argument that says what a head is for goes with the names in the data."""
    if run.model.is_trained or argument != "labels" or run.model.task.class_column is None:
        return known == names
    source, normalize = str(run.data_csv), run.config.normalize_metadata
    mapping = map_to_model(pd.Series(names), known, source=source, normalize=normalize)
    return bool(mapping.labels.notna().any())


def _architecture_mistakes(classifier: Any, model: ModelConfig) -> list[str]:
    """Fields that are given and say something else than what the model is; what is not given is its own."""
    head, backbone = classifier.get_config(), classifier.backbone.get_config()
    differences = [
        (name, getattr(model, name), f"{field.argument.name} {head.get(field.argument.name)!r}")
        for field in head_fields(type(model))
        for name in _contradicted_fields(field, model, head.get(field.argument.name))
    ]
    differences += [
        (f"backbone_arguments.{argument}", value, repr(backbone.get(argument)))
        for argument, value in model.backbone_arguments.items()
        if value != backbone.get(argument)
    ]
    return [
        f"{name}: {value!r}, but the model whose training is to be continued has {earlier}; leave it out"
        for name, value, earlier in differences
    ]


def _contradicted_fields(field: HeadField, model: ModelConfig, earlier: Any) -> list[str]:
    """The fields, of one of the head and its switches, that contradict what a trained model has."""
    asked, off = field.value(model), field.argument.off
    if field.argument.may_change is not None:
        return []
    if field.name in model.model_fields_set:
        return [] if asked == earlier else [field.name]
    if field.has_off_value and (asked == off) != (earlier == off):
        return [name for name in field.switches if name in model.model_fields_set]
    return []


def _processing_mistakes(classifier: Any, run: Run) -> list[str]:
    if not run.model.is_trained:
        return []  # it hears audio as it always did
    before = vars(classifier.waveform_format.processing)
    return [
        f"{name}: {as_setting(value)}, but the model whose training is to be continued, {run.model.name}, "
        f"was trained with {as_setting(before[name])}; leave it out"
        for name, value in run.config.audio_processing.chosen().items()
        if value != before[name]
    ]
