"""What training refuses to begin with: found before any run begins, by `kser check` and `kser train`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kser.errors import UserError
from kser.experiment.checking.checkpoints import Checkpoint, find_checkpoint
from kser.experiment.checking.model_plans import ModelFacts
from kser.experiment.execution.run_fingerprint import run_settings
from kser.experiment.execution.run_state import RunState, run_state
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.runs.run_devices import run_devices
from kser.files import expanded, is_there, resolve_input
from kser.training.devices import check_shareable

Data = Mapping[tuple[str, int], RunData]
"""Data of runs by model and seed."""


def refusals(runs: Sequence[Run], data: Data) -> list[str]:
    """Mistakes that can be found without reading audio, a line each.

    The hub is asked for configurations, which training would ask it for too; that it gives no answer is no
    mistake.

    Args:
        runs: of one experiment.
        data: of each run.

    Returns:
        Folders that cannot be written; results of other settings in the place of a run's, of each model the
        first; models that cannot be built.
    """
    lines = unwritable_folders(runs)
    refused: dict[str, list[str]] = {}
    unfinished: dict[str, Run] = {}
    for run in runs:
        try:
            if run_state(run, run_settings(run, data[run.model.name, run.seed])) is not RunState.FINISHED:
                unfinished.setdefault(run.model.name, run)
        except UserError as error:
            refused.setdefault(run.model.name, []).append(str(error))
    for model, (first, *more) in refused.items():
        lines += [first, f"and {len(more)} more runs of {model} like that"] if more else [first]
    for run in unfinished.values():
        lines += _model_mistakes(run, data, unfinished, runs)
    return lines


def unwritable_folders(runs: Sequence[Run]) -> list[str]:
    """Folders that runs would write to and may not, a line each."""
    mistakes: dict[Path, str] = {}
    for run in runs:
        folders = [run.paths.results, run.paths.work, run.paths.states]
        folders += [] if run.audio_cache is None else [run.audio_cache.folder]
        folders += [] if run.model.feature_cache is None else [resolve_input(run.model.feature_cache)]
        for folder in folders:
            above = existing_parent(folder.absolute())
            if not above.is_dir():
                mistakes.setdefault(above, f"{folder}: cannot be written: {above} is a file")
            elif not os.access(above, os.W_OK | os.X_OK):
                mistakes.setdefault(above, f"{folder}: cannot be written: {above} is not writable")
    return list(mistakes.values())


def unshareable(runs: Sequence[Run]) -> list[str]:
    """That the backend cannot share batches among devices as the experiment asks for, in a line."""
    try:
        check_shareable(runs[0].config.devices)
    except UserError as error:
        return [f"{runs[0].experiment.source}: {error}"]
    return []


def missing_devices(runs: Sequence[Run]) -> list[str]:
    """That this machine lacks devices that are asked for, in a line; one of a cluster may have them."""
    if unshareable(runs):
        return []
    try:
        run_devices(runs[0])
    except UserError as error:
        return [str(error)]
    return []


def existing_parent(path: Path) -> Path:
    """The path itself, or the nearest one above it that exists."""
    return next(place for place in (path, *path.parents) if is_there(place))


def model_facts(run: Run, checkpoint: Checkpoint, data: RunData | None) -> ModelFacts:
    """The model of a run as far as it can be built here, and what it would be fed with.

    Raises:
        UserError: training could not begin with it.
    """
    facts = ModelFacts(run, checkpoint, data)
    facts.check_features()
    return facts


def checkpoint_of(run: Run) -> Checkpoint:
    """Where the checkpoint of a run is.

    Raises:
        UserError: there is none of that name.
    """
    try:
        return find_checkpoint(run.model.model_path_or_name)
    except UserError as error:
        raise UserError(f"{run.model_source}: model_path_or_name: {error}") from error


def _model_mistakes(run: Run, data: Data, unfinished: Mapping[str, Run], runs: Sequence[Run]) -> list[str]:
    # A model may begin as one that the same experiment trains before it.
    if expanded(run.model.model_path_or_name).absolute() in {other.paths.model for other in runs}:
        return []
    try:
        checkpoint = checkpoint_of(run)
        # A single model is built anyway before anything is trained.
        if len(unfinished) > 1 or run.model.gradual_unfreezing_epochs is not None:
            facts = model_facts(run, checkpoint, data[run.model.name, run.seed])
            seeds = {seed: given for (name, seed), given in data.items() if name == run.model.name}
            return facts.unfreezing_mistakes(facts.plan(seeds, None).runs)
    except UserError as error:
        return str(error).splitlines()
    return []
