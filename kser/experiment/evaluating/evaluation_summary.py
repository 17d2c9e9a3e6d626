"""From the evaluations of many runs to one summary: tables, every run's measures, averaged confusions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from kser.evaluation.averaging import average_confusions
from kser.evaluation.plots import distinct_file_names, plot_averaged_confusion_matrix
from kser.evaluation.summary import summarise, summary_markdown
from kser.experiment.evaluating.evaluator import EvaluatedRow
from kser.experiment.tasks.class_evaluation import matrices_of_groups
from kser.experiment.tasks.evaluation import GENDER
from kser.experiment.tasks.report_kinds import REPORT_KINDS, ReportKind
from kser.files import write_json, write_text
from kser.grouping import grouped
from kser.spreadsheets import read_counts, write_csv

Result = tuple[EvaluatedRow, dict[str, Any]]
"""A run, and its report of one kind."""


@dataclass(frozen=True)
class SummaryTable:
    """The summary of one kind of report.

    Attributes:
        title: says what the measures are.
        summary: a row a model and test set: how many runs, mean and SD of each measure.
        measures: those that it has columns for, the main one first.
    """

    title: str
    summary: pd.DataFrame
    measures: Sequence[str]


@dataclass(frozen=True)
class EvaluationSummary:
    """What evaluations gave.

    Attributes:
        evaluated: each evaluation with its reports. A run counts once, however many rows evaluate it.
        tables: a summary over seeds for each kind of report.
        warnings: what must be known before believing the numbers, a line each; leaks first.
        folder: where the summary is written.
    """

    evaluated: Sequence[EvaluatedRow]
    tables: Sequence[SummaryTable]
    warnings: Sequence[str]
    folder: Path

    @property
    def results(self) -> pd.DataFrame:
        """A row a model, seed and test set.

        Columns: `model_name`, `dataset_name`, `seed`, `n` (utterances), every measure that a run has, such as
        `uar`, `wa`, `macro_f1` or `ccc_arousal`, and `eval_out_path`, the folder of its
        predictions and figures.
        """
        return pd.DataFrame([_result_row(done) for done in self.evaluated])

    @property
    def summary(self) -> pd.DataFrame:
        """A row a model and test set: `runs`, and mean and SD of each measure, e.g. `uar_mean`, `uar_sd`."""
        return _joined([table.summary for table in self.tables])

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The contents of every report, such as classification_report.json."""
        return [report for done in self.evaluated for _, report in done.reports]


def summarise_evaluations(evaluated: Sequence[EvaluatedRow], folder: Path) -> EvaluationSummary:
    """Summarise evaluations over seeds, and write the summary.

    The folder receives summary.csv and summary.md (mean and SD of each model on each test set); for each kind
    of report the measures of every run, such as accuracies.json; and, for each model that names a class on
    each test set, the confusion matrix averaged over its runs, of all utterances and of each group of
    speakers: mean counts, mean shares and their SD, as CSV and PNG.

    Args:
        evaluated: at least one evaluation, under the names of its row, as results on disk may have others. A
            run counts once, however many rows evaluate it.
        folder: to write to; other files in it stay.
    """
    distinct = _distinct(evaluated)
    by_kind = _by_kind(distinct)
    tables = [
        SummaryTable(kind.summary_title, *_summarised(kind, results)) for kind, results in by_kind.items()
    ]
    summary = EvaluationSummary(distinct, tables, _warnings(evaluated), folder)
    write_csv(summary.summary, folder / "summary.csv")
    shown = [summary_markdown(table.summary, table.measures) for table in tables]
    notes = "".join(f"- {line}\n" for line in summary.warnings)
    write_text(folder / "summary.md", "\n".join([*shown, *([notes] if notes else [])]))
    for kind, results in by_kind.items():
        write_json(folder / kind.runs_file, _measures_of_runs(kind, results))
        if kind.confusion_file:
            _write_averaged_confusions(results, kind.confusion_file, folder)
    return summary


def _result_row(done: EvaluatedRow) -> dict[str, Any]:
    row, report = done.row, done.report
    measures: dict[str, float] = {}
    for evaluation, contents in done.reports:
        measures |= evaluation.report.measures_of(contents)
    return {
        "model_name": row.model_name,
        "dataset_name": row.dataset_name,
        "seed": report["seed"],
        "n": report["n"],
        **measures,
        "eval_out_path": str(row.eval_out_path),
    }


def _warnings(evaluated: Sequence[EvaluatedRow]) -> list[str]:
    """What a reader must know about the evaluations, each line once for all its seeds; leaks first."""
    runs = grouped(
        ((done.row.title, line), done.which_models) for done in evaluated for line in done.warnings
    )
    lines = []
    for (title, line), concerned in runs.items():
        before, leak, text = line.rpartition("LEAK: ")
        which = concerned[0] if len(concerned) == 1 else f"{len(concerned)} seeds"
        lines.append(f"{before}{leak}{title}, {which}: {text}")
    return sorted(lines, key=lambda line: not line.startswith("LEAK"))


def _distinct(evaluated: Sequence[EvaluatedRow]) -> list[EvaluatedRow]:
    found: dict[tuple[Any, ...], EvaluatedRow] = {}
    for done in evaluated:
        row = done.row
        found.setdefault((row.model_name, row.dataset_name, row.models, row.test_set), done)
    return list(found.values())


def _by_kind(runs: Sequence[EvaluatedRow]) -> dict[ReportKind, list[Result]]:
    """The reports of each kind."""
    found = grouped(
        (evaluation.report, (done, report)) for done in runs for evaluation, report in done.reports
    )
    return {kind: found[kind] for kind in REPORT_KINDS if kind in found}


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
    """One table of all kinds: a row a model and test set, cells empty where a model lacks the measure."""
    keys = ["model_name", "dataset_name", "runs"]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for summary in summaries:
        for row in summary.to_dict("records"):
            rows.setdefault(tuple(row[key] for key in keys), {}).update(
                {str(name): value for name, value in row.items()}
            )
    return pd.DataFrame(list(rows.values()))


def _by_model_and_dataset(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    return grouped(((done.row.model_name, done.row.dataset_name), (done, report)) for done, report in results)


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
    matrices = [read_counts(file) for file in files]
    averaged = average_confusions(matrices)
    for name, table in (("counts", averaged.counts), ("shares", averaged.shares), ("sd", averaged.sd)):
        write_csv(table, path.with_name(f"{path.name}_confusion_{name}.csv"), index=True)
    plot_averaged_confusion_matrix(averaged, path.with_name(f"{path.name}_confusion_matrix.png"), title)
