"""The shapes of the JSON files of a study; entries of other shapes are left out and named."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from kser.experiment.tasks.report_kinds import Parts, ReportKind

Number = float | None
Names = dict[str, Any] | list[Any] | None


class _Shape(BaseModel):
    """Types are not converted, and what the page does not read may be anything."""

    model_config = ConfigDict(strict=True, extra="ignore", protected_namespaces=())


class _Bin(_Shape):
    low: float
    high: float
    n: float
    accuracy: Number = None
    confidence: Number = None


class _Calibration(_Shape):
    ece: Number = None
    ece_scaled: Number = None
    temperature: Number = None
    mce: Number = None
    ece_adaptive: Number = None
    brier: Number = None
    nll: Number = None
    reliability: list[_Bin] | None = None


class _Comparison(_Shape):
    groups: Annotated[list[str], Field(min_length=2, max_length=2)]
    difference: Number = None
    interval: list[Number] | None = None
    p: Number = None
    p_holm: Number = None
    smallest_p: Number = None
    n_speakers: list[Any] | None = None


class _GroupTests(_Shape):
    comparisons: list[_Comparison] | None = None
    note: str | None = None


class _ReportShape(_Shape):
    """What reports of all kinds may hold."""

    model_name: str | None = None
    dataset_name: str | None = None
    test_csv: str | None = None
    columns: dict[str, str] | None = None
    factors: dict[str, str | float | bool | None] | None = None
    seen_in_training: dict[str, int | None] | None = None
    n: int | None = None
    n_recordings: int | None = None
    subgroup_tests: dict[str, _GroupTests] | None = None
    skipped_audio: Names = None
    faulty_audio: dict[str, int] | None = None
    long_audio: dict[str, int] | None = None
    calibration: _Calibration | None = None
    labels_unknown_to_model: Names = None
    labels_left_out: Names = None
    labels_without_samples: Names = None
    labels_renamed: Names = None
    targets_without_values: Names = None


@cache
def shape_of(kind: ReportKind) -> type[BaseModel]:
    """The shape of a kind's report, which follows from the measures and the parts that it describes."""
    measures = _numbers(measure.name for measure in (*kind.measures, *kind.further))
    intervals = dict.fromkeys(measures, (list[Number] | None, None)) | {"n_speakers": (int | None, None)}
    group: Any = _shape("Group", measures | _numbers(("n", "n_speakers")))
    fields = {
        **measures,
        "intervals": (_shape("Intervals", intervals) | None, None),
        "subgroups": (dict[str, dict[str, group]] | None, None),
    }
    if kind.parts is not None:
        part: Any = _part_shape(kind.parts)
        fields[kind.parts.key] = (list[part] | None, None)
    return _shape(kind.name, fields, _ReportShape)


def _part_shape(parts: Parts) -> type[BaseModel]:
    moments = [f"{key}_{what}" for key in parts.moments for what in ("mean", "sd")]
    numbers = _numbers([*parts.counts, *moments, *(measure.name for measure in parts.measures)])
    return _shape("Part", {parts.name: (str | int, ...)} | numbers)


def _shape(name: str, fields: dict[str, Any], base: type[_Shape] = _Shape) -> type[BaseModel]:
    return create_model(name, __base__=base, **fields)


def _numbers(names: Iterable[str]) -> dict[str, Any]:
    return dict.fromkeys(names, (Number, None))


class _Training(_Shape):
    updates: Number = None
    best_step: Number = None
    best_loss: Number = None
    seconds: Number = None


class _Augmentation(_Shape):
    augmentations: dict[str, dict[str, Any]] | None = None


class ProvenanceShape(_Shape):
    """kser.json."""

    kser_version: str | None = None
    keras_version: str | None = None
    backend: str | None = None
    training_dataset: str | None = None
    experiment_description: str | None = None
    settings: dict[str, Any] | None = Field(None, alias="model_config")
    audio: dict[str, Any] | None = None
    augmentation: _Augmentation | None = None
    training: _Training | None = None


class SplitShape(_Shape):
    """split.json."""

    fingerprint: str | None = None
    scheme: str | None = None
    shared_speakers: int | None = None
    parts: list[dict[str, Any]] | None = None
    labels_renamed: dict[str, Any] | None = None
    left_out: dict[str, Any] | None = None
    skipped_audio: int | None = None
    faulty_audio: dict[str, int] | None = None


def well_formed(
    value: dict[str, Any], shape: type[BaseModel], path: Path, problems: list[str]
) -> dict[str, Any]:
    """A JSON object without the entries whose shape is not the one that kser gives them.

    Args:
        value: the object.
        shape: what is expected.
        path: of its file.
        problems: gets a line for each entry that is left out.
    """
    try:
        shape.model_validate(value)
    except ValidationError as error:
        wrong: dict[str, str] = {}
        for one in error.errors(include_url=False, include_input=False):
            place = ".".join(map(str, one["loc"]))
            message = one["msg"][:1].lower() + one["msg"][1:]
            wrong.setdefault(str(one["loc"][0]), f"{place}: {message.replace('dictionary', 'object')}")
        problems += [f"{path}: {mistake}; {name} is left out" for name, mistake in wrong.items()]
        return {name: part for name, part in value.items() if name not in wrong}
    return value
