"""The kinds of report that evaluations write: the one place that says what each holds and how it is shown.

The summary of `kser eval`, the statistics of `kser stats` and the page of `kser report` read these
descriptions, so that a further kind of task registers its own `ReportKind` and changes nothing there.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kser.evaluation.class_measures import CLASS_MEASURES, MACRO_F1, UAR, WA
from kser.evaluation.measure_names import register_measures
from kser.evaluation.measures import Measure
from kser.evaluation.multi_label_measures import (
    AUC,
    F1,
    LABEL_MEASURES,
    MULTI_LABEL_MEASURES,
    PRECISION,
    RECALL,
)
from kser.evaluation.regression_measures import CCC, REGRESSION_MEASURES

Figure = Literal["agreement", "bars"]


@dataclass(frozen=True)
class Parts:
    """What a report says of each class, target or label.

    Attributes:
        key: of the list in the report.
        name: key of a part's name in an entry of the list.
        display_name: what people call a part.
        measures: of a part, as a table shows them.
        of_run: those that count as measures of the run, called `ccc_arousal`.
        in_summary: those of them that a summary has columns for.
        counts: keys of numbers of utterances, with the headings of their columns.
        moments: beginnings of two keys that end in `_mean` and `_sd`, with the headings of their columns.
        figure: what is drawn of the parts: predicted over true values, or the measures as bars.
        note: what a reader must know of the table.
        folded: whether the page folds the table up.
    """

    key: str
    name: str
    display_name: str
    measures: tuple[Measure, ...]
    of_run: tuple[Measure, ...] = ()
    in_summary: tuple[Measure, ...] = ()
    counts: Mapping[str, str] = field(default_factory=dict)
    moments: Mapping[str, str] = field(default_factory=dict)
    figure: Figure | None = None
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, eq=False)
class ReportKind:
    """One kind of report.

    Attributes:
        name: what was predicted, in the plural.
        file: the report's name in the folder of an evaluation.
        runs_file: in a summary's folder, the measures of every run.
        measures: those that summaries are about; the first decides.
        further: measures that the report holds beside them.
        parts: what it says of each class, target or label, or `None`.
        required: keys without which a file is no report of this kind.
        names_in_runs_file: measures that `runs_file` calls otherwise.
        summary_title: above the summary of `kser eval`.
        explanation: what a reader of the page must know of the measures.
        has_classes: whether one class is right for each utterance: a constant answer then has a UAR of
            1 / classes, the level of chance.
        confusion_file: in the folder of an evaluation, the confusion matrix; `None` where there is none.
        has_calibration: whether the report says how well probabilities are calibrated.
    """

    name: str
    file: str
    runs_file: str
    measures: tuple[Measure, ...]
    further: tuple[Measure, ...] = ()
    parts: Parts | None = None
    required: tuple[str, ...] = ()
    names_in_runs_file: Mapping[str, str] = field(default_factory=dict)
    summary_title: str = "mean ± SD over seeds"
    explanation: str = ""
    has_classes: bool = False
    confusion_file: str | None = None
    has_calibration: bool = False

    @property
    def main(self) -> Measure:
        """The measure that decides."""
        return self.measures[0]

    def measures_of_parts(self, report: Mapping[str, Any]) -> dict[str, float]:
        """The measures of each target or label; NaN for one that is not defined."""
        if self.parts is None:
            return {}
        return {
            f"{measure.name}_{entry[self.parts.name]}": as_number(entry.get(measure.name))
            for measure in self.parts.of_run
            for entry in report.get(self.parts.key) or ()
        }

    def measures_of(self, report: Mapping[str, Any]) -> dict[str, float]:
        """All measures of a run and of its parts that statistics are about; NaN for one that is missing."""
        values = {measure.name: as_number(report.get(measure.name)) for measure in self.measures}
        return values | self.measures_of_parts(report)

    def summary_columns(self, reports: Iterable[Mapping[str, Any]]) -> list[str]:
        """The measures that a summary of these reports has columns for; a single part is its own mean."""
        first, *others = (measure.name for measure in self.measures)
        if self.parts is None:
            return [first, *others]
        several = [report for report in reports if len(report.get(self.parts.key) or ()) > 1]
        names = dict.fromkeys(name for report in several for name in self.measures_of_parts(report))
        wanted = tuple(f"{measure.name}_" for measure in self.parts.in_summary)
        return [first, *(name for name in names if wanted and name.startswith(wanted)), *others]

    def classes_tested(self, report: Mapping[str, Any]) -> int | None:
        """How many classes the test set has utterances of; `None` where that is unknown or means nothing."""
        if not self.has_classes or self.parts is None:
            return None
        return sum(bool(entry.get("support")) for entry in report.get(self.parts.key) or ()) or None


def as_number(value: Any) -> float:
    """A number of a report; NaN for anything else, and for infinity."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else math.nan


REPORT_KINDS: list[ReportKind] = []
"""All kinds, in the order of a page; one run may have reports of several, of a class and of numbers."""


def register_report_kind(kind: ReportKind) -> ReportKind:
    """Make a kind known to summaries, statistics and pages.

    Raises:
        ValueError: another kind has its name or one of its files.
    """
    for other in REPORT_KINDS:
        for what, mine, taken in (
            ("name", kind.name, other.name),
            ("file", kind.file, other.file),
            ("runs_file", kind.runs_file, other.runs_file),
        ):
            if other is not kind and mine == taken:
                raise ValueError(f"report kind {kind.name}: the {what} {mine} is taken by {other.name}")
    if kind not in REPORT_KINDS:
        REPORT_KINDS.append(kind)
    parts = () if kind.parts is None else (*kind.parts.measures, *kind.parts.of_run)
    register_measures((*kind.measures, *kind.further), of_parts=parts)
    return kind


CLASSES = register_report_kind(
    ReportKind(
        name="classes",
        file="classification_report.json",
        runs_file="accuracies.json",
        measures=(UAR, WA, MACRO_F1),
        further=tuple(measure for measure in CLASS_MEASURES if measure not in (UAR, WA, MACRO_F1)),
        parts=Parts(
            key="per_label",
            name="label",
            display_name="class",
            measures=(PRECISION, RECALL, F1),
            counts={"support": "utterances"},
            folded=True,
        ),
        required=(UAR.name,),
        names_in_runs_file={WA.name: "accuracy"},  # as the study that kser continues calls it
        summary_title="UAR: unweighted average recall, WA: accuracy; mean ± SD over seeds",
        explanation=(
            "UAR (unweighted average recall, also called unweighted accuracy) is the mean of the recalls of "
            "the classes; WA (weighted accuracy) is plain accuracy."
        ),
        has_classes=True,
        confusion_file="confusion_matrix.csv",
        has_calibration=True,
    )
)
NUMBERS = register_report_kind(
    ReportKind(
        name="numbers",
        file="regression_report.json",
        runs_file="regression_measures.json",
        measures=REGRESSION_MEASURES,
        parts=Parts(
            key="per_target",
            name="target",
            display_name="target",
            measures=REGRESSION_MEASURES,
            of_run=REGRESSION_MEASURES,
            in_summary=(CCC,),
            counts={"n": "utterances"},
            moments={"true": "true mean (SD)", "predicted": "predicted mean (SD)"},
            figure="agreement",
            note=(
                "The last two columns are means over runs, in the unit of the target. They show why CCC is "
                "lower than r: predictions whose mean or spread differs from that of the truth agree with it "
                "less than they correlate with it."
            ),
        ),
        required=("per_target",),
        summary_title=(
            "CCC: concordance correlation, CCC, MSE and r: means over targets; mean ± SD over seeds"
        ),
        explanation=(
            "CCC is the concordance correlation coefficient (1: predictions equal the truth; 0: no "
            "agreement). CCC, MSE and Pearson's r without the name of a target are means over the targets."
        ),
    )
)
LABELS = register_report_kind(
    ReportKind(
        name="labels",
        file="multi_label_report.json",
        runs_file="multi_label_measures.json",
        measures=MULTI_LABEL_MEASURES,
        parts=Parts(
            key="per_label",
            name="label",
            display_name="label",
            measures=LABEL_MEASURES,
            of_run=(F1, AUC),
            counts={"support": "have it", "predicted": "were given it"},
            figure="bars",
        ),
        required=("per_label",),
        summary_title="AUC: area under the ROC curve; mean ± SD over seeds",
        explanation=(
            "Macro F1 is the mean F1 of the labels, and micro F1 is the F1 of all decisions together; AUC is "
            "the area under the ROC curve (0.5: chance); subset accuracy is the share of utterances whose "
            "labels are all right; Hamming loss is the share of decisions that are wrong."
        ),
    )
)
