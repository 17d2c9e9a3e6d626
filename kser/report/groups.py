"""Results by gender, and by any further column that the evaluation was asked for."""

from collections.abc import Sequence
from typing import Any

from kser.evaluation.measure_names import measure_name
from kser.evaluation.statistics.tables import NOTHING, number, p_value
from kser.experiment.tasks.report_kinds import ReportKind
from kser.report.markup import Html, details, join, paragraph
from kser.report.numbers import bounds, known, mean_and_spread, range_of
from kser.report.study_folder import Evaluation, Study
from kser.report.tables import table

_LEVEL = 0.05


def groups_section(study: Study, kind: ReportKind) -> Html:
    """For each column: the measures of its groups, and the tests of their difference in the main one."""
    columns = list(dict.fromkeys(column for of in study.evaluations for column in _groups(of)))
    if not columns:
        return paragraph("The evaluations name no groups, such as gender; kser eval --redo computes them.")
    return join(_column(study, column, kind) for column in columns)


def _groups(of: Evaluation) -> dict[str, dict[str, Any]]:
    value = of.report.get("subgroups")
    return value if isinstance(value, dict) else {}


def _tests(of: Evaluation, column: str) -> dict[str, Any]:
    value = (of.report.get("subgroup_tests") or {}).get(column)
    return value if isinstance(value, dict) else {}


def _column(study: Study, column: str, kind: ReportKind) -> Html:
    there = {
        name for of in study.evaluations for group in _groups(of).get(column, {}).values() for name in group
    }
    measures = [name for name in kind.columns(of.report for of in study.evaluations) if name in there]
    rows = []
    for (model, dataset), runs in study.conditions.items():
        names = sorted({name for of in runs for name in _groups(of).get(column, {})})
        for name in names:
            found = [_groups(of)[column][name] for of in runs if name in _groups(of).get(column, {})]
            rows.append(
                [
                    model,
                    dataset,
                    name,
                    range_of(entry.get("n_speakers") for entry in found),
                    range_of(entry.get("n") for entry in found),
                    *(mean_and_spread(entry.get(key) for entry in found) for key in measures),
                ]
            )
    by_group = table(
        f"By {column}: mean ± SD over runs",
        ["model", "tested on", column, "speakers", "utterances", *map(measure_name, measures)],
        rows,
        text_columns=3,
        row_headings=3,
    )
    return join([by_group, _differences(study, column, measure_name(kind.main)), _notes(study, column)])


def _differences(study: Study, column: str, measure: str) -> Html:
    summary, each = [], []
    for (model, dataset), runs in study.conditions.items():
        pairs: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
        for of in runs:
            for test in _tests(of, column).get("comparisons") or ():
                first, second = test.get("groups") or ("", "")
                pairs.setdefault((first, second), []).append((of.seed, test))
        for (first, second), tests in pairs.items():
            name = f"{first} − {second}"
            summary.append([model, dataset, name, *_summary_cells([test for _, test in tests])])
            each += [[model, dataset, name, seed, *_test_cells(test)] for seed, test in tests]
    if not summary:
        return Html("")
    return join(
        [
            table(
                f"Difference in {measure} by {column}",
                ["model", "tested on", "difference", "mean ± SD", "from", "to", f"p < {_LEVEL:g} in runs"],
                summary,
                text_columns=3,
                row_headings=3,
                below=[
                    "Each run is tested on its own, with speakers as units (permutation test; Holm's "
                    "correction where there are several pairs). Runs share speakers, so their p-values are "
                    "not put together."
                ],
            ),
            details(
                f"The tests by {column}, run by run",
                table(
                    f"Tests of the difference in {measure} by {column}",
                    [
                        "model",
                        "tested on",
                        "difference",
                        "seed",
                        "value",
                        "95% interval",
                        "p",
                        "least p",
                        "speakers",
                    ],
                    each,
                    text_columns=3,
                    row_headings=4,
                    below=[
                        "Least p: the smallest that so many speakers can give, however clear the difference."
                    ],
                ),
            ),
        ]
    )


def _summary_cells(tests: Sequence[dict[str, Any]]) -> list[str]:
    values = known(test.get("difference") for test in tests)
    p = known(_p(test) for test in tests)
    ends = [number(float(end), 3) for end in (values.min(), values.max())] if values.size else [NOTHING] * 2
    return [mean_and_spread(values), *ends, f"{int((p < _LEVEL).sum())} of {len(p)}"]


def _test_cells(test: dict[str, Any]) -> list[str]:
    return [
        mean_and_spread([test.get("difference")]),
        bounds(test.get("interval")),
        _shown_p(_p(test)),
        _shown_p(test.get("smallest_p")),
        " and ".join(map(str, test.get("n_speakers") or ())) or NOTHING,
    ]


def _p(test: dict[str, Any]) -> Any:
    return test.get("p_holm", test.get("p"))


def _shown_p(value: Any) -> str:
    """A permutation test can give exactly 1."""
    there = known([value])
    if not there.size:
        return NOTHING
    return "1" if there[0] == 1 else p_value(float(there[0]))


def _notes(study: Study, column: str) -> Html:
    said = [str(_tests(of, column)["note"]) for of in study.evaluations if _tests(of, column).get("note")]
    limited = [
        test
        for of in study.evaluations
        for test in _tests(of, column).get("comparisons") or ()
        if (least := known([test.get("smallest_p")])).size and least[0] >= _LEVEL
    ]
    if limited:
        said.append(
            f"In {len(limited)} of the tests by {column} there are too few speakers for any p below "
            f"{_LEVEL:g}: that no difference is found there says nothing."
        )
    return join(paragraph(line, class_="note") for line in dict.fromkeys(said))
