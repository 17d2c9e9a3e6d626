"""Results by gender, and by any further column that the evaluation compared."""

from collections.abc import Sequence
from typing import Any

from kser.evaluation.measure_names import measure_name
from kser.evaluation.statistics.tables import NOTHING, number, p_value
from kser.experiment.tasks.report_kinds import ReportKind
from kser.grouping import grouped
from kser.report.markup import Html, details, join, notes, paragraph
from kser.report.numbers import interval_cell, known, mean_and_spread, range_of
from kser.report.study_folder import Evaluation, Study
from kser.report.tables import table

_LEVEL = 0.05


def groups_section(study: Study, kind: ReportKind) -> Html:
    """For each column: the measures of its groups, and the tests of their difference in the main one."""
    columns = list(dict.fromkeys(column for run in study.evaluations for column in _groups(run)))
    if not columns:
        return paragraph("The evaluations compare no groups, such as gender; kser eval --redo adds them.")
    parts = []
    for column in columns:
        differences = _differences(study, column, kind.main.display_name)
        parts += [_measures(study, column, kind), differences, notes(_remarks(study, column))]
    return join(parts)


def _groups(run: Evaluation) -> dict[str, dict[str, Any]]:
    return run.report.get("subgroups") or {}


def _tests(run: Evaluation, column: str) -> dict[str, Any]:
    return (run.report.get("subgroup_tests") or {}).get(column) or {}


def _measures(study: Study, column: str, kind: ReportKind) -> Html:
    reported = {
        name for run in study.evaluations for group in _groups(run).get(column, {}).values() for name in group
    }
    measures = [
        name for name in kind.summary_columns(run.report for run in study.evaluations) if name in reported
    ]
    rows = []
    for (model, dataset), runs in study.conditions.items():
        of_runs = [_groups(run).get(column, {}) for run in runs]
        for group in sorted({group for groups in of_runs for group in groups}):
            found = [groups[group] for groups in of_runs if group in groups]
            rows.append(
                [
                    *(model, dataset, group),
                    range_of(entry.get("n_speakers") for entry in found),
                    range_of(entry.get("n") for entry in found),
                    *(mean_and_spread(entry.get(name) for entry in found) for name in measures),
                ]
            )
    return table(
        f"By {column}: mean ± SD over runs",
        ["model", "tested on", column, "speakers", "utterances", *map(measure_name, measures)],
        rows,
        text_columns=3,
        row_headings=3,
    )


def _differences(study: Study, column: str, measure: str) -> Html:
    summary, each = [], []
    for (model, dataset), runs in study.conditions.items():
        pairs = grouped(
            (tuple(test["groups"]), (run.seed, test))
            for run in runs
            for test in _tests(run, column).get("comparisons") or ()
        )
        for (first, second), tests in pairs.items():
            name = f"{first} − {second}"
            summary.append([model, dataset, name, *_summary_cells([test for _, test in tests])])
            each += [[model, dataset, name, seed, *_test_cells(test)] for seed, test in tests]
    if not summary:
        return Html("")
    of_runs = table(
        f"Tests of the difference in {measure} by {column}",
        [
            *("model", "tested on", "difference", "seed"),
            *("value", "95% interval", "p", "smallest possible p", "speakers"),
        ],
        each,
        text_columns=3,
        row_headings=4,
        below=["The smallest possible p is that of the clearest difference that so few speakers can show."],
    )
    over_runs = table(
        f"Difference in {measure} by {column}",
        ["model", "tested on", "difference", "mean ± SD", "from", "to", f"p < {_LEVEL:g} in runs"],
        summary,
        text_columns=3,
        row_headings=3,
        below=[
            "Each run is tested separately, with speakers as units (permutation test; Holm's correction for "
            "several pairs). As the runs share speakers, their p-values are not combined."
        ],
    )
    return join([over_runs, details(f"The tests by {column}, run by run", of_runs)])


def _summary_cells(tests: Sequence[dict[str, Any]]) -> list[str]:
    values = known(test.get("difference") for test in tests)
    p = known(_p(test) for test in tests)
    ends = [number(float(end), 3) for end in (values.min(), values.max())] if values.size else [NOTHING] * 2
    return [mean_and_spread(values), *ends, f"{int((p < _LEVEL).sum())} of {len(p)}"]


def _test_cells(test: dict[str, Any]) -> list[str]:
    return [
        mean_and_spread([test.get("difference")]),
        interval_cell(test.get("interval")),
        _p_cell(_p(test)),
        _p_cell(test.get("smallest_p")),
        " and ".join(map(str, test.get("n_speakers") or ())) or NOTHING,
    ]


def _p(test: dict[str, Any]) -> Any:
    return test.get("p_holm", test.get("p"))


def _p_cell(value: Any) -> str:
    """A permutation test can give exactly 1."""
    if value is None:
        return NOTHING
    return "1" if value == 1 else p_value(float(value))


def _remarks(study: Study, column: str) -> list[str]:
    remarks = [note for run in study.evaluations if (note := _tests(run, column).get("note"))]
    smallest = known(
        test.get("smallest_p")
        for run in study.evaluations
        for test in _tests(run, column).get("comparisons") or ()
    )
    if limited := int((smallest >= _LEVEL).sum()):
        remarks.append(
            f"In {limited} of the tests by {column} there are too few speakers for any p below {_LEVEL:g}: "
            "that they found no difference means nothing."
        )
    return list(dict.fromkeys(remarks))
