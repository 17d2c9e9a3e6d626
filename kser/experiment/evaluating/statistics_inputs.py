"""Results of many runs, from reports or tables, as one table with a row for each run and subgroup."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from kser.delimited import DelimitedError, split_cells
from kser.errors import UserError
from kser.evaluation.measure_names import find_measure
from kser.evaluation.statistics.analysis import ALL
from kser.experiment.evaluating.evaluation_csv import EvaluationRow, read_evaluation_csv
from kser.experiment.tasks.report_kinds import REPORT_KINDS, ReportKind, as_number
from kser.files import read_json, read_text, visible_files
from kser.spreadsheets import as_meant

_EVALUATION_COLUMN = "eval_out_path"
"""The column that distinguishes an evaluation CSV from a table of results."""

_IDENTITY = ("model_name", "dataset_name", "seed", "subgroup_column", "subgroup")
_NO_MEASURES = {"seed", "n", "n_excluded", "n_classes"}
_WRITTEN_BY_KSER = {"at_chance", "source"}
RESERVED_COLUMNS = frozenset({*_IDENTITY, *_NO_MEASURES, *_WRITTEN_BY_KSER})
"""Names that a table of results needs itself; no factor can have them."""

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_ONE_DATASET = "one data set"


@dataclass
class StatisticsInputs:
    """The results to analyse.

    Attributes:
        results: one row for each run and subgroup, as `kser.evaluation.statistics.analysis.analyse` takes
            it, with `source`: the file that it is from.
        factors: columns of the factors between models.
        problems: what could not be read and what is suspicious, a line each.
    """

    results: pd.DataFrame
    factors: list[str]
    problems: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> list[str]:
        """Columns that are measures."""
        others = {*RESERVED_COLUMNS, *self.factors}
        numbers = self.results.select_dtypes("number").columns
        return [column for column in numbers if column not in others and not _counts(column)]

    @property
    def main_metric(self) -> str:
        """The measure to analyse when none is named: UAR, else that of regression or of labels."""
        mains = [kind.main.name for kind in REPORT_KINDS]
        return next((name for name in mains if name in self.metrics), mains[0])


def read_results(
    input_path: Path, factors: Sequence[str] | None = None, n_classes: int | None = None
) -> StatisticsInputs:
    """Read results of runs.

    Args:
        input_path: a folder with reports of `kser eval` anywhere below, see
            `report_kinds.REPORT_KINDS`; or an evaluation CSV, whose `eval_out_path` leads to
            such reports; or a CSV (comma, semicolon or tab) with a row a run:
            `model_name` (or columns of factors, which then name the model), and where known `dataset_name`,
            `seed`, `n_classes`, any measures (numbers; UAR, WA and F1 are shares, not percent) and factors
            (text); or a folder of such CSVs. Columns `n_...` are counts, not measures. The
            `runs.csv` of `kser stats` is such a CSV.
        factors: columns to take as factors, numeric ones too; `None` takes what the reports name, and the
            text columns of a CSV but those that differ between runs of a model, or hardly repeat (remarks).
        n_classes: for runs that do not say how many classes their test set has.

    Raises:
        UserError: nothing to read, a file that is not such a CSV, a measure that is not a number or a share
            above 1, factors that no run has, or a run that occurs twice.
    """
    path = Path(input_path)
    if not path.exists():
        raise UserError(f"{path}: not found")
    problems: list[str] = []
    if path.is_dir() and (folders := _folders_of_reports(path)):
        rows = _rows_of_reports([(folder, None) for folder in folders], problems)
    else:
        rows = _rows_of_csvs(_csvs(path), factors, problems)
    if not rows:
        raise UserError("\n".join([*problems, f"{path}: no results that can be read"]))
    found = list(dict.fromkeys(name for row in rows for name in row["factors"]))
    chosen = _chosen_factors(path, found, factors)
    results = results_table(rows, chosen, n_classes)
    _check_repeated(path, results)
    return StatisticsInputs(results, chosen, list(dict.fromkeys(problems)))


def _folders_of_reports(folder: Path) -> list[Path]:
    """Folders with reports, anywhere in a folder except in hidden folders, which hold drafts."""
    return sorted(
        {
            path.parent
            for kind in REPORT_KINDS
            for path in folder.rglob(kind.file)
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        }
    )


def _csvs(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    if found := visible_files(path, "*.csv"):
        return found
    raise UserError(
        f"{path}: the folder holds no {', '.join(kind.file for kind in REPORT_KINDS)} anywhere and no .csv "
        "file; kser eval writes the former"
    )


def _rows_of_csvs(
    paths: Sequence[Path], factors: Sequence[str] | None, problems: list[str]
) -> list[dict[str, Any]]:
    """Rows of all CSVs; an evaluation that several evaluation CSVs list, or one lists twice, counts once."""
    rows = []
    listed = set()
    for path in paths:
        if _EVALUATION_COLUMN not in read_text(path).partition("\n")[0]:
            rows += _rows_of_table(path, factors, problems)
            continue
        reports = []
        for row in read_evaluation_csv(path):
            evaluation = (row.model_name, row.dataset_name, row.eval_out_path.resolve())
            if evaluation not in listed:
                listed.add(evaluation)
                reports.append((row.eval_out_path, row))
        rows += _rows_of_reports(reports, problems)
    return rows


def _rows_of_reports(
    folders: Iterable[tuple[Path, EvaluationRow | None]], problems: list[str]
) -> list[dict[str, Any]]:
    """Rows of all reports that can be read; a line for each that cannot."""
    rows: list[dict[str, Any]] = []
    for folder, evaluation in folders:
        paths = {folder / kind.file: kind for kind in REPORT_KINDS if (folder / kind.file).is_file()}
        if evaluation is not None and not paths:
            problems.append(
                f"{folder}: holds no report: {evaluation.model_name} on {evaluation.dataset_name} is not "
                "evaluated; kser eval does it"
            )
        found: dict[tuple[str, str], dict[str, Any]] = {}
        leaks: dict[str, None] = {}
        for path, kind in paths.items():
            try:
                report = _checked_report(path, evaluation)
                of_report, leaks_of_report = report_rows(str(path), kind, report), _leaks(folder, report)
            except UserError as error:
                problems += str(error).splitlines()
                continue
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                problems.append(f"{path}: not as kser eval writes it ({error}); kser eval --redo renews it")
                continue
            for row in of_report:
                # The class and the numbers that one run gives are measures of the same run.
                known = found.setdefault((row["subgroup_column"], row["subgroup"]), row)
                known["measures"] |= row["measures"]
            leaks |= dict.fromkeys(leaks_of_report)
        rows += found.values()
        problems += leaks
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
    if reserved := sorted(RESERVED_COLUMNS & set(report.get("factors") or {})):
        raise UserError(f"{path}: factors: {', '.join(reserved)}: kser's own name; call the factor otherwise")
    return report


def report_rows(source: str, kind: ReportKind, report: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for a run and for each of its groups, as `results_table` takes them.

    Args:
        source: its file.
        kind: of the report.
        report: with `model_name`, `dataset_name`, `seed` and `factors`.
    """
    run = {
        "model_name": report["model_name"],
        "dataset_name": report["dataset_name"],
        "seed": report.get("seed"),
        "source": source,
        "factors": {name: str(level) for name, level in (report.get("factors") or {}).items()},
    }
    measures = _measures(report) | kind.measures_of_parts(report)
    whole = {**run, "subgroup_column": ALL, "subgroup": ALL, "measures": measures}
    rows = [{**whole, "n_classes": kind.classes_tested(report)}]
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
        name: as_number(value)
        for name, value in report.items()
        if name not in _NO_MEASURES
        and not _counts(name)
        and (value is None or isinstance(value, (int, float)))
        if not isinstance(value, bool)
    }


def _leaks(folder: Path, report: dict[str, Any]) -> list[str]:
    seen = report.get("seen_in_training") or {}
    return [
        f"LEAK: {folder}: {count} recordings were in the model's {part} part"
        for part, count in seen.items()
        if count
    ]


def _rows_of_table(path: Path, factors: Sequence[str] | None, problems: list[str]) -> list[dict[str, Any]]:
    table = _read_table(path)
    wanted = [column for column in factors or () if column in table and column not in RESERVED_COLUMNS]
    numeric = {
        column: _numbers(path, column, table[column])
        for column in map(str, table)
        if column not in {*_IDENTITY, *_WRITTEN_BY_KSER, *wanted}
    }
    named = wanted if factors is not None else _text_factors(path, table, numeric, problems)
    measures = [
        column
        for column, values in numeric.items()
        if values is not None and column not in _NO_MEASURES and not _counts(column)
    ]
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


def _text_factors(
    path: Path, table: pd.DataFrame, numeric: dict[str, list[float] | None], problems: list[str]
) -> list[str]:
    """The text columns that can be factors between models; a line for those that cannot."""
    text = [column for column, values in numeric.items() if values is None and any(table[column])]
    if "model_name" in table:
        free, why = _not_between_models(table, text), "its text is not shared by models, or not by their runs"
    else:
        free, why = [column for column in text if _hardly_repeats(table[column])], "its text hardly repeats"
        if free == text:
            return text  # a row a model, and nothing else to name it by
    problems += [f"{path}: {column}: no factor: {why}; --factors takes it as one" for column in free]
    return [column for column in text if column not in free]


def _not_between_models(table: pd.DataFrame, text: list[str]) -> list[str]:
    """Columns that differ between runs of a model; and those that just name it anew, as a remark does."""
    models = table["model_name"]
    levels = {column: table[column].where(table[column] != "") for column in text}
    varying = [column for column in text if levels[column].groupby(models).nunique().max() > 1]
    constant = [column for column in text if column not in varying]
    own = [column for column in constant if levels[column].nunique() == models.nunique() > 2]
    # A single factor may well have a level for each model; beside two shared factors it explains nothing.
    return varying + (own if len(constant) - len(own) > 1 else [])


def _hardly_repeats(cells: pd.Series) -> bool:
    filled = cells[cells != ""]
    return filled.nunique() > len(filled) / 2


def _read_table(path: Path) -> pd.DataFrame:
    """All cells of a CSV as text, by header."""
    try:
        columns, rows, _, _ = split_cells(read_text(path))
    except DelimitedError as error:
        raise UserError(f"{path}: {error}") from None
    if not rows:
        raise UserError(f"{path}: has no rows; it requires a header and a row for each run")
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        raise UserError(f"{path}: the header has {', '.join(repeated)} more than once")
    for number, cells in enumerate(rows, start=2):
        if len(cells) != len(columns):
            raise UserError(f"{path}: row {number}: {len(cells)} cells, but the header has {len(columns)}")
    return pd.DataFrame(rows, columns=columns, dtype=object).map(as_meant).rename(columns=as_meant)


def _numbers(path: Path, column: str, cells: pd.Series) -> list[float] | None:
    """A column as numbers, empty cells and NaN as missing; `None` for one of text or without any cell.

    Raises:
        UserError: it is a column of numbers, by its name or by most of its cells, and a cell is not a number,
            or not the share that it should be.
    """
    filled = [cell for cell in cells if cell]
    values = [_number(cell) for cell in cells]
    meant = sum(_number(cell) is not None or bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in filled)
    measure, part = find_measure(column) or (None, "")
    is_share = column.endswith("f1") if measure is None else measure.is_share
    known = column in _NO_MEASURES or (measure is not None and not part)
    if not filled or (not known and 2 * meant <= len(filled)):
        return None
    for row, (cell, value) in enumerate(zip(cells, values, strict=True), start=2):
        wrong = ""
        if value is None and _DECIMAL_COMMA.fullmatch(cell):
            wrong = f"should be written with a point, {cell.replace(',', '.')}"
        elif value is None:
            hint = "" if known else f" (if {column} is a factor, name it in --factors)"
            wrong = f"should be a number, or empty{hint}"
        elif is_share and not (math.isnan(value) or 0 <= value <= 1 + 1e-9):
            wrong = "should be a share, 0–1, not percent"
        if wrong:
            raise UserError(f"{path}: row {row}: {column}: {cell}: {wrong}")
    return [math.nan if value is None else value for value in values]


def _number(cell: str) -> float | None:
    """A cell as a number, NaN where it is empty or not finite; `None` for text."""
    try:
        value = float(cell) if cell else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else math.nan


def _counts(column: str) -> bool:
    """Whether a column counts something, such as `n_speakers`, and measures nothing."""
    return column.startswith("n_")


def _chosen_factors(path: Path, found: list[str], wanted: Sequence[str] | None) -> list[str]:
    if wanted is None:
        return found
    if unknown := [name for name in wanted if name not in found]:
        known = f"there are {', '.join(found)}" if found else "there are none"
        raise UserError(f"--factors: {', '.join(unknown)}: no run in {path} has such a factor; {known}")
    return list(dict.fromkeys(wanted))


def results_table(
    rows: Sequence[dict[str, Any]], factors: Sequence[str], n_classes: int | None = None
) -> pd.DataFrame:
    """Rows of runs and groups as one table.

    Args:
        rows: see `report_rows`.
        factors: those that become columns.
        n_classes: for runs that do not say how many classes their test set has.
    """
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
    """A whole number where it is one, so that 1, "1" and "1.0" are one seed."""
    try:
        number = float(seed)
    except (TypeError, ValueError):
        return seed
    return int(number) if number.is_integer() else seed


def _check_repeated(path: Path, results: pd.DataFrame) -> None:
    """Refuse a run that occurs twice: it would count double."""
    known = results.dropna(subset=["seed"])
    twice = known[known.duplicated(list(_IDENTITY), keep=False)]
    if twice.empty:
        return
    first = twice.iloc[0]
    again = twice[(twice[list(_IDENTITY)] == first[list(_IDENTITY)]).all(axis=1)]
    raise UserError(
        f"{path}: {first['model_name']} on {first['dataset_name']}, seed {first['seed']}, occurs "
        f"{len(again)} times: {again['source'].iloc[0]} and {again['source'].iloc[1]}; analyse one "
        "experiment at a time, or give the models different names"
    )
