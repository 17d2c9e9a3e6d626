"""Settings that are valid, and with which training would not do what somebody who gives them expects."""

from collections.abc import Callable, Mapping, Sequence

from kser.experiment.config.search_space import space_of
from kser.experiment.runs.augmenting import augmentation_plan
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.experiment.runs.run_devices import devices_here
from kser.models.families import SCRATCH_PREFIX
from kser.training.devices import places_of
from kser.words import counted

# Deviation of the random numbers that a new head begins as, see `kser.models.heads.Head.dense`, and those of
# LoRA and of a backbone from scratch are of that size. What is pretrained has to move less.
_NEW_WEIGHTS = 0.02
_PRETRAINED_WEIGHTS = 0.001
# Beyond these, new weights diverge in short runs and pretrained ones are lost, so that none is advised.
_HIGHEST_ADVISED = {_NEW_WEIGHTS: 0.003, _PRETRAINED_WEIGHTS: 0.0002}


def training_notes(data: Mapping[tuple[str, int], RunData], runs: Sequence[Run]) -> list[str]:
    """What is worth knowing of how models are trained, a line each, of the first run of each model.

    Args:
        data: of each run, by model and seed.
        runs: of one experiment.
    """
    notes = []
    trained = [run for run in reversed(runs) if run.model.is_trained_by_gradient]
    for run in {run.model.name: run for run in trained}.values():
        augmentation = augmentation_plan(run.experiment, run.seed)
        copies = 1 if augmentation is None else augmentation.copies
        utterances = copies * len(data[run.model.name, run.seed].rows("train"))
        checks: list[Callable[[Run, int], str | None]] = [
            _large_batch,
            _uneven_batch,
            _long_accumulation,
            _short_way,
        ]
        notes += [f"{run.model_source}: {note}" for check in checks if (note := check(run, utterances))]
    return notes


def _large_batch(run: Run, utterances: int) -> str | None:
    """Batches that no epoch fills."""
    batch_size = run.training_plan.batch_size
    if batch_size <= utterances:
        return None
    return (
        f"per_device_batch_size: {batch_size} is more than the training part has ({utterances} with all "
        "augmented copies): an epoch is one batch, and its other places are computed in vain"
    )


def _uneven_batch(run: Run, utterances: int) -> str | None:
    """Batches that devices cannot divide."""
    batch_size, devices = run.training_plan.batch_size, devices_here(run)
    empty = places_of(batch_size, devices) - batch_size
    if not empty:
        return None
    return (
        f"per_device_batch_size: {batch_size} is no multiple of {devices} devices: in each batch "
        f"{counted(empty, 'further place')} is computed in vain"
    )


def _long_accumulation(run: Run, utterances: int) -> str | None:
    """An update of more batches than an epoch has, for which the model trains longer than it says."""
    plan = run.training_plan
    batches = -(-utterances // plan.batch_size)
    steps, updates = plan.gradient_accumulation_steps, plan.updates(batches)
    if steps <= batches:
        return None
    return (
        f"gradient_accumulation_steps: an update takes {steps} batches, and an epoch has {batches}: "
        f"number_of_training_epochs {plan.epochs} becomes {updates * steps / batches:.3g} epochs "
        f"(updates: {updates})"
    )


def _short_way(run: Run, utterances: int) -> str | None:
    """Learning rates whose sum over a run is too small for what is to be learned.

    A step of Adam moves a weight by about the learning rate at most, whatever the gradient.
    """
    if not run.model.skip_hp_search and "learning_rate" in space_of(run.model).fields:
        return None
    plan = run.training_plan
    updates = plan.updates(-(-utterances // plan.batch_size))
    way, needed = plan.learning_rate_sum(updates), _needed_way(run)
    if way >= needed:
        return None
    what = "those of a new head begin as random numbers of" if needed == _NEW_WEIGHTS else "fine-tuning takes"
    raised = float(f"{10 * plan.learning_rate * needed / way:.1g}")
    higher = f"raise it to {raised:g}, or " if raised <= _HIGHEST_ADVISED[needed] else ""
    return (
        f"learning_rate: in {updates} updates of at most {plan.learning_rate:g} a weight moves by no more "
        f"than {way:.2g}, and {what} {needed:g}: next to nothing will be learned; {higher}make "
        "more updates (more number_of_training_epochs, a smaller gradient_accumulation_steps)"
    )


def _needed_way(run: Run) -> float:
    model = run.model
    is_new = (
        model.freeze_layers == "all"
        or model.lora_rank is not None
        or model.model_path_or_name.startswith(SCRATCH_PREFIX)
    )
    return _NEW_WEIGHTS if is_new and not model.continue_model_training else _PRETRAINED_WEIGHTS
