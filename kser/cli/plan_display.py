"""Shows what checking an experiment found: the plan of its runs, and what is to know and to obtain."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

import kser
from kser.console import aligned, print_line
from kser.experiment.checking.model_plans import ModelPlan
from kser.experiment.checking.refusals import existing_parent
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.checking.split_counts import SplitCounts
from kser.experiment.checking.study_check import CheckResult
from kser.experiment.evaluating.test_sets import further_test_sets
from kser.experiment.execution.run_state import RunState
from kser.experiment.runs.paths import evaluation_csv_folder, results_folder
from kser.experiment.runs.run_logs import EVENTS_FOLDER
from kser.files import resolve_input
from kser.training.devices import places_of
from kser.words import counted

_SPLITS_IN_FULL = 3
_UNKNOWN = "?"


def show_plan(check: CheckResult, console: Console) -> None:
    """Print what an experiment would do, without its mistakes.

    Args:
        check: of the experiment.
        console: where to print.
    """
    show = _Shown(console)
    experiment = check.experiment
    show.line(
        f"{experiment.config.experiment_name} ({experiment.source}), kser {kser.__version__} on "
        f"{keras.config.backend()}"
    )
    if experiment.config.description:
        show.line(experiment.config.description)
    _show_runs(check, show)
    _show_paths(check, show)
    for split in check.splits:
        _show_splits(split, show)
    if check.models:
        _show_steps(check.models, show)
        _show_memory(check.models, show)
        _show_disk(check, show)
    show.section("for training on this machine", [f"recommended: {check.recommended}", _chosen(check)])
    show.section("to know", check.notes, style="yellow")
    show.section("warnings", check.warnings, style="red")
    show.section("to obtain before training", check.to_obtain, style="yellow")
    if not check.mistakes:
        show.line(*_verdict(check))


def _chosen(check: CheckResult) -> str:
    """The backend and the precisions that this experiment has chosen."""
    precisions = sorted({model.precision for model in check.experiment.models})
    return f"chosen: KERAS_BACKEND={keras.config.backend()}, {' and '.join(precisions)}"


def _verdict(check: CheckResult) -> tuple[str, str]:
    """Whether training can begin, in a line, and its style."""
    to_come = len(check.runs) - len(check.runs_in(RunState.FINISHED))
    if check.to_obtain:
        return (
            f"\nthe experiment is right; to be obtained before it can run here: {len(check.to_obtain)}",
            "yellow",
        )
    if not to_come:
        return "\nall runs are finished", "green"
    if check.warnings:
        number = counted(len(check.warnings), "warning")
        return f"\nto be looked at first: {number}; then: kser train {check.experiment.source}", "yellow"
    return f"\nready: kser train {check.experiment.source}", "green"


class _Shown:
    """Prints lines, and sections of lines, on a console."""

    def __init__(self, console: Console):
        self.console = console

    def line(self, text: str, style: str = "") -> None:
        print_line(self.console, text, style)

    def section(self, title: str, lines: Iterable[str], style: str = "") -> None:
        for number, line in enumerate(lines):
            if number == 0:
                self.line(f"\n{title}", "bold")
            self.line(f"  {line}", style)

    def table(
        self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], texts: int = 1
    ) -> None:
        """A table whose first columns hold texts and the others numbers."""
        self.section(title, aligned([columns, *([str(cell) for cell in row] for row in rows)], texts))


def _show_runs(check: CheckResult, show: _Shown) -> None:
    counts = [f"{len(runs)} {state.value}" for state in RunState if (runs := check.runs_in(state))]
    models = check.experiment.models
    show.line(
        f"\n{counted(len(check.runs), 'run')}, {counted(len(models), 'model')}: "
        f"{', '.join(counts) or 'none can begin'}",
        "bold",
    )
    for model in models:
        found = [
            f"{state.value}: seed {in_ranges(seeds)}"
            for state in RunState
            if (seeds := [run.seed for run in check.runs_in(state) if run.model.name == model.name])
        ]
        show.line(f"  {model.name}: {'; '.join(found)}")


def _show_paths(check: CheckResult, show: _Shown) -> None:
    run = check.runs[0]
    paths, config = run.paths, run.config

    def of_every_run(path: object) -> str:
        return str(path).replace(f"/{run.model.name}/seed_{run.seed}", "/MODEL/seed_N")

    kept = {"model": paths.model, "split": paths.split}
    tests = [test_set.name for test_set in further_test_sets(check.experiment)]
    lines = [f"{name}: {of_every_run(path)}" for name, path in kept.items()]
    lines.append(
        f"evaluation on {', '.join([config.training_dataset.name, *tests])}: "
        f"{of_every_run(paths.evaluation('DATASET'))}"
    )
    lines.append(f"evaluation CSV and summary: {evaluation_csv_folder(config)}")
    if any(model.keep_states_every is not None for model in check.experiment.models):
        lines.append(f"kept states: {of_every_run(paths.kept_states)}")
    if any(not model.skip_hp_search for model in check.experiment.models):
        lines.append(f"search for hyper-parameters: {of_every_run(paths.search)}")
    if check.experiment.draws_curves:
        lines.append(f"training curves: {results_folder(config) / 'training_curves.png'}")
    lines.append(f"log: {of_every_run(paths.log)}")
    if config.tensorboard:
        lines.append(f"TensorBoard: {of_every_run(paths.work / EVENTS_FOLDER)}")
    if config.mlflow is not None:
        lines.append(f"MLflow: {config.mlflow}")
    lines.append(f"saved states, while a run lasts: {of_every_run(paths.states)}")
    if run.audio_cache is not None:
        lines.append(f"decoded audio: {run.audio_cache.folder}")
    lines += [f"features of frozen encoders: {folder}" for folder in _feature_folders(check)]
    show.section("written to", lines)


def _feature_folders(check: CheckResult) -> list[Path]:
    named = [model.feature_cache for model in check.experiment.models if model.feature_cache is not None]
    return list(dict.fromkeys(map(resolve_input, named)))


def _show_splits(split: SplitCounts, show: _Shown) -> None:
    """The first splits in full, and the range of all where there are more."""
    columns = list(next(iter(split.by_seed.values())).columns)
    rows: list[list[Any]] = []
    for seed, table in list(split.by_seed.items())[:_SPLITS_IN_FULL]:
        rows += [
            [seed, part, *(counts.get(name, 0) for name in columns)] for part, counts in table.iterrows()
        ]
    if len(split.by_seed) > _SPLITS_IN_FULL:
        extremes = split.extremes()
        columns = [*columns, *(name for name in extremes.columns if name not in columns)]
        rows = [[*row, *([0] * (2 + len(columns) - len(row)))] for row in rows]
        seeds = f"all {len(split.by_seed)}"
        rows += [[seeds, part, *(counts[name] for name in columns)] for part, counts in extremes.iterrows()]
    models = ", ".join(split.models)
    show.table(f"splits ({split.scheme}) of {models}", ["seed", "part", *columns], rows, texts=2)


def _show_steps(models: Sequence[ModelPlan], show: _Shown) -> None:
    rows = []
    for model in models:
        plan = model.run.training_plan
        runs = list(model.runs.values())
        copies = "".join(f" × {count}" for count in sorted({run.copies for run in runs}) if count > 1)
        rows.append(
            [
                model.run.model.name,
                _range(run.training for run in runs) + copies,
                plan.epochs,
                plan.batch_size,
                plan.gradient_accumulation_steps,
                _range(run.updates for run in runs),
                _range(run.evaluations for run in runs),
                _range(run.saved_states for run in runs),
            ]
        )
    title = "training of a run"
    if any(model.run.training_plan.early_stopping_patience is not None for model in models):
        title += "; early stopping may end it sooner"
    if any(not model.run.model.skip_hp_search for model in models):
        title += "; a search for hyper-parameters comes first"
    columns = ["model", "utterances × copies", "epochs", "batch", "accumulated"]
    show.table(title, [*columns, "updates", "evaluations", "saved states"], rows)
    show.section(
        "lengths of batches; a run compiles each once for training and once for evaluation",
        [_lengths(model) for model in models],
    )


def _lengths(model: ModelPlan) -> str:
    lengths = sorted(
        {length / model.format.sampling_rate for run in model.runs.values() for length in run.lengths}
    )
    if not lengths:
        return f"{model.run.model.name}: not known without audio"
    plan = model.run.training_plan
    shown = ", ".join(f"{length:g}" for length in lengths)
    shapes = _range(len(run.lengths) for run in model.runs.values())
    divided = ""
    if model.devices > 1:
        places = places_of(plan.batch_size, model.devices) // model.devices
        divided = f" ({places} on each of {model.devices} devices)"
    return (
        f"{model.run.model.name}: {shapes} of {shown} s; {plan.batch_size} utterances each in "
        f"training{divided}, {plan.evaluation_batch_size} in evaluation"
    )


def _show_memory(models: Sequence[ModelPlan], show: _Shown) -> None:
    show.section(
        "checkpoints",
        [f"{model.run.model.name}: {model.checkpoint.name}, {model.checkpoint.found}" for model in models],
    )
    rows = []
    for model in models:
        memory = model.memory
        parts: list[int | None] = [None] * 5
        if memory is not None:
            parts = [memory.weights, memory.gradients, memory.optimizer, memory.activations, memory.total]
        known = model.parameters is not None and model.trained is not None
        # What is frozen in a backbone that is not here is not known.
        at_most = "" if model.checkpoint.has_config else "≤ "
        rows.append(
            [
                model.run.model.name,
                f"{model.parameters:,}" if known else _UNKNOWN,
                f"{at_most}{(model.trained or 0) / (model.parameters or 1):.1%}" if known else _UNKNOWN,
                *map(_bytes, parts),
                _bytes(model.model_bytes),
                _bytes(model.state_bytes),
            ]
        )
    columns = [
        "model",
        "parameters",
        "trained",
        "weights",
        "gradients",
        "optimizer",
        "activations",
        "together",
    ]
    where = " on each device" if any(model.devices > 1 for model in models) else ""
    show.table(
        f"memory of training{where} (activations of the longest batch: an estimate, within a factor of 2), "
        "and disk",
        [*columns, "model on disk", "saved states"],
        rows,
    )


def _show_disk(check: CheckResult, show: _Shown) -> None:
    """What all models take together, and the features that they keep, beside what the disk has."""
    to_come = [run.model.name for run in check.runs if run not in check.runs_in(RunState.FINISHED)]
    sizes = {model.run.model.name: model.model_bytes for model in check.models}
    known = [size for name in to_come if (size := sizes.get(name)) is not None]
    if known:
        _show_space(f"{counted(len(known), 'model')} to come", sum(known), check.runs[0].paths.results, show)
    features = {entry: size for model in check.models for entry, size in model.features.items()}
    for folder in _feature_folders(check):
        sizes_there = [size for (cache, _), size in features.items() if cache.folder == folder]
        if sizes_there:
            _show_space(
                f"features of {counted(len(sizes_there), 'recording')}", sum(sizes_there), folder, show
            )


def _show_space(what: str, size: int, folder: Path, show: _Shown) -> None:
    free = shutil.disk_usage(existing_parent(folder)).free
    show.line(f"{what}: {_bytes(size)}; free there: {_bytes(free)}", "yellow" if size > free else "")


def _range(numbers: Iterable[int]) -> str:
    found = sorted(set(numbers))
    if not found:
        return _UNKNOWN
    return str(found[0]) if len(found) == 1 else f"{found[0]}–{found[-1]}"


def _bytes(count: int | None) -> str:
    """As MB or GB, in powers of ten, as disks and memory monitors have it."""
    if count is None:
        return _UNKNOWN
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
