"""Devices that share the batches of a run (data parallelism), on JAX.

Each device holds the whole model and computes its share of every batch. Sums over the batch, in the loss
too, go over all devices: what a step computes is the same as on one, but for rounding. Keras keeps the
distribution for the whole process; `on_devices` sets it and takes it back. Processes that train together
(`kser.training.process_group`) share a batch among the devices of all, and each is given its own part of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import keras

from kser.errors import UserError
from kser.training.process_group import has_entered, process_number, processes


def number_of_devices(asked: int | Literal["all"]) -> int:
    """How many devices a run uses; those of the fastest kind that the backend has count.

    They are those of this machine, or of all processes that train the run together. One of these that does
    something by itself takes its own.

    Args:
        asked: how many, or "all".

    Raises:
        UserError: there are fewer, or more than one is asked for on another backend than JAX; the line begins
            with the field.
    """
    if asked == 1:
        return 1
    check_shareable(asked)
    found = _devices()
    if asked == "all":
        return len(found)
    if has_entered():
        return _all_of_group(asked, len(found))
    if asked > len(found):
        raise UserError(
            f"devices: {asked} asked for, and JAX has {len(found)} here ({', '.join(found)}); "
            '"all" takes those that there are'
        )
    return asked


def _all_of_group(asked: int, found: int) -> int:
    if processes() == 1:
        return min(asked, found)
    if asked != found:
        raise UserError(
            f"devices: {asked} asked for, and the {processes()} processes have {found} together: give that "
            'number, or "all"'
        )
    return found


def check_shareable(asked: int | Literal["all"]) -> None:
    """See that the backend can share batches among devices, if that is asked for.

    Args:
        asked: how many, or "all".

    Raises:
        UserError: it cannot; the line begins with the field.
    """
    backend = keras.config.backend()
    if asked != 1 and backend != "jax":
        raise UserError(
            f"devices: {asked} requires JAX, which KERAS_BACKEND=jax chooses, and this is {backend}; "
            "devices: 1, or runs side by side on one device each (kser train --executor local --workers N)"
        )


def devices_at_most(asked: int | Literal["all"]) -> int:
    """As `number_of_devices`; where there are fewer, or the backend cannot share, those that there are."""
    if asked == 1 or keras.config.backend() != "jax":
        return 1
    found = len(_devices())
    return found if asked == "all" else min(asked, found)


def _devices() -> list[str]:
    """The devices that this process may use here and now, as Keras names them."""
    if processes() > 1 or not has_entered():
        return list(keras.distribution.list_devices())
    import jax

    return [f"{device.platform}:{device.id}" for device in jax.local_devices()]


@contextmanager
def on_devices(count: int) -> Iterator[None]:
    """Within this block, models are built on so many devices, and train and predict on all of them.

    Args:
        count: see `number_of_devices`; of 1 nothing is shared.
    """
    distribution = None
    if count > 1:
        devices = _devices()[:count]
        # What a process is given is its own part of the batch.
        distribution = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
    with _distribution(distribution):
        yield


@contextmanager
def undivided() -> Iterator[None]:
    """Within this block every device computes whole batches, all the same: for what is too small to divide.

    The weights of a model that was built `on_devices` stay the same on all of them.
    """
    with _distribution(None):
        yield


@contextmanager
def _distribution(distribution: keras.distribution.DataParallel | None) -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(distribution)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def devices_in_use() -> int:
    """How many devices share a batch, here and now."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else int(distribution.num_model_replicas)


def places_of(batch_size: int, devices: int | None = None) -> int:
    """Places of a batch: one for each utterance, and empty ones where they cannot be divided evenly.

    Args:
        batch_size: utterances in a full batch.
        devices: that share it; `None`: those in use.
    """
    count = devices_in_use() if devices is None else devices
    return -(-batch_size // count) * count


def own_places(places: int) -> range:
    """Those places of a batch that this process reads.

    Args:
        places: of all devices.
    """
    share = places // processes()
    return range(share * process_number(), share * (process_number() + 1))
