"""Results of models that name a class: each model on each test set over its seeds, and run by run."""

from kser.evaluation.measure_names import measure_name
from kser.evaluation.statistics.tables import NOTHING, number
from kser.experiment.tasks.report_kinds import CLASSES, as_number
from kser.report.cautions import chance_level
from kser.report.markup import Html, details, element, join
from kser.report.numbers import FEWEST_RUNS, bounds, interval_of_mean, mean_and_spread
from kser.report.strip import strip
from kser.report.study_folder import Study
from kser.report.tables import table

_FURTHER = ("weighted_f1", "mcc")


def class_results_section(study: Study) -> Html:
    """A row a model and test set, every run a dot; below, folded, a row a run, and recalls by class."""
    return join(
        [
            _conditions(study),
            details("Run by run, with the intervals over speakers", _runs(study)),
            details("Recall by class", _recalls(study)),
        ]
    )


def _conditions(study: Study) -> Html:
    rows: list[list[object]] = []
    for (model, dataset), runs in study.conditions.items():
        uar = [of.report.get("uar") for of in runs]
        rows.append(
            [
                model,
                dataset,
                strip(uar, "UAR", dashed={chance_level(of) for of in runs}),
                str(len(runs)),
                element("strong", mean_and_spread(uar)),
                bounds(interval_of_mean(uar)),
                *(mean_and_spread(of.report.get(name) for of in runs) for name in CLASSES.measures[1:]),
            ]
        )
    return table(
        "Mean ± SD over runs",
        ["model", "tested on", "UAR of each run", "runs", "UAR", "95% interval", "WA", "macro F1"],
        rows,
        text_columns=3,
        row_headings=2,
        below=[
            "UAR (unweighted average recall, also unweighted accuracy) is the mean of the recalls of the "
            "classes; WA (weighted accuracy) is plain accuracy. The interval is that of the mean over runs "
            "(Student's t, within 0 and 1): it tells how seeds and splits vary, not how speakers do. "
            f"Fewer than {FEWEST_RUNS} runs have none.",
            "The picture has a dot for each run from 0 to 1, a line at the mean and a dashed one at chance.",
        ],
    )


def _runs(study: Study) -> Html:
    measures = (*CLASSES.measures, *_FURTHER)
    rows = []
    for of in study.evaluations:
        intervals = of.report.get("intervals") or {}
        rows.append(
            [
                of.model,
                of.dataset,
                of.seed,
                str(of.report.get("n", NOTHING)),
                *(number(as_number(of.report.get(name)), 3) for name in measures),
                bounds(intervals.get("uar")),
                bounds(intervals.get("wa")),
                str(intervals.get("n_speakers", NOTHING)),
            ]
        )
    headings = ["model", "tested on", "seed", "utterances", *map(measure_name, measures)]
    return table(
        "Every run, with 95% intervals over speakers",
        [*headings, "UAR, 95%", "WA, 95%", "speakers"],
        rows,
        text_columns=2,
        row_headings=3,
        below=[
            "These intervals resample the speakers of the test set (bias-corrected accelerated bootstrap): "
            "they tell how this one trained model would do on other speakers of the same kind."
        ],
    )


def _recalls(study: Study) -> Html:
    labels = list(
        dict.fromkeys(
            str(entry.get("label")) for of in study.evaluations for entry in of.report.get("per_label") or ()
        )
    )
    rows = []
    for (model, dataset), runs in study.conditions.items():
        by_label: dict[str, list[float | None]] = {}
        for of in runs:
            for entry in of.report.get("per_label") or ():
                by_label.setdefault(str(entry.get("label")), []).append(entry.get("recall"))
        rows.append([model, dataset, *(mean_and_spread(by_label.get(label, ())) for label in labels)])
    return table(
        "Recall, mean ± SD over runs", ["model", "tested on", *labels], rows, text_columns=2, row_headings=2
    )
