"""How many devices the runs of an experiment share."""

from kser.errors import UserError
from kser.experiment.runs.planning import Run
from kser.training.devices import devices_at_most, number_of_devices
from kser.training.process_group import processes


def run_devices(run: Run) -> int:
    """How many devices a run uses here.

    Raises:
        UserError: not what the experiment asks for is here, or its batches are too small for processes to
            share them; with the file.
    """
    try:
        devices = number_of_devices(run.config.devices)
    except UserError as error:
        raise UserError(f"{run.experiment.source}: {error}") from error
    if processes() > 1 and run.training_plan.batch_size < devices:
        raise UserError(
            f"{run.model_source}: per_device_batch_size: a batch of {run.training_plan.batch_size} "
            f"utterances leaves nothing to some of {devices} devices of {processes()} processes"
        )
    return devices


def devices_here(run: Run) -> int:
    """As `run_devices`; where there are fewer, those that there are: other machines may train."""
    return devices_at_most(run.config.devices)
