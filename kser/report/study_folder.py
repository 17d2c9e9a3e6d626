"""Reading what a study has left on disk, as far as it is there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from kser.errors import UserError
from kser.evaluation.curve_files import read_training_curves
from kser.experiment.runs.trained_model import PROVENANCE_FILE
from kser.experiment.tasks.report_kinds import CLASSES, REPORT_KINDS, ReportKind
from kser.files import read_json
from kser.report.file_shapes import REPORT_SHAPES, ProvenanceShape, SplitShape, well_formed
from kser.report.numbers import natural

_SEED = "seed_"
_LOGS = "runs"


@dataclass(frozen=True)
class TrainedRun:
    """One model trained with one seed.

    Attributes:
        model: its name.
        seed: as the folder's name has it.
        folder: with `model`, `split` and `evaluation`.
        provenance: kser.json; empty when the run is not finished.
        split: split.json; empty when it is not there.
    """

    model: str
    seed: str
    folder: Path
    provenance: dict[str, Any]
    split: dict[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """One run evaluated on one test set.

    Attributes:
        model: name of the model, as the report has it.
        dataset: name of the test set, likewise.
        seed: of the run.
        folder: with all that the evaluation left.
        kind: of the report: an evaluation of a class and of numbers is two of these.
        report: the report; keys may be absent, as older versions wrote fewer.
        confusion: counts, rows true and columns predicted labels; `None` when it cannot be read.
    """

    model: str
    dataset: str
    seed: str
    folder: Path
    kind: ReportKind
    report: dict[str, Any]
    confusion: pd.DataFrame | None


@dataclass(frozen=True)
class Study:
    """All that is there of an experiment.

    Attributes:
        name: of the experiment.
        folder: its results.
        runs: by model and seed.
        evaluations: by test set, that of the training corpus first, then by model and seed; one a model, test
            set, seed and kind of report.
        curves: as `read_training_curves` gives them; `None` when there are none.
        problems: what could not be read, a line each.
        curve_problems: the same about the training curves.
        duplicates: evaluations that are there more than once and not counted again, a line each.
    """

    name: str
    folder: Path
    runs: list[TrainedRun]
    evaluations: list[Evaluation]
    curves: pd.DataFrame | None
    problems: list[str] = field(default_factory=list)
    curve_problems: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)

    @property
    def models(self) -> dict[str, list[TrainedRun]]:
        """The runs of each model."""
        found: dict[str, list[TrainedRun]] = {}
        for run in self.runs:
            found.setdefault(run.model, []).append(run)
        return found

    @property
    def description(self) -> str:
        """What the experiment says of itself; empty where it says nothing."""
        told = [str(run.provenance.get("experiment_description") or "") for run in self.runs]
        return " ".join(dict.fromkeys(filter(None, told)))

    @property
    def kinds(self) -> list[ReportKind]:
        """The kinds of report that there are."""
        return [kind for kind in REPORT_KINDS if any(of.kind is kind for of in self.evaluations)]

    def of_kind(self, kind: ReportKind) -> "Study":
        """The same study with the reports of one kind alone."""
        return replace(self, evaluations=[of for of in self.evaluations if of.kind is kind])

    @property
    def conditions(self) -> dict[tuple[str, str], list[Evaluation]]:
        """The evaluations of each model on each test set; of a study that has one kind of them."""
        found: dict[tuple[str, str], list[Evaluation]] = {}
        for evaluation in self.evaluations:
            found.setdefault((evaluation.model, evaluation.dataset), []).append(evaluation)
        return found

    @property
    def datasets(self) -> list[str]:
        """The names of the test sets."""
        return list(dict.fromkeys(evaluation.dataset for evaluation in self.evaluations))


def read_study(folder: str | Path, logs: str | Path | None = None) -> Study:
    """Read a study.

    Args:
        folder: the results of an experiment, with MODEL/seed_N below it.
        logs: folder of its logs. Without it runs/EXPERIMENT beside the folder of all results, else in the
            working folder.

    Raises:
        UserError: the folder holds no run, or `logs` are given and hold no log.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; the results of an experiment are needed")
    seed_folders = sorted(_seed_folders(folder), key=lambda path: natural(str(path.relative_to(folder))))
    if not seed_folders:
        raise UserError(f"{folder}: no MODEL/seed_N below it{_experiments_below(folder)}")
    problems: list[str] = []
    runs = [_read_run(path, problems) for path in seed_folders]
    evaluations, duplicates = _once_each([one for run in runs for one in _read_evaluations(run, problems)])
    own = {str(run.provenance.get("training_dataset")) for run in runs}
    evaluations.sort(key=lambda one: (one.dataset not in own, natural(one.dataset)))  # models stay in order
    curves, curve_problems = _read_curves(folder, logs)
    return Study(folder.name, folder, runs, evaluations, curves, problems, curve_problems, duplicates)


def _once_each(evaluations: Sequence[Evaluation]) -> tuple[list[Evaluation], list[str]]:
    """One evaluation a model, test set, seed and kind, in their order, and a line for each further one.

    The one that is kept is where `kser eval` puts it, in folders of the names that the report has.
    """
    found: dict[tuple[str, ...], list[Evaluation]] = {}
    for one in evaluations:
        found.setdefault((one.model, one.dataset, one.seed, one.kind.name), []).append(one)
    kept, lines = set(), []
    for same in found.values():
        first, *others = sorted(same, key=lambda one: not _is_at_home(one))
        kept.add((first.folder, first.kind))
        lines += [f"{one.folder}: left out, {first.folder} is counted." for one in others]
    return [one for one in evaluations if (one.folder, one.kind) in kept], list(dict.fromkeys(lines))


def _is_at_home(one: Evaluation) -> bool:
    model_folder = one.folder.parents[2]
    return (model_folder.name, one.folder.name) == (one.model, one.dataset)


def _seed_folders(folder: Path) -> Iterator[Path]:
    for path in folder.glob(f"*/{_SEED}*"):
        hidden = path.parent.name.startswith(".")
        if path.is_dir() and path.name.removeprefix(_SEED).isdecimal() and not hidden:
            yield path


def _experiments_below(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and any(_seed_folders(path)))
    if names:
        return f"; it holds the experiments {', '.join(names)}: name one of them"
    return "; the folder of an experiment is needed, such as results/EXPERIMENT, which kser train writes"


def _read_run(folder: Path, problems: list[str]) -> TrainedRun:
    return TrainedRun(
        model=folder.parent.name,
        seed=folder.name.removeprefix(_SEED),
        folder=folder,
        provenance=_object(folder / "model" / PROVENANCE_FILE, ProvenanceShape, problems),
        split=_object(folder / "split" / "split.json", SplitShape, problems),
    )


def _read_evaluations(run: TrainedRun, problems: list[str]) -> Iterator[Evaluation]:
    for folder in sorted((run.folder / "evaluation").glob("*/")):
        for kind in REPORT_KINDS:
            path = folder / kind.file
            report = {} if folder.name.startswith(".") else _object(path, REPORT_SHAPES[kind], problems)
            if not report:
                continue
            if kind is CLASSES and not isinstance(report.get("uar"), (int, float)):
                problems.append(f"{path}: left out: has no UAR, so it is no evaluation of classes")
                continue
            if kind.parts is not None and kind.parts[0] not in report:
                problems.append(f"{path}: left out: has no {kind.parts[0]}")
                continue
            confusion = _confusion(folder / "confusion_matrix.csv", problems) if kind is CLASSES else None
            yield Evaluation(
                model=str(report.get("model_name") or run.model),
                dataset=str(report.get("dataset_name") or folder.name),
                seed=run.seed,
                folder=folder,
                kind=kind,
                report=report,
                confusion=confusion,
            )


def _object(path: Path, shape: type[BaseModel], problems: list[str]) -> dict[str, Any]:
    """A JSON object; empty when it is not there, and a line for what cannot be read of it."""
    if not path.is_file():
        return {}
    try:
        value = read_json(path)
    except UserError as error:
        problems += [f"{line}; left out" for line in str(error).splitlines()]
        return {}
    if not isinstance(value, dict):
        problems.append(f"{path}: is no JSON object; left out")
        return {}
    return well_formed(value, shape, path, problems)


def _confusion(path: Path, problems: list[str]) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    try:
        # A label "nan" is a label.
        cells = pd.read_csv(path, dtype=str, keep_default_na=False)
        counts = cells.set_index(cells.columns[0]).astype(int)
    except (ValueError, IndexError) as error:  # pandas' own errors are ValueErrors
        problems.append(f"{path}: is no table of counts, left out: {str(error).splitlines()[0]}")
        return None
    if not counts.index.is_unique:
        problems.append(f"{path}: names a class twice; left out")
        return None
    return counts


def _read_curves(folder: Path, logs: str | Path | None) -> tuple[pd.DataFrame | None, list[str]]:
    if logs is not None:
        return read_training_curves(logs)
    beside, here = folder.parent.parent / _LOGS / folder.name, Path(_LOGS).absolute() / folder.name
    for path in dict.fromkeys([beside, here]):
        if path.is_dir():
            try:
                return read_training_curves(path)
            except UserError as error:
                return None, str(error).splitlines()
    looked = " and ".join(map(str, dict.fromkeys([beside, here])))
    return None, [f"no logs found: looked in {looked}; --logs_path names another folder"]
