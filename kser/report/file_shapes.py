"""What the page expects in the JSON files of a study; what has another shape is left out, and named."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kser.experiment.tasks.report_kinds import CLASSES, LABELS, NUMBERS, ReportKind

Number = float | None
Names = dict[str, Any] | list[Any] | None


class _Shape(BaseModel):
    """Types are not converted, and what the page does not read may be anything."""

    model_config = ConfigDict(strict=True, extra="ignore", protected_namespaces=())


class _Label(_Shape):
    support: Number = None
    recall: Number = None


class _Intervals(_Shape):
    uar: list[Number] | None = None
    wa: list[Number] | None = None
    ccc: list[Number] | None = None
    mse: list[Number] | None = None
    macro_f1: list[Number] | None = None
    micro_f1: list[Number] | None = None
    n_speakers: int | None = None


class _Bin(_Shape):
    low: float
    high: float
    n: float
    accuracy: Number = None
    confidence: Number = None


class _Calibration(_Shape):
    ece: Number = None
    mce: Number = None
    ece_adaptive: Number = None
    brier: Number = None
    nll: Number = None
    reliability: list[_Bin] | None = None


class _Group(_Shape):
    n: Number = None
    n_speakers: Number = None
    uar: Number = None
    wa: Number = None
    macro_f1: Number = None


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
    """What all reports have."""

    model_name: str | None = None
    dataset_name: str | None = None
    test_csv: str | None = None
    factors: dict[str, str | float | bool | None] | None = None
    seen_in_training: dict[str, int | None] | None = None
    n: int | None = None
    n_recordings: int | None = None
    intervals: _Intervals | None = None
    subgroups: dict[str, dict[str, _Group]] | None = None
    subgroup_tests: dict[str, _GroupTests] | None = None
    skipped_audio: Names = None


class ClassificationShape(_ReportShape):
    """classification_report.json."""

    uar: Number = None
    wa: Number = None
    macro_f1: Number = None
    weighted_f1: Number = None
    mcc: Number = None
    per_label: list[_Label] | None = None
    calibration: _Calibration | None = None
    labels_unknown_to_model: Names = None
    labels_left_out: Names = None
    labels_without_samples: Names = None
    labels_renamed: Names = None


class _Target(_Shape):
    target: str
    n: Number = None
    ccc: Number = None
    mse: Number = None
    pearson: Number = None


class RegressionShape(_ReportShape):
    """regression_report.json."""

    ccc: Number = None
    mse: Number = None
    pearson: Number = None
    per_target: list[_Target]
    targets_without_values: Names = None


class _GivenLabel(_Label):
    label: str
    precision: Number = None
    f1: Number = None
    auc: Number = None
    average_precision: Number = None


class MultiLabelShape(_ReportShape):
    """multi_label_report.json."""

    macro_f1: Number = None
    micro_f1: Number = None
    macro_auc: Number = None
    mean_average_precision: Number = None
    subset_accuracy: Number = None
    hamming_loss: Number = None
    per_label: list[_GivenLabel]
    labels_without_samples: Names = None


REPORT_SHAPES: dict[ReportKind, type[BaseModel]] = {
    CLASSES: ClassificationShape,
    NUMBERS: RegressionShape,
    LABELS: MultiLabelShape,
}


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


def well_formed(
    value: dict[str, Any], shape: type[BaseModel], path: Path, problems: list[str]
) -> dict[str, Any]:
    """A JSON object without the entries that have not the shape that kser gives them.

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
        problems += [f"{path}: {told}; {name} is left out" for name, told in wrong.items()]
        return {name: part for name, part in value.items() if name not in wrong}
    return value
