"""From the evaluations of many runs to one summary: a table, accuracies, averaged confusion matrices."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kser.evaluation.averaging import average_confusions
from kser.evaluation.plots import distinct_file_names, plot_averaged_confusion_matrix
from kser.evaluation.summary import SUMMARY_HEADER, summarise, summary_markdown, summary_rows
from kser.experiment.evaluating import Evaluated
from kser.files import replacing, write_json, write_text


def summarise_evaluations(evaluated: Sequence[Evaluated], folder: Path, console: Console) -> None:
    """Show the summary over seeds and write it.

    The folder gets summary.csv and summary.md (mean and SD of each model on each test set), accuracies.json
    (every run's accuracy, WA, and UAR, by model and test set) and, for each model on each test set, the
    confusion matrix averaged over its runs: mean counts, mean shares and their SD, as CSV and PNG.

    Args:
        evaluated: at least one evaluation. The names are its row's: results on disk may have been made under
            others. A run counts once, however many rows evaluate it.
        folder: to write to; what else lies there stays.
        console: where the table and the warnings are shown.
    """
    runs = _distinct(evaluated)
    summary = summarise(pd.DataFrame([_named(done) for done in runs]))
    _show(summary, console)
    warnings = _warnings(evaluated)
    for line in warnings:
        style = "bold red" if line.startswith("LEAK") else "yellow"
        console.print(escape(line), style=style, highlight=False)
    with replacing(folder / "summary.csv") as draft:
        summary.to_csv(draft, index=False)
    notes = "".join(f"- {line}\n" for line in warnings)
    write_text(folder / "summary.md", summary_markdown(summary) + (f"\n{notes}" if notes else ""))
    write_json(folder / "accuracies.json", _accuracies(runs))
    by_title = {f"{m} on {d}": of for (m, d), of in _by_model_and_dataset(runs).items()}
    for title, name in distinct_file_names(list(by_title)).items():
        _write_averaged_confusion(by_title[title], title, folder / name)
    console.print(f"summary: {folder}", soft_wrap=True, highlight=False, markup=False)


def _warnings(evaluated: Sequence[Evaluated]) -> list[str]:
    """What must be known of the evaluations, each line once for all seeds that it is true of; leaks first."""
    seeds: dict[tuple[str, str], list[str]] = {}
    for done in evaluated:
        for line in done.warnings:
            of = seeds.setdefault((f"{done.row.model_name} on {done.row.dataset_name}", line), [])
            of.append(str(done.report["seed"]))
    lines = []
    for (title, line), of in seeds.items():
        leak, colon, told = line.rpartition("LEAK: ")
        which = f"seed {of[0]}" if len(of) == 1 else f"{len(of)} seeds"
        lines.append(f"{leak}{colon}{title}, {which}: {told}")
    return sorted(lines, key=lambda line: not line.startswith("LEAK"))


def _distinct(evaluated: Sequence[Evaluated]) -> list[Evaluated]:
    found: dict[tuple[Any, ...], Evaluated] = {}
    for done in evaluated:
        row = done.row
        found.setdefault((row.model_name, row.dataset_name, row.model_path, row.test_set), done)
    return list(found.values())


def _named(done: Evaluated) -> dict[str, Any]:
    return {**done.report, "model_name": done.row.model_name, "dataset_name": done.row.dataset_name}


def _show(summary: pd.DataFrame, console: Console) -> None:
    table = Table(*SUMMARY_HEADER, title="UAR: unweighted average recall, WA: accuracy; mean ± SD over seeds")
    for cells in summary_rows(summary):
        table.add_row(*map(escape, cells))
    console.print(table)


def _by_model_and_dataset(runs: Sequence[Evaluated]) -> dict[tuple[str, str], list[Evaluated]]:
    found: dict[tuple[str, str], list[Evaluated]] = {}
    for done in runs:
        found.setdefault((done.row.model_name, done.row.dataset_name), []).append(done)
    return found


def _accuracies(runs: Sequence[Evaluated]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By model and test set: seed, accuracy and UAR of every run."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for (model, dataset), of in _by_model_and_dataset(runs).items():
        found.setdefault(model, {})[dataset] = [
            {"seed": done.report["seed"], "accuracy": done.report["wa"], "uar": done.report["uar"]}
            for done in of
        ]
    return found


def _write_averaged_confusion(of: Sequence[Evaluated], title: str, path: Path) -> None:
    files = [done.row.eval_out_path / "confusion_matrix.csv" for done in of]
    # A class may be called "None" or "NA".
    matrices = [pd.read_csv(file, index_col=0, dtype={0: str}, keep_default_na=False) for file in files]
    averaged = average_confusions(matrices)
    for name, table in (("counts", averaged.counts), ("shares", averaged.shares), ("sd", averaged.sd)):
        with replacing(path.with_name(f"{path.name}_confusion_{name}.csv")) as draft:
            table.to_csv(draft)
    plot_averaged_confusion_matrix(averaged, path.with_name(f"{path.name}_confusion_matrix.png"), title)
