"""Statistics: what `kser stats` finds in the study."""

import pandas as pd

from kser.errors import UserError
from kser.evaluation.statistics.analysis import Analysis, analyse
from kser.evaluation.statistics.tables import Table
from kser.experiment.evaluating.statistics_inputs import RESERVED_COLUMNS, report_rows, results_table
from kser.experiment.tasks.report_kinds import ReportKind
from kser.report.markup import Html, details, element, join, notes, paragraph
from kser.report.study_folder import Study
from kser.report.tables import table

_SHOWN_ELSEWHERE = ("conditions",)


def statistics_section(study: Study, kind: ReportKind) -> Html:
    """Tests of the main measure: those that answer the study's question in the open, all others folded."""
    if reason := _nothing_to_test(study):
        return paragraph(reason)
    try:
        results, factors = results_of(study, kind)
        analysis = analyse(results, factors, kind.main.name)
    except UserError as error:
        return join([paragraph("The statistics could not be computed."), notes(str(error).splitlines())])
    return _shown(analysis, study, kind)


def results_of(study: Study, kind: ReportKind) -> tuple[pd.DataFrame, list[str]]:
    """The evaluations of the other sections, as `analyse` takes them, and the factors that they name.

    A factor whose name the table itself needs is passed over.
    """
    rows = []
    for run in study.evaluations:
        taken = {*RESERVED_COLUMNS, *(measure.name for measure in kind.measures)}
        factors = {
            name: level for name, level in (run.report.get("factors") or {}).items() if name not in taken
        }
        identity = {"model_name": run.model, "dataset_name": run.dataset, "seed": run.seed}
        rows += report_rows(str(run.folder / kind.file), kind, run.report | identity | {"factors": factors})
    names = list(dict.fromkeys(name for row in rows for name in row["factors"]))
    return results_table(rows, names), names


def _nothing_to_test(study: Study) -> str:
    """Why there are no tests; empty where there are."""
    if len(study.conditions) < 2:
        return "There is one model on one test set, so there is nothing to compare."
    if max(map(len, study.conditions.values())) < 2:
        return "There is one run of each; without several seeds nothing can be said about their spread."
    return ""


def _shown(analysis: Analysis, study: Study, kind: ReportKind) -> Html:
    shown = [each for each in analysis.tables if each.name not in _SHOWN_ELSEWHERE]
    in_the_open = [each for each in shown if each.is_main]
    folded = [each for each in shown if not each.is_main]
    command = f"kser stats --input-path {study.folder} --metric {kind.main.name}"
    return join(
        [
            *map(_table, in_the_open),
            details(f"{len(folded)} further tables", *map(_table, folded)) if folded else "",
            notes(analysis.notes),
            paragraph(
                element("code", command),
                " writes all of these tables as CSV, Markdown and LaTeX, and the files that the notes name.",
                class_="note",
            ),
        ]
    )


def _table(result: Table) -> Html:
    return table(
        result.title,
        result.headings,
        result.rows,
        text_columns=result.text_columns,
        row_headings=min(result.text_columns, len(result.headings)),
        below=result.notes,
    )
