"""Which utterances make which batch: pure functions of the seed and the step.

Because a step's batch depends only on its number, a run continues at any step exactly as if it had never
stopped, and the order does not depend on the number of threads that load the audio.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kser.pipeline.buckets import bucket_of


@dataclass(frozen=True)
class PlannedBatch:
    """Utterances of one batch and the length they are padded to.

    Attributes:
        indices: positions of the utterances, at most the batch size.
        samples: length of the padded batch.
        epoch: which pass over the utterances it belongs to, from 0.
    """

    indices: tuple[int, ...]
    samples: int
    epoch: int = 0


class ShuffledBatches:
    """Batches of training: every epoch has every utterance once, in an order of its own.

    In an epoch, utterances are shuffled and batched within their length bucket; what is left over in a
    bucket joins the next longer one, so that at most one batch of an epoch is not full. Then the batches
    are shuffled.

    Args:
        lengths: samples of each utterance.
        bucket_lengths: ascending lengths to pad to, see `choose_bucket_lengths`.
        batch_size: utterances in a batch.
        seed: of the run.
    """

    def __init__(self, lengths: Sequence[int], bucket_lengths: Sequence[int], batch_size: int, seed: int):
        self.bucket_lengths = list(bucket_lengths)
        self.batch_size = batch_size
        self.seed = seed
        self._buckets = bucket_of(lengths, bucket_lengths)
        self._planned: dict[int, list[PlannedBatch]] = {}

    @property
    def batches_per_epoch(self) -> int:
        """Batches in which every utterance comes once; the same in every epoch."""
        return -(-len(self._buckets) // self.batch_size)

    def __getitem__(self, step: int) -> PlannedBatch:
        """The batch of a step, counted from 0 through all epochs."""
        epoch, position = divmod(step, self.batches_per_epoch)
        batches = self._planned.get(epoch)
        if batches is None:
            batches = self._plan_epoch(epoch)
            # Readers are about one epoch at a time, at its turn about two.
            self._planned = {e: plan for e, plan in self._planned.items() if e == epoch - 1} | {
                epoch: batches
            }
        return batches[position]

    def _plan_epoch(self, epoch: int) -> list[PlannedBatch]:
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self._buckets))
        batches, waiting = [], []
        for bucket, samples in enumerate(self.bucket_lengths):
            waiting.extend(order[self._buckets[order] == bucket].tolist())
            while len(waiting) >= self.batch_size:
                batches.append(PlannedBatch(tuple(waiting[: self.batch_size]), samples, epoch))
                del waiting[: self.batch_size]
        if waiting:
            batches.append(PlannedBatch(tuple(waiting), self.bucket_lengths[-1], epoch))
        return [batches[i] for i in rng.permutation(len(batches))]


def plan_in_order(
    lengths: Sequence[int], bucket_lengths: Sequence[int], batch_size: int
) -> list[PlannedBatch]:
    """Batches of evaluation: every utterance once, shortest first, so that little is padded.

    Args and lengths as for `ShuffledBatches`; `indices` lead back to the order of `lengths`.
    """
    order = np.argsort(np.asarray(lengths), kind="stable")
    buckets = bucket_of(lengths, bucket_lengths)
    batches = []
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        batches.append(PlannedBatch(tuple(indices.tolist()), bucket_lengths[int(buckets[indices].max())]))
    return batches


class PartsOfBatches:
    """The part of each batch that is in some of its places, for one of several processes that share it.

    Args:
        batches: planned.
        places: which; those beyond the utterances of a batch are empty.
    """

    def __init__(self, batches: Sequence[PlannedBatch] | ShuffledBatches, places: range):
        self._batches = batches
        self._places = places

    def __getitem__(self, step: int) -> PlannedBatch:
        batch = self._batches[step]
        return replace(batch, indices=batch.indices[self._places.start : self._places.stop])


def padding_share(batches: Sequence[PlannedBatch], lengths: Sequence[int], batch_size: int) -> float:
    """Share of all samples in the batches that are padding, empty places included, 0–1."""
    total = sum(batch.samples * batch_size for batch in batches)
    return 1.0 - sum(lengths[i] for batch in batches for i in batch.indices) / total
