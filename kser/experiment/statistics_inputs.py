"""Results of many runs, from wherever they lie, as one table with a row a run and subgroup."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from kser.errors import UserError
from kser.evaluation.statistics.analysis import ALL
from kser.experiment.evaluation_csv import REPORT_FILE, EvaluationRow, read_evaluation_csv
from kser.files import read_json, read_text, visible_files

_EVALUATION_COLUMN = "eval_out_path"
"""What tells an evaluation CSV from a table of results."""

_IDENTITY = ("model_name", "dataset_name", "seed", "subgroup_column", "subgroup")
_NO_MEASURES = {"seed", "n", "n_excluded", "n_classes"}
_RESERVED = {*_IDENTITY, *_NO_MEASURES, "at_chance", "source"}
_ONE_DATASET = "one data set"


@dataclass
class StatisticsInputs:
    """What there is to analyse.

    Attributes:
        results: one row a run and subgroup, as `kser.evaluation.statistics.analysis.analyse` takes it, with
            `source`: the file that it is from.
        factors: columns of the factors between models.
        problems: what could not be read and what is suspicious, a line each.
    """

    results: pd.DataFrame
    factors: list[str]
    problems: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> list[str]:
        """Columns that are measures."""
        others = {*_RESERVED, *self.factors}
        numbers = self.results.select_dtypes("number").columns
        return [column for column in numbers if column not in others]


def read_results(
    input_path: Path, factors: Sequence[str] | None = None, n_classes: int | None = None
) -> StatisticsInputs:
    """Read results of runs.

    Args:
        input_path: a folder with `classification_report.json` files anywhere below; or an evaluation CSV,
            whose `eval_out_path` leads to reports; or a CSV (comma, semicolon or tab) with a row a run:
            `model_name` (or columns of factors, which then name the model), and where known `dataset_name`,
            `seed`, `n_classes`, any measures (numbers) and factors (text); or a folder of such CSVs.
        factors: columns to take as factors, numeric ones too; `None` takes what the reports name, and the
            text columns of a CSV.
        n_classes: for runs that do not say how many classes their test set has.

    Raises:
        UserError: nothing to read, a file that is no such CSV, factors that no run has, or a run that occurs
            twice.
    """
    path = Path(input_path)
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    problems: list[str] = []
    if path.is_dir() and (reports := _reports_below(path)):
        rows = _rows_of_reports([(report, None) for report in reports], problems)
    else:
        rows = [row for csv_path in _csvs(path) for row in _rows_of_csv(csv_path, factors, problems)]
    if not rows:
        raise UserError("\n".join([*problems, f"{path}: no results that can be read"]))
    found = list(dict.fromkeys(name for row in rows for name in row["factors"]))
    chosen = _chosen_factors(path, found, factors)
    results = _table(rows, chosen, n_classes)
    _check_repeated(path, results)
    return StatisticsInputs(results, chosen, list(dict.fromkeys(problems)))


def _reports_below(folder: Path) -> list[Path]:
    """Reports anywhere in a folder; drafts, which lie in hidden folders, are none."""
    return [
        path
        for path in sorted(folder.rglob(REPORT_FILE))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _csvs(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if found := visible_files(path, "*.csv"):
        return found
    raise UserError(
        f"{path}: the folder holds no {REPORT_FILE} anywhere and no .csv file; kser eval writes the former"
    )


def _rows_of_csv(path: Path, factors: Sequence[str] | None, problems: list[str]) -> list[dict[str, Any]]:
    header = read_text(path).partition("\n")[0]
    if _EVALUATION_COLUMN in header:
        evaluations = list(dict.fromkeys(read_evaluation_csv(path)))
        return _rows_of_reports([(row.eval_out_path / REPORT_FILE, row) for row in evaluations], problems)
    return _rows_of_table(path, factors)


def _rows_of_reports(
    reports: Iterable[tuple[Path, EvaluationRow | None]], problems: list[str]
) -> list[dict[str, Any]]:
    """Rows of all reports that can be read; a line for each that cannot."""
    rows = []
    for path, evaluation in reports:
        if evaluation is not None and not path.is_file():
            problems.append(
                f"{path}: no such file: {evaluation.model_name} on {evaluation.dataset_name} is not "
                "evaluated; kser eval does it"
            )
            continue
        try:
            report = _checked_report(path, evaluation)
        except UserError as error:
            problems += str(error).splitlines()
            continue
        rows += _rows_of_report(path, report)
        problems += _leaks(path, report)
    return rows


def _checked_report(path: Path, evaluation: EvaluationRow | None) -> dict[str, Any]:
    """A report under the names that the evaluation CSV gives its model and data set, if one does."""
    report = read_json(path)
    if not isinstance(report, dict):
        raise UserError(f"{path}: is not a report of kser eval: an object was expected")
    if evaluation is not None:
        report |= {"model_name": evaluation.model_name, "dataset_name": evaluation.dataset_name}
    for name in ("model_name", "dataset_name"):
        if not isinstance(report.get(name), str):
            raise UserError(
                f"{path}: {name}: missing; is it a report of kser eval? kser eval --redo renews it"
            )
    for name in ("factors", "subgroups"):
        if not isinstance(report.get(name) or {}, dict):
            raise UserError(f"{path}: {name}: an object of names and values was expected")
    if reserved := sorted(_RESERVED & set(report.get("factors") or {})):
        raise UserError(f"{path}: factors: {', '.join(reserved)}: kser's own name; call the factor otherwise")
    return report


def _rows_of_report(path: Path, report: dict[str, Any]) -> list[dict[str, Any]]:
    run = {
        "model_name": report["model_name"],
        "dataset_name": report["dataset_name"],
        "seed": report.get("seed"),
        "source": str(path),
        "factors": {name: str(level) for name, level in (report.get("factors") or {}).items()},
    }
    classes = [entry for entry in report.get("per_label") or [] if entry.get("support")]
    whole = {**run, "subgroup_column": ALL, "subgroup": ALL, "measures": _measures(report)}
    rows = [{**whole, "n_classes": len(classes) or None}]
    for column, parts in (report.get("subgroups") or {}).items():
        rows += [
            {**run, "subgroup_column": column, "subgroup": str(name), "measures": _measures(measures)}
            for name, measures in parts.items()
            if isinstance(measures, dict)
        ]
    return rows


def _measures(report: dict[str, Any]) -> dict[str, float]:
    """The numbers of a report that are measures; one that is null or not finite is a missing value."""
    return {
        name: float(value) if value is not None and math.isfinite(value) else math.nan
        for name, value in report.items()
        if name not in _NO_MEASURES and (value is None or isinstance(value, (int, float)))
        if not isinstance(value, bool)
    }


def _leaks(path: Path, report: dict[str, Any]) -> list[str]:
    seen = report.get("seen_in_training") or {}
    return [
        f"LEAK: {path}: {count} recordings were in the model's {part} part"
        for part, count in seen.items()
        if count
    ]


def _rows_of_table(path: Path, factors: Sequence[str] | None) -> list[dict[str, Any]]:
    table = _read_table(path)
    numeric = {column: _numbers(table[column]) for column in table if column not in _IDENTITY}
    measures = [column for column, values in numeric.items() if values is not None]
    if factors is None:
        named = [column for column in numeric if column not in measures]
    else:
        named = [column for column in factors if column in table]
    measures = [column for column in measures if column not in {*named, *_NO_MEASURES}]
    if "model_name" not in table:
        if not named:
            raise UserError(
                f"{path}: the header lacks model_name, and has no column of factors to name the models by; "
                f"it has {', '.join(map(str, table))}"
            )
        table["model_name"] = table[named].agg(", ".join, axis=1)
    classes = numeric.get("n_classes")
    rows = []
    for position, cells in enumerate(table.to_dict("records")):
        if not cells["model_name"]:
            raise UserError(f"{path}: row {position + 2}: model_name: empty")
        row = {
            "model_name": cells["model_name"],
            "dataset_name": cells.get("dataset_name") or _ONE_DATASET,
            "seed": cells.get("seed") or None,
            "subgroup_column": cells.get("subgroup_column")
            or (ALL if not cells.get("subgroup") else "subgroup"),
            "subgroup": cells.get("subgroup") or ALL,
            "source": f"{path} row {position + 2}",
            "n_classes": None if classes is None else classes[position],
            "factors": {name: cells[name] for name in named if cells[name]},
            "measures": {name: (numeric[name] or [])[position] for name in measures},
        }
        rows.append(row)
    return rows


def _read_table(path: Path) -> pd.DataFrame:
    """All cells of a CSV as text, by header."""
    text = read_text(path)
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    try:
        lines = [
            [cell.strip() for cell in cells]
            for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise UserError(f"{path}: {error}; is a quotation mark missing?") from None
    if len(lines) < 2:
        raise UserError(f"{path}: has no rows; a header and a row for each run are wanted")
    columns, rows = lines[0], lines[1:]
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        raise UserError(f"{path}: the header has {', '.join(repeated)} more than once")
    for number, cells in enumerate(rows, start=2):
        if len(cells) != len(columns):
            raise UserError(f"{path}: row {number}: {len(cells)} cells, but the header has {len(columns)}")
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _numbers(cells: pd.Series) -> list[float] | None:
    """A column as numbers, empty cells and NaN as missing; `None` for one with text or without any cell."""
    values = []
    for cell in cells:
        try:
            value = float(cell) if cell else math.nan
        except ValueError:
            return None
        values.append(value if math.isfinite(value) else math.nan)
    return values if any(cells) else None


def _chosen_factors(path: Path, found: list[str], wanted: Sequence[str] | None) -> list[str]:
    if wanted is None:
        return found
    if unknown := [name for name in wanted if name not in found]:
        there = f"there are {', '.join(found)}" if found else "there are none"
        raise UserError(f"--factors: {', '.join(unknown)}: no run in {path} has such a factor; {there}")
    return list(dict.fromkeys(wanted))


def _table(rows: list[dict[str, Any]], factors: list[str], n_classes: int | None) -> pd.DataFrame:
    flat = [
        {
            **{name: row[name] for name in (*_IDENTITY, "source")},
            "n_classes": _first_known(row.get("n_classes"), n_classes),
            **{name: row["factors"].get(name) for name in factors},
            **row["measures"],
        }
        for row in rows
    ]
    table = pd.DataFrame(flat)
    table["seed"] = pd.Series([_seed(row["seed"]) for row in rows], dtype=object)
    table["n_classes"] = table["n_classes"].astype(float)
    return table


def _first_known(*values: float | None) -> float:
    return next((value for value in values if value is not None and not math.isnan(value)), math.nan)


def _seed(seed: Any) -> Any:
    """A whole number where it is one, so that 1 and "1" are one seed."""
    try:
        return int(seed)
    except (TypeError, ValueError):
        return seed


def _check_repeated(path: Path, results: pd.DataFrame) -> None:
    """The same run twice would count double."""
    known = results.dropna(subset=["seed"])
    twice = known[known.duplicated(list(_IDENTITY), keep=False)]
    if twice.empty:
        return
    first = twice.iloc[0]
    again = twice[(twice[list(_IDENTITY)] == first[list(_IDENTITY)]).all(axis=1)]
    raise UserError(
        f"{path}: {first['model_name']} on {first['dataset_name']}, seed {first['seed']}, is there "
        f"{len(again)} times: {again['source'].iloc[0]} and {again['source'].iloc[1]}; analyse one "
        "experiment at a time, or give the models different names"
    )
