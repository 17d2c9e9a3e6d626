"""Processes that make batches, and their end: with the training that they feed, or with its process."""

import sys
from typing import Any

import grain

from kser.processes import end_with_parent

# Each worker process prepares so many batches ahead.
PREFETCHED_BATCHES_OF_A_WORKER = 2

# Batches come through pipes. Grain (0.2.18) loses segments of shared memory: a thread of its own closes what
# the garbage collector closes at the same time, and may even close a file opened in between. Containers
# have little of it, too.
OPTIONS = grain.experimental.DatasetOptions(min_shm_size=sys.maxsize)


class WorkerDataset(grain.IterDataset):
    """The elements of a data set, made by processes of their own.

    Args:
        dataset: a `grain.IterDataset`.
        workers: how many processes.
    """

    def __init__(self, dataset: Any, workers: int):
        options = grain.MultiprocessingOptions(
            num_workers=workers, per_worker_buffer_size=PREFETCHED_BATCHES_OF_A_WORKER
        )
        dataset = grain.experimental.WithOptionsIterDataset(dataset, OPTIONS)
        super().__init__(dataset.mp_prefetch(options, worker_init_fn=_end_with_parent))
        self._iterators: list[Any] = []

    def __iter__(self) -> Any:
        iterator = self._parent.__iter__()
        self._iterators.append(iterator)
        return iterator

    def close(self) -> None:
        """End the processes of all iterators; the garbage collector may come too late for it."""
        while self._iterators:
            self._iterators.pop().close()


def _end_with_parent(_worker: int, _workers: int) -> None:
    end_with_parent()
