"""The reports that an evaluation writes, and the measures in them that tables are about."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReportKind:
    """One kind of report.

    Attributes:
        name: what was predicted.
        file: its name in the folder of an evaluation.
        measures: keys of the measures that a summary is about, the main one first.
        parts: key of the list with measures of parts, key of a part's name in it, and those of its measures
            that count as measures of the run, called `ccc_arousal`; or `None`.
        in_summary: those of the parts' measures that a summary has a column for.
        runs_file: in a summary's folder, the measures of every run.
    """

    name: str
    file: str
    measures: tuple[str, ...]
    parts: tuple[str, str, tuple[str, ...]] | None
    in_summary: tuple[str, ...]
    runs_file: str

    @property
    def main(self) -> str:
        """The measure that decides."""
        return self.measures[0]

    def measures_of_parts(self, report: Mapping[str, Any]) -> dict[str, float]:
        """The measures of each target or label; NaN for one that is not defined."""
        if self.parts is None:
            return {}
        key, part_name, measures = self.parts
        return {
            f"{measure}_{of[part_name]}": as_number(of.get(measure))
            for measure in measures
            for of in report.get(key) or ()
        }

    def measures_of(self, report: Mapping[str, Any]) -> dict[str, float]:
        """All measures of a run, those of its parts too; NaN for one that is not there."""
        return {name: as_number(report.get(name)) for name in self.measures} | self.measures_of_parts(report)

    def columns(self, reports: Iterable[Mapping[str, Any]]) -> list[str]:
        """The measures that a summary of these reports has columns for; one part is its own mean."""
        names: dict[str, None] = {}
        for report in reports:
            if self.parts is not None and len(report.get(self.parts[0]) or ()) > 1:
                names |= dict.fromkeys(self.measures_of_parts(report))
        wanted = tuple(f"{measure}_" for measure in self.in_summary)
        of_parts = [name for name in names if wanted and name.startswith(wanted)]
        return [self.main, *of_parts, *self.measures[1:]]


CLASSES = ReportKind(
    "classes",
    "classification_report.json",
    ("uar", "wa", "macro_f1"),
    parts=None,
    in_summary=(),
    runs_file="accuracies.json",
)
NUMBERS = ReportKind(
    "numbers",
    "regression_report.json",
    ("ccc", "mse", "pearson"),
    parts=("per_target", "target", ("ccc", "mse", "pearson")),
    in_summary=("ccc",),
    runs_file="regression_measures.json",
)
LABELS = ReportKind(
    "labels",
    "multi_label_report.json",
    ("macro_f1", "micro_f1", "macro_auc", "mean_average_precision", "subset_accuracy", "hamming_loss"),
    parts=("per_label", "label", ("f1", "auc")),
    in_summary=(),
    runs_file="multi_label_measures.json",
)
REPORT_KINDS = (CLASSES, NUMBERS, LABELS)
"""All kinds; the evaluation of one run may have several, of a class and of numbers."""


def as_number(value: Any) -> float:
    """A number of a report; NaN for what is none, or not finite."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else math.nan
