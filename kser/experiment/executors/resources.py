"""What a run takes of the machine of a cluster that does it."""

from collections.abc import Sequence
from dataclasses import dataclass

from kser.experiment.runs.planning import Run


@dataclass(frozen=True)
class Resources:
    """Processors of a run.

    Attributes:
        num_cpus: of the machine; `None`: as the cluster has it.
        num_gpus: graphics processors; `None`: none.
    """

    num_cpus: int | None = None
    num_gpus: int | None = None

    def of(self, run: Run) -> "Resources":
        """What a run takes: what its model JSON says, else what is said here."""
        model = run.model
        return Resources(
            self.num_cpus if model.num_cpus is None else model.num_cpus,
            self.num_gpus if model.num_gpus is None else model.num_gpus,
        )


def by_resources(runs: Sequence[Run], numbers: Sequence[int], default: Resources) -> list[list[int]]:
    """The numbers of runs in groups, all runs of which take the same.

    Args:
        runs: of a study.
        numbers: of some of them.
        default: for models that say nothing.
    """
    groups: dict[Resources, list[int]] = {}
    for number in numbers:
        groups.setdefault(default.of(runs[number]), []).append(number)
    return list(groups.values())
