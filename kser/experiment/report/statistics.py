"""Statistics: what `kser stats` says of the study."""

from kser.errors import UserError
from kser.evaluation.statistics.analysis import Analysis, analyse
from kser.evaluation.statistics.tables import Table
from kser.experiment.report.markup import Html, details, element, join, notes, paragraph
from kser.experiment.report.study_folder import Study
from kser.experiment.report.tables import table
from kser.experiment.statistics_inputs import read_results

_OPEN = (
    "chance_level_runs",
    "anova",
    "model_comparisons",
    "model_comparisons_paired",
    "factor_comparisons_paired",
)
_SHOWN_ELSEWHERE = ("conditions",)


def statistics_section(study: Study) -> Html:
    """The tests of UAR: those that answer the study's question in the open, all others folded."""
    if reason := _nothing_to_test(study):
        return paragraph(reason)
    try:
        inputs = read_results(study.folder)
        analysis = analyse(inputs.results, inputs.factors)
    except UserError as error:
        return join([paragraph("The statistics could not be computed."), notes(str(error).splitlines())])
    return _shown(analysis, study)


def _nothing_to_test(study: Study) -> str:
    """Why there are no tests; empty where there are."""
    if len(study.conditions) < 2:
        return "There is one model on one test set: nothing to compare."
    if max(map(len, study.conditions.values())) < 2:
        return "There is one run of each: without several seeds nothing can be said about their spread."
    return ""


def _shown(analysis: Analysis, study: Study) -> Html:
    shown = [of for of in analysis.tables if of.name not in _SHOWN_ELSEWHERE]
    in_the_open = [of for of in shown if of.name in _OPEN]
    folded = [of for of in shown if of.name not in _OPEN]
    command = f"kser stats --input_path {study.folder}"
    return join(
        [
            *map(_table, in_the_open),
            details(f"{len(folded)} further tables", *map(_table, folded)) if folded else "",
            notes(analysis.notes),
            paragraph(
                element("code", command),
                " writes all of these as CSV, Markdown and LaTeX, also the files that the notes name.",
                class_="note",
            ),
        ]
    )


def _table(of: Table) -> Html:
    return table(
        of.title,
        of.headings,
        of.rows,
        text_columns=of.text_columns,
        row_headings=min(of.text_columns, len(of.headings)),
        below=of.notes,
    )
