"""Becoming one of the processes that train a run together, as SLURM or the environment says it."""

import os

import keras

from kser.errors import UserError
from kser.training import process_group

# What JAX itself needs of the environment of a step of SLURM.
_OF_A_STEP = ("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID")
_ADDRESSES = ("KERAS_DISTRIBUTION_JOB_ADDRESSES", "JAX_COORDINATOR_ADDRESS")
_COUNT = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_NUMBER = "KERAS_DISTRIBUTION_PROCESS_ID"
# A process of which nothing was heard for so long is dead.
_HEARTBEAT_S = 60
_ENDS_WITHIN_S = 30
_STARTS_WITHIN_S = 300


def processes_here() -> int:
    """How many processes were started together with this one, itself included.

    Raises:
        UserError: a variable of the environment is no number.
    """
    if _COUNT in os.environ:
        return _number(_COUNT)
    return _number("SLURM_NTASKS") if all(name in os.environ for name in _OF_A_STEP) else 1


def join() -> None:
    """Join the processes that were started together with this one; nothing where it has joined them already.

    Raises:
        UserError: the backend is another one than JAX, the environment lacks something, JAX has computed
            already, the others have not come in time, or they have not as many devices each.
    """
    if process_group.has_entered():
        return
    backend, count = keras.config.backend(), processes_here()
    if backend != "jax":
        raise UserError(
            f"devices: {count} processes share a run on JAX only, which KERAS_BACKEND=jax chooses, and this "
            f"is {backend}; with devices: 1 each does runs of its own"
        )
    import jax
    from jax._src import distributed

    arguments = _given() if _COUNT in os.environ else {"cluster_detection_method": "slurm"}
    try:
        jax.distributed.initialize(
            **arguments,
            initialization_timeout=_STARTS_WITHIN_S,
            heartbeat_timeout_seconds=_HEARTBEAT_S,
            shutdown_timeout_seconds=_ENDS_WITHIN_S,
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"devices: the {count} processes that share a run cannot be joined: {str(error).splitlines()[0]}"
        ) from error
    # JAX has no public way to its store of keys and values, which its own `multihost_utils` takes, too.
    process_group.enter(distributed.global_state.client, jax.process_index(), count)
    numbers = process_group.gathered(jax.local_device_count())
    if len(set(numbers)) > 1:
        found = ", ".join(map(str, numbers))
        raise UserError(f"devices: processes that share a run must have as many each, got {found}")


def _given() -> dict[str, object]:
    """What the variables say that Keras has for it, as arguments for JAX."""
    address = next((os.environ[name] for name in _ADDRESSES if os.environ.get(name)), "")
    count, number = _number(_COUNT), _number(_NUMBER)
    if ":" not in address:
        raise UserError(
            f"{_ADDRESSES[0]}: must be HOST:PORT of the first process, got {address or 'nothing'}"
        )
    if number >= count:
        raise UserError(f"{_NUMBER}: must be below {_COUNT}, {count}, got {number}")
    return {
        "coordinator_address": address.partition(",")[0],
        "num_processes": count,
        "process_id": number,
        "cluster_detection_method": "deactivate",
    }


def _number(name: str) -> int:
    value = os.environ.get(name, "")
    if not value.isdecimal():
        raise UserError(f"{name}: must be a whole number, got {value or 'nothing'}")
    return int(value)
