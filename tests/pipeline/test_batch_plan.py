"""The order of batches follows from seed and step alone, and leaves nobody out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.pipeline.batch_plan import PlannedBatch, ShuffledBatches, padding_share, plan_in_order
from kser.pipeline.buckets import choose_bucket_lengths

corpora = st.lists(st.integers(1, 100), min_size=1, max_size=40)
batch_sizes = st.integers(1, 9)
seeds = st.integers(0, 2**63)


def epoch(batches: ShuffledBatches, number: int) -> list[PlannedBatch]:
    first = number * batches.batches_per_epoch
    return [batches[step] for step in range(first, first + batches.batches_per_epoch)]


def assert_complete(
    plan: list[PlannedBatch], lengths: list[int], bucket_lengths: list[int], batch_size: int
) -> None:
    """Every utterance once, fitting its batch; no batch empty or too large, and at most one not full."""
    assert sorted(i for batch in plan for i in batch.indices) == list(range(len(lengths)))
    sizes = [len(batch.indices) for batch in plan]
    assert min(sizes) >= 1
    assert max(sizes) <= batch_size
    assert sum(size < batch_size for size in sizes) <= 1
    for batch in plan:
        assert batch.samples in bucket_lengths
        assert max(lengths[i] for i in batch.indices) <= batch.samples


@settings(deadline=None)
@given(lengths=corpora, batch_size=batch_sizes, num_buckets=st.integers(1, 4), seed=seeds)
def test_every_epoch_has_every_utterance_once(
    lengths: list[int], batch_size: int, num_buckets: int, seed: int
) -> None:
    bucket_lengths = choose_bucket_lengths(lengths, num_buckets, grid=5)
    batches = ShuffledBatches(lengths, bucket_lengths, batch_size, seed)
    for number in (0, 1, 7):
        assert_complete(epoch(batches, number), lengths, bucket_lengths, batch_size)


@settings(deadline=None)
@given(lengths=corpora, batch_size=batch_sizes, num_buckets=st.integers(1, 4))
def test_plan_in_order_has_every_utterance_once(
    lengths: list[int], batch_size: int, num_buckets: int
) -> None:
    bucket_lengths = choose_bucket_lengths(lengths, num_buckets, grid=5)
    plan = plan_in_order(lengths, bucket_lengths, batch_size)
    assert_complete(plan, lengths, bucket_lengths, batch_size)
    in_plan = [lengths[i] for batch in plan for i in batch.indices]
    assert in_plan == sorted(lengths)
    for batch in plan:  # padded no further than to the shortest bucket that holds it
        longest = max(lengths[i] for i in batch.indices)
        assert batch.samples == min(bucket for bucket in bucket_lengths if bucket >= longest)


@settings(deadline=None)
@given(lengths=corpora, batch_size=batch_sizes, seed=seeds, steps=st.lists(st.integers(0, 200), max_size=8))
def test_step_gives_its_batch_in_whatever_order_steps_are_asked(
    lengths: list[int], batch_size: int, seed: int, steps: list[int]
) -> None:
    def fresh() -> ShuffledBatches:
        return ShuffledBatches(lengths, [50, 100], batch_size, seed)

    batches = fresh()
    for step in steps:
        assert batches[step] == fresh()[step]


LENGTHS = np.random.default_rng(0).integers(1, 100, 64).tolist()


@pytest.fixture
def batches() -> ShuffledBatches:
    return ShuffledBatches(LENGTHS, [25, 50, 100], batch_size=4, seed=0)


def test_epochs_differ(batches: ShuffledBatches) -> None:
    assert epoch(batches, 0) != epoch(batches, 1)
    # not only in the order of the batches
    assert {b.indices for b in epoch(batches, 0)} != {b.indices for b in epoch(batches, 1)}


def test_seeds_differ(batches: ShuffledBatches) -> None:
    assert epoch(batches, 0) != epoch(ShuffledBatches(LENGTHS, [25, 50, 100], 4, seed=1), 0)


def test_batches_of_one_length_do_not_stand_together(batches: ShuffledBatches) -> None:
    samples = [batch.samples for batch in epoch(batches, 0)]
    assert samples not in (sorted(samples), sorted(samples, reverse=True))


def test_batch_holds_utterances_of_its_bucket_but_for_the_left_over(batches: ShuffledBatches) -> None:
    for bucket, shorter in ((50, 25), (100, 50)):
        strays = sum(
            LENGTHS[i] <= shorter for b in epoch(batches, 0) if b.samples == bucket for i in b.indices
        )
        assert strays < 4


def test_padding_share_counts_padding_and_empty_places() -> None:
    plan = [PlannedBatch((0, 1), 10), PlannedBatch((2,), 20)]
    assert padding_share(plan, [10, 5, 20], batch_size=2) == pytest.approx(1 - 35 / 60)
