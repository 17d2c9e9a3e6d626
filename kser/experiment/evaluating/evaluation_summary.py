"""From the evaluations of many runs to one summary: tables, every run's measures, averaged confusions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kser.evaluation.averaging import average_confusions
from kser.evaluation.plots import distinct_file_names, plot_averaged_confusion_matrix
from kser.evaluation.summary import summarise, summary_header, summary_markdown, summary_rows
from kser.experiment.evaluating.evaluator import EvaluatedRow
from kser.experiment.tasks.class_evaluation import matrices_of_groups
from kser.experiment.tasks.evaluation import GENDER, write_csv
from kser.experiment.tasks.report_kinds import REPORT_KINDS, ReportKind
from kser.files import write_json, write_text

Result = tuple[EvaluatedRow, dict[str, Any]]
"""A run, and its report of one kind."""


def summarise_evaluations(evaluated: Sequence[EvaluatedRow], folder: Path, console: Console) -> None:
    """Show the summary over seeds and write it.

    The folder receives summary.csv and summary.md (mean and SD of each model on each test set); for each kind
    of report the measures of every run, such as accuracies.json; and, for each model that names a class on
    each test set, the confusion matrix averaged over its runs, of all utterances and of each group of
    speakers: mean counts, mean shares and their SD, as CSV and PNG.

    Args:
        evaluated: at least one evaluation, under the names of its row, as results on disk may have others. A
            run counts once, however many rows evaluate it.
        folder: to write to; other files in it stay.
        console: where the tables and the warnings are shown.
    """
    by_kind = _by_kind(_distinct(evaluated))
    tables = {kind: _summarised(kind, results) for kind, results in by_kind.items()}
    for kind, (summary, measures) in tables.items():
        _show(summary, measures, kind.summary_title, console)
    warnings = _warnings(evaluated)
    for line in warnings:
        style = "bold red" if line.startswith("LEAK") else "yellow"
        console.print(escape(line), style=style, highlight=False)
    write_csv(_joined([summary for summary, _ in tables.values()]), folder / "summary.csv")
    shown = [summary_markdown(summary, measures) for summary, measures in tables.values()]
    notes = "".join(f"- {line}\n" for line in warnings)
    write_text(folder / "summary.md", "\n".join([*shown, *([notes] if notes else [])]))
    for kind, results in by_kind.items():
        write_json(folder / kind.runs_file, _measures_of_runs(kind, results))
        if kind.confusion_file:
            _write_averaged_confusions(results, kind.confusion_file, folder)
    console.print(f"summary: {folder}", soft_wrap=True, highlight=False, markup=False)


def _warnings(evaluated: Sequence[EvaluatedRow]) -> list[str]:
    """What a reader must know about the evaluations, each line once for all its seeds; leaks first."""
    seeds: dict[tuple[str, str], list[str]] = {}
    for done in evaluated:
        title = f"{done.row.model_name} on {done.row.dataset_name}"
        for line in done.warnings:
            seeds.setdefault((title, line), []).append(str(done.report["seed"]))
    lines = []
    for (title, line), concerned in seeds.items():
        before, leak, text = line.rpartition("LEAK: ")
        which = f"seed {concerned[0]}" if len(concerned) == 1 else f"{len(concerned)} seeds"
        lines.append(f"{before}{leak}{title}, {which}: {text}")
    return sorted(lines, key=lambda line: not line.startswith("LEAK"))


def _distinct(evaluated: Sequence[EvaluatedRow]) -> list[EvaluatedRow]:
    found: dict[tuple[Any, ...], EvaluatedRow] = {}
    for done in evaluated:
        row = done.row
        found.setdefault((row.model_name, row.dataset_name, row.model_path, row.test_set), done)
    return list(found.values())


def _by_kind(runs: Sequence[EvaluatedRow]) -> dict[ReportKind, list[Result]]:
    """The reports of each kind."""
    found: dict[ReportKind, list[Result]] = {kind: [] for kind in REPORT_KINDS}
    for done in runs:
        for evaluation, report in done.reports:
            found[evaluation.report].append((done, report))
    return {kind: results for kind, results in found.items() if results}


def _summarised(kind: ReportKind, results: Sequence[Result]) -> tuple[pd.DataFrame, list[str]]:
    """The summary of one kind, and the measures in it."""
    measures = kind.summary_columns(report for _, report in results)
    rows = [
        {"model_name": done.row.model_name, "dataset_name": done.row.dataset_name, **kind.measures_of(report)}
        for done, report in results
    ]
    return summarise(
        pd.DataFrame(rows).reindex(columns=["model_name", "dataset_name", *measures]), measures
    ), measures


def _joined(summaries: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all kinds: a row a model and test set, cells empty where a model has no such measure."""
    keys = ["model_name", "dataset_name", "runs"]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for summary in summaries:
        for row in summary.to_dict("records"):
            rows.setdefault(tuple(row[key] for key in keys), {}).update(
                {str(name): value for name, value in row.items()}
            )
    return pd.DataFrame(list(rows.values()))


def _show(summary: pd.DataFrame, measures: Sequence[str], title: str, console: Console) -> None:
    table = Table(*map(escape, summary_header(measures)), title=title)
    for cells in summary_rows(summary, measures):
        table.add_row(*map(escape, cells))
    console.print(table)


def _by_model_and_dataset(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    found: dict[tuple[str, str], list[Result]] = {}
    for done, report in results:
        found.setdefault((done.row.model_name, done.row.dataset_name), []).append((done, report))
    return found


def _measures_of_runs(
    kind: ReportKind, results: Sequence[Result]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By model and test set: seed and measures of every run."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for (model, dataset), runs in _by_model_and_dataset(results).items():
        found.setdefault(model, {})[dataset] = [
            {"seed": report["seed"]}
            | {
                kind.names_in_runs_file.get(name, name): None if pd.isna(value) else value
                for name, value in kind.measures_of(report).items()
            }
            for _, report in runs
        ]
    return found


def _write_averaged_confusions(results: Sequence[Result], file: str, folder: Path) -> None:
    """The matrix of each model on each test set, of all utterances and of each group."""
    matrices: dict[tuple[str, ...], list[Path]] = {}
    for (model, dataset), runs in _by_model_and_dataset(results).items():
        title = f"{model} on {dataset}"
        matrices[(title,)] = [done.row.eval_out_path / file for done, _ in runs]
        for done, report in runs:
            for (column, group), name in matrices_of_groups(report).items():
                shown = group if column == GENDER else f"{column}={group}"
                matrices.setdefault((title, shown), []).append(done.row.eval_out_path / f"{name}.csv")
    names = distinct_file_names([" ".join(key) for key in matrices])
    for key, files in matrices.items():
        _write_averaged_confusion(files, ", ".join(key), folder / names[" ".join(key)])


def _write_averaged_confusion(files: Sequence[Path], title: str, path: Path) -> None:
    # A class may be called "None" or "NA".
    matrices = [pd.read_csv(file, index_col=0, dtype={0: str}, keep_default_na=False) for file in files]
    averaged = average_confusions(matrices)
    for name, table in (("counts", averaged.counts), ("shares", averaged.shares), ("sd", averaged.sd)):
        write_csv(table, path.with_name(f"{path.name}_confusion_{name}.csv"), index=True)
    plot_averaged_confusion_matrix(averaged, path.with_name(f"{path.name}_confusion_matrix.png"), title)
