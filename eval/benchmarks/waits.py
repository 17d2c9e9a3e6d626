"""How long steps of training wait for their batches.

A step waits if the input pipeline takes longer than a millisecond to hand it its batch. The accelerator may
still be busy with the step before in that time, so the share of steps that find their batch ready is a lower
bound of the share in which the pipeline keeps it busy.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grain
import numpy as np

from kser.training import fit

READY_S = 1e-3


@contextmanager
def recorded_waits() -> Iterator[list[float]]:
    """Of all training inside the block: the seconds that each batch let its step wait."""
    waits: list[float] = []
    original = fit.training_dataset
    fit.training_dataset = lambda *given: Timed(original(*given), waits)
    try:
        yield waits
    finally:
        fit.training_dataset = original


def share_ready(waits: Sequence[float]) -> float:
    """The share of steps that found their batch ready."""
    return float(np.mean(np.array(waits) <= READY_S))


class Timed(grain.IterDataset):
    """A data set that writes down how long each element let its reader wait."""

    def __init__(self, dataset: Any, waits: list[float]):
        super().__init__(dataset)
        self.waits = waits

    def __iter__(self) -> "TimedIterator":
        return TimedIterator(self._parent.__iter__(), self.waits)


class TimedIterator(grain.DatasetIterator):
    """See `Timed`."""

    def __init__(self, iterator: grain.DatasetIterator, waits: list[float]):
        super().__init__(iterator)
        self.iterator = iterator
        self.waits = waits

    def __next__(self) -> Any:
        started = time.perf_counter()
        element = next(self.iterator)
        self.waits.append(time.perf_counter() - started)
        return element

    def get_state(self) -> Any:
        return self.iterator.get_state()

    def set_state(self, state: Any) -> None:
        self.iterator.set_state(state)
