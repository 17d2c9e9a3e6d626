"""Reading what a study has written, as far as it exists."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

from kser.errors import UserError
from kser.evaluation.curve_files import read_training_curves
from kser.experiment.runs.trained_model import PROVENANCE_FILE
from kser.experiment.tasks.report_kinds import REPORT_KINDS, Parts, ReportKind
from kser.files import read_json
from kser.grouping import grouped
from kser.report.file_shapes import ProvenanceShape, SplitShape, shape_of, well_formed
from kser.spreadsheets import read_counts
from kser.words import natural

_SEED = "seed_"
_LOGS, _RESULTS = "runs", "results"
_WANTED = "give the results of an experiment, such as results/EXPERIMENT, which kser train writes"


@dataclass(frozen=True)
class TrainedRun:
    """One model trained with one seed.

    Attributes:
        model: its name.
        seed: as in the name of the folder.
        folder: with `model`, `split` and `evaluation`.
        provenance: kser.json; empty for a run that is not finished.
        split: split.json; empty where it is missing.
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
        model: name of the model, as in the report.
        dataset: name of the test set, likewise.
        seed: of the run.
        folder: with all that the evaluation wrote.
        kind: of the report: an evaluation of a class and of numbers is two of these.
        report: the report; keys may be absent, as older versions wrote fewer.
        confusion: counts, rows true and columns predicted labels; `None` where it cannot be read.
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
    """Everything that an experiment has written.

    Attributes:
        name: of the experiment.
        folder: its results.
        runs: by model and seed.
        evaluations: by test set, that of the training corpus first, then by model and seed; one a model, test
            set, seed and kind of report.
        curves: as `read_training_curves` gives them; `None` where there are none.
        problems: what could not be read, a line each.
        curve_problems: the same about the training curves.
        duplicates: further copies of evaluations, which do not count again, a line each.
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
        return grouped((run.model, run) for run in self.runs)

    @property
    def description(self) -> str:
        """The experiment's own description; empty where it has none."""
        descriptions = [str(run.provenance.get("experiment_description") or "") for run in self.runs]
        return " ".join(dict.fromkeys(filter(None, descriptions)))

    @property
    def kinds(self) -> list[ReportKind]:
        """The kinds of report that its evaluations wrote."""
        return [kind for kind in REPORT_KINDS if any(each.kind is kind for each in self.evaluations)]

    def of_kind(self, kind: ReportKind) -> "Study":
        """The same study with the reports of one kind only."""
        return replace(self, evaluations=[each for each in self.evaluations if each.kind is kind])

    @property
    def conditions(self) -> dict[tuple[str, str], list[Evaluation]]:
        """The evaluations of each model on each test set, in a study `of_kind`."""
        return grouped(((each.model, each.dataset), each) for each in self.evaluations)

    @property
    def datasets(self) -> list[str]:
        """The names of the test sets."""
        return list(dict.fromkeys(evaluation.dataset for evaluation in self.evaluations))


def entries_by_part(runs: Sequence[Evaluation], parts: Parts) -> dict[str, list[dict[str, Any]]]:
    """What the reports of several runs say of each part, by its name."""
    return grouped(
        (str(entry.get(parts.name)), entry) for run in runs for entry in run.report.get(parts.key) or ()
    )


def read_study(
    folder: str | Path, logs: str | Path | None = None, progress: Callable[[int, int], None] | None = None
) -> Study:
    """Read a study.

    Args:
        folder: the results of an experiment, with MODEL/seed_N below it; or a folder that leads to them: one
            inside a model of it, the experiment's logs, or one above them that holds no other experiment.
        logs: folder of its logs. Without it runs/EXPERIMENT beside the folder of all results, else in the
            working folder.
        progress: gets how many runs are read, and of how many.

    Raises:
        UserError: no single experiment follows from the folder, or `logs` are given and hold no log.
    """
    folder, found_logs = locate_study(folder)
    seed_folders = sorted(_seed_folders(folder), key=lambda path: natural(str(path.relative_to(folder))))
    problems: list[str] = []
    runs: list[TrainedRun] = []
    found: list[Evaluation] = []
    for done, path in enumerate(seed_folders, start=1):
        runs.append(_read_run(path, problems))
        found += _read_evaluations(runs[-1], problems)
        if progress:
            progress(done, len(seed_folders))
    evaluations, duplicates = _once_each(found)
    own = {str(run.provenance.get("training_dataset")) for run in runs}
    evaluations.sort(key=lambda one: (one.dataset not in own, natural(one.dataset)))  # models stay in order
    curves, curve_problems = _read_curves(folder, logs or found_logs)
    return Study(folder.name, folder, runs, evaluations, curves, problems, curve_problems, duplicates)


def locate_study(folder: str | Path) -> tuple[Path, Path | None]:
    """The results of the experiment that a folder leads to, and its logs where the folder is one of logs.

    Raises:
        UserError: it leads to none, or to several.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise UserError(f"{folder}: folder not found; {_WANTED}")
    for candidate in (folder, *folder.parents[:4]):  # down to MODEL/seed_N/evaluation/DATASET
        models = {path.parent.name for path in _seed_folders(candidate)}
        model = next(iter(folder.relative_to(candidate).parts), None)
        # A folder inside an experiment lies in one of its models; beside them may lie anything.
        if not models or model not in {None, *models}:
            continue
        if not _holds_logs(candidate):
            return candidate, None
        return _results_of_logs(candidate), candidate
    below = [
        path for depth in ("*", "*/*") for path in sorted(folder.glob(depth)) if any(_seed_folders(path))
    ]
    experiments = [path for path in below if not path.name.startswith(".") and not _holds_logs(path)]
    if len(experiments) == 1:
        return experiments[0], None
    if experiments:
        named = ", ".join(map(str, experiments))
        raise UserError(f"{folder}: holds several experiments, of which a report takes one: {named}")
    raise UserError(f"{folder}: no MODEL/seed_N below it; {_WANTED}")


def _holds_logs(folder: Path) -> bool:
    """Whether the runs of a folder have logs and nothing else."""
    kept = [run / name for run in _seed_folders(folder) for name in ("model", "split", "evaluation")]
    logs = [run / name for run in _seed_folders(folder) for name in ("log.csv", "settings.json")]
    return any(path.is_file() for path in logs) and not any(path.is_dir() for path in kept)


def _results_of_logs(logs: Path) -> Path:
    places = [logs.parent.parent / _RESULTS / logs.name, Path(_RESULTS).absolute() / logs.name]
    for path in dict.fromkeys(places):
        if any(_seed_folders(path)):
            return path
    raise UserError(f"{logs}: holds the logs of an experiment; {_WANTED}")


def _once_each(evaluations: Sequence[Evaluation]) -> tuple[list[Evaluation], list[str]]:
    """One evaluation a model, test set, seed and kind, in their order, and a line for each further one.

    The one that counts lies where `kser eval` puts it: in folders named after its model and test set.
    """
    copies = grouped(((one.model, one.dataset, one.seed, one.kind.name), one) for one in evaluations)
    kept, lines = set(), []
    for same in copies.values():
        first, *others = sorted(same, key=lambda one: not _is_at_home(one))
        kept.add((first.folder, first.kind))
        lines += [f"{one.folder}: left out, as {first.folder} is the same evaluation." for one in others]
    return [one for one in evaluations if (one.folder, one.kind) in kept], list(dict.fromkeys(lines))


def _is_at_home(one: Evaluation) -> bool:
    model_folder = one.folder.parents[2]
    return (model_folder.name, one.folder.name) == (one.model, one.dataset)


def _seed_folders(folder: Path) -> Iterator[Path]:
    for path in folder.glob(f"*/{_SEED}*"):
        hidden = path.parent.name.startswith(".")
        if path.is_dir() and path.name.removeprefix(_SEED).isdecimal() and not hidden:
            yield path


def _read_run(folder: Path, problems: list[str]) -> TrainedRun:
    return TrainedRun(
        model=folder.parent.name,
        seed=folder.name.removeprefix(_SEED),
        folder=folder,
        provenance=_object(folder / "model" / PROVENANCE_FILE, ProvenanceShape, problems),
        split=_object(folder / "split" / "split.json", SplitShape, problems),
    )


def _read_evaluations(run: TrainedRun, problems: list[str]) -> Iterator[Evaluation]:
    for folder in sorted((run.folder / "evaluation").glob("[!.]*/")):
        for kind in REPORT_KINDS:
            path = folder / kind.file
            report = _object(path, shape_of(kind), problems)
            if not report:
                continue
            if missing := [key for key in kind.required if report.get(key) is None]:
                problems.append(f"{path}: lacks {', '.join(missing)}; left out")
                continue
            yield Evaluation(
                model=str(report.get("model_name") or run.model),
                dataset=str(report.get("dataset_name") or folder.name),
                seed=run.seed,
                folder=folder,
                kind=kind,
                report=report,
                confusion=_confusion(folder / kind.confusion_file, problems) if kind.confusion_file else None,
            )


def _object(path: Path, shape: type[BaseModel], problems: list[str]) -> dict[str, Any]:
    """A JSON object, empty where the file is missing; a line for whatever cannot be read of it."""
    if not path.is_file():
        return {}
    try:
        value = read_json(path)
    except UserError as error:
        problems += [f"{line}; left out" for line in str(error).splitlines()]
        return {}
    if not isinstance(value, dict):
        problems.append(f"{path}: not a JSON object; left out")
        return {}
    return well_formed(value, shape, path, problems)


def _confusion(path: Path, problems: list[str]) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    try:
        return read_counts(path)
    except UserError as error:
        problems.append(f"{error}; left out")
        return None


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
    return None, [f"no logs found: looked in {looked}; --logs-path names another folder"]
