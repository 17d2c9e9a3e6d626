"""Statistics: what `kser stats` says of the study."""

from typing import Any

import pandas as pd

from kser.errors import UserError
from kser.evaluation.statistics.analysis import ALL, Analysis, analyse
from kser.evaluation.statistics.tables import Table
from kser.experiment.tasks.report_kinds import CLASSES, ReportKind, as_number
from kser.report.markup import Html, details, element, join, notes, paragraph
from kser.report.study_folder import Evaluation, Study
from kser.report.tables import table

_OPEN = (
    "chance_level_runs",
    "anova",
    "model_comparisons",
    "model_comparisons_paired",
    "factor_comparisons_paired",
)
_SHOWN_ELSEWHERE = ("conditions",)
_IDENTITY = ("model_name", "dataset_name", "seed", "subgroup_column", "subgroup")


def statistics_section(study: Study, kind: ReportKind) -> Html:
    """Tests of the main measure: those that answer the study's question in the open, all others folded."""
    if reason := _nothing_to_test(study):
        return paragraph(reason)
    try:
        results, factors = results_of(study, kind)
        analysis = analyse(results, factors, kind.main)
    except UserError as error:
        return join([paragraph("The statistics could not be computed."), notes(str(error).splitlines())])
    return _shown(analysis, study, kind)


def results_of(study: Study, kind: ReportKind) -> tuple[pd.DataFrame, list[str]]:
    """The evaluations that the other sections are about, as `analyse` takes them, and the factors they name.

    Factors with a name that the table itself needs are passed over.
    """
    rows = [row for of in study.evaluations for row in _rows(of, kind)]
    own = [*_IDENTITY, kind.main, "n_classes"]
    factors = list(dict.fromkeys(name for row in rows for name in row if name not in own))
    return pd.DataFrame(rows, columns=[*own, *factors]).astype({"seed": object}), factors


def _rows(of: Evaluation, kind: ReportKind) -> list[dict[str, Any]]:
    run: dict[str, Any] = {str(name): str(level) for name, level in (of.report.get("factors") or {}).items()}
    run.pop("at_chance", None)
    run |= {"model_name": of.model, "dataset_name": of.dataset, "seed": int(of.seed)}
    classes = sum(bool(entry.get("support")) for entry in of.report.get("per_label") or ())
    groups = {(ALL, ALL): (of.report.get(kind.main), classes if classes and kind is CLASSES else None)}
    for column, parts in (of.report.get("subgroups") or {}).items():
        groups |= {(column, name): (measures.get(kind.main), None) for name, measures in parts.items()}
    return [
        {
            **run,
            "subgroup_column": column,
            "subgroup": name,
            kind.main: as_number(value),
            "n_classes": as_number(n_classes),
        }
        for (column, name), (value, n_classes) in groups.items()
    ]


def _nothing_to_test(study: Study) -> str:
    """Why there are no tests; empty where there are."""
    if len(study.conditions) < 2:
        return "There is one model on one test set: nothing to compare."
    if max(map(len, study.conditions.values())) < 2:
        return "There is one run of each: without several seeds nothing can be said about their spread."
    return ""


def _shown(analysis: Analysis, study: Study, kind: ReportKind) -> Html:
    shown = [of for of in analysis.tables if of.name not in _SHOWN_ELSEWHERE]
    in_the_open = [of for of in shown if of.name in _OPEN]
    folded = [of for of in shown if of.name not in _OPEN]
    command = f"kser stats --input_path {study.folder} --metric {kind.main}"
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
