"""Reading the curves of training runs: every log.csv of kser and event file of TensorBoard below a folder."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kser.errors import UserError
from kser.evaluation.event_files import EventFileError, Scalar, read_scalars
from kser.words import natural

LOG_FILE = "log.csv"
EVENT_FILES = "events.out.tfevents.*"

_SEED = re.compile(r"(?:.*[_-])?seed[_=-]?(\d+)", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
# What the Hugging Face Trainer puts between a run and its event file: runs/Nov22_10-30-01_host.
_TRAINER_FOLDER = re.compile(r"runs|[A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_.*")


def read_training_curves(path: str | Path) -> tuple[pd.DataFrame, list[str]]:
    """Read all training logs below a folder, or a single one.

    A run is a folder with a log: the model is the folder above `seed_N`, as in runs/EXPERIMENT/MODEL/seed_N,
    and as much of what is above it as tells models apart; a folder that names no seed is a model with one
    run. A run with a log.csv is read from that only. Several event files of a run continue each other: where
    a later one begins with a curve, the earlier ones end.

    Args:
        path: a folder, a log.csv or an event file.

    Returns:
        - a table, one row a run and update that has any value, with `model`, `seed` (text, empty where no
          folder names one), `step` (updates) and a column of each curve under kser's name, NaN where there is
          no value: `loss`, `val_loss`, `val_accuracy`, `val_uar`, …, also for the Trainer's tags
          `train/loss`, `eval/uar`;
        - notes for the user, a line each: what was damaged or empty and left out.

    Raises:
        UserError: the path does not exist, holds no training log with a value, or holds runs that have event
            files only and TensorBoard, which reads them, is not installed.
    """
    path = Path(path)
    files = _log_files(path)
    with_log = {_model_and_seed(file) for file in files if file.suffix == ".csv"}
    notes: list[str] = []
    runs: dict[tuple[tuple[str, ...], str], list[pd.DataFrame]] = {}
    for file in files:
        run = _model_and_seed(file)
        if file.suffix == ".csv":
            table = _read_log(file, notes)
        elif run not in with_log:
            table = _read_events(file, notes)
        else:
            continue
        if not table.empty:
            runs.setdefault(run, []).append(table)
    if not runs:
        reasons = "".join(f"\n{note}" for note in notes)
        raise UserError(f"{path}: no {LOG_FILE} and no {EVENT_FILES} with a value below it{reasons}")
    names = _short_names([model for model, _ in runs])
    tables = [_joined(parts).assign(model=names[model], seed=seed) for (model, seed), parts in runs.items()]
    curves = pd.concat(tables, ignore_index=True)
    leading = ["model", "seed", "step"]
    return curves[[*leading, *(name for name in curves.columns if name not in leading)]], notes


def _log_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path.absolute()]
    if not path.is_dir():
        raise UserError(f"{path}: not found; give the folder with the logs of the runs, or one log")
    files = [*path.rglob(LOG_FILE), *path.rglob(EVENT_FILES)]
    hidden = [file for file in files if any(part.startswith(".") for part in file.relative_to(path).parts)]
    return sorted((file.absolute() for file in set(files) - set(hidden)), key=lambda file: natural(str(file)))


def _read_log(path: Path, notes: list[str]) -> pd.DataFrame:
    """A log.csv, without rows that an interruption left half written."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    lines = text.splitlines()
    header = next(csv.reader(lines[:1]), [])
    if "step" not in header:
        notes.append(f"{path}: left out: its first line has no column step, so it is no training log")
        return pd.DataFrame()
    rows, broken = [], []
    for number, line in enumerate(lines[1:], start=2):
        whole = number < len(lines) or text.endswith("\n")
        row = _numbers(line.split(","), header) if whole else None
        if row is None:
            broken.append(str(number))
        else:
            rows.append(row)
    if broken:
        notes.append(f"{path}: left out, broken or half written: line {', '.join(broken)}")
    if not rows:
        notes.append(f"{path}: left out: no rows yet")
    return _by_step(pd.DataFrame(rows, columns=header))


def _numbers(cells: list[str], header: list[str]) -> dict[str, float] | None:
    """A row's numbers; NaN for an empty cell, `None` when the row is broken."""
    try:
        row = {name: float(cell or "nan") for name, cell in zip(header, cells, strict=True)}
    except ValueError:
        return None
    return row if row["step"] >= 0 else None


def _read_events(path: Path, notes: list[str]) -> pd.DataFrame:
    scalars: list[Scalar] = []
    try:
        scalars.extend(read_scalars(path))
    except EventFileError as error:
        used = "the values before that place are used" if scalars else "left out: no value could be read"
        notes.append(f"{path}: {error}; {used}")
    else:
        if not path.stat().st_size:
            notes.append(f"{path}: left out: empty")
    rows = [{"step": scalar.step, _column(scalar.tag): scalar.value} for scalar in scalars]
    return _by_step(pd.DataFrame(rows))


def _column(tag: str) -> str:
    """kser's name of a Trainer's curve."""
    name = tag.replace("/", "_")
    if name in {"train_loss", "train_learning_rate", "train_epoch"} and tag.startswith("train/"):
        return name.removeprefix("train_")
    return f"val_{name.removeprefix('eval_')}" if name.startswith("eval_") else name


def _by_step(table: pd.DataFrame) -> pd.DataFrame:
    """One row a step, the last value of each column; infinite values as missing ones."""
    if table.empty:
        return table
    finite = table.where(table.abs() < float("inf"))
    return finite.groupby("step", as_index=False).last().dropna(axis=1, how="all")


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The files of one run as one table: where a later file begins with a curve, the earlier ones end."""
    whole = parts[0]
    for part in parts[1:]:
        for name in whole.columns.intersection(part.columns).drop("step"):
            begins = part.loc[part[name].notna(), "step"].min()
            whole.loc[whole["step"] >= begins, name] = float("nan")
        whole = _by_step(pd.concat([whole, part], ignore_index=True))
    return whole


def _model_and_seed(file: Path) -> tuple[tuple[str, ...], str]:
    """The folders that name the model, all of them, and the seed."""
    folders = file.parts[1:-1]
    for place in range(len(folders) - 1, -1, -1):
        if match := _SEED.fullmatch(folders[place]):
            return folders[:place] or ("model",), match[1]
    while len(folders) > 1 and _TRAINER_FOLDER.fullmatch(folders[-1]):
        folders = folders[:-1]
    if len(folders) > 1 and _DIGITS.fullmatch(folders[-1]):
        return folders[:-1], folders[-1]
    return folders or ("model",), ""


def _short_names(models: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Names without the folders that all models are in."""
    shared = 0
    shortest = min(len(model) for model in models)
    while shared < shortest - 1 and len({model[shared] for model in models}) == 1:
        shared += 1
    return {model: "/".join(model[shared:]) for model in models}
