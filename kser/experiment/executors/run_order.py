"""Which runs must end before others begin: a model may go on with one that the same study trains."""

from collections.abc import Sequence

from kser.experiment.runs.planning import Run
from kser.files import expanded


def runs_before(runs: Sequence[Run]) -> list[int | None]:
    """For each run the number of the earlier one whose model it begins as, if there is one."""
    numbers = {run.paths.model: number for number, run in enumerate(runs)}
    begins_as = (expanded(run.model.model_path_or_name).absolute() for run in runs)
    found = [numbers.get(path) for path in begins_as]
    return [before if before is not None and before < number else None for number, before in enumerate(found)]


def waves(runs: Sequence[Run]) -> list[list[int]]:
    """The numbers of the runs in groups, each of which needs only the groups before it."""
    levels: list[int] = []
    for before in runs_before(runs):
        levels.append(0 if before is None else levels[before] + 1)
    return [[number for number, own in enumerate(levels) if own == level] for level in range(max(levels) + 1)]
