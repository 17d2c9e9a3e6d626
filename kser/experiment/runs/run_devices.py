"""How many devices of this machine the runs of an experiment share."""

from kser.errors import UserError
from kser.experiment.runs.planning import Run
from kser.training.devices import devices_at_most, number_of_devices


def run_devices(run: Run) -> int:
    """How many devices a run uses here.

    Raises:
        UserError: not what the experiment asks for is here; with its file.
    """
    try:
        return number_of_devices(run.config.devices)
    except UserError as error:
        raise UserError(f"{run.experiment.source}: {error}") from error


def devices_here(run: Run) -> int:
    """As `run_devices`; where there are fewer, those that there are: other machines may train."""
    return devices_at_most(run.config.devices)
