"""What training would refuse to begin with, told before the runs that it would not refuse."""

from collections.abc import Mapping, Sequence

from kser.errors import UserError
from kser.experiment.checking.checkpoints import find_checkpoint
from kser.experiment.execution.run_fingerprint import run_settings
from kser.experiment.execution.run_state import RunState, run_state
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.files import expanded


def refusals(runs: Sequence[Run], data: Mapping[tuple[str, int], RunData]) -> list[str]:
    """Mistakes that can be told without building a model or reading audio.

    The hub is asked for configurations, which training would ask it for too; that it gives no answer is no
    mistake.

    Args:
        runs: of one experiment.
        data: of each run by model and seed.

    Returns:
        A line each: results of other settings in the place of a run's, of each model the first; models whose
        checkpoint is none.
    """
    refused: dict[str, list[str]] = {}
    unfinished: dict[str, Run] = {}
    for run in runs:
        try:
            if run_state(run, run_settings(run, data[run.model.name, run.seed])) is not RunState.FINISHED:
                unfinished.setdefault(run.model.name, run)
        except UserError as error:
            refused.setdefault(run.model.name, []).append(str(error))
    lines = []
    for model, (first, *more) in refused.items():
        lines += [first, f"and {len(more)} more runs of {model} like that"] if more else [first]
    return lines + [line for run in unfinished.values() for line in _checkpoint_mistakes(run, runs)]


def _checkpoint_mistakes(run: Run, runs: Sequence[Run]) -> list[str]:
    name = run.model.model_path_or_name
    # A model may begin as one that the same experiment trains before it.
    if expanded(name).absolute() in {of.paths.model for of in runs}:
        return []
    try:
        find_checkpoint(name)
    except UserError as error:
        return [f"{run.model_source}: {error}"]
    return []
