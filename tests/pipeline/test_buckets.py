"""Bucket lengths: every utterance fits, and no other choice pads less."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kser.pipeline.buckets import bucket_of, choose_bucket_lengths

lengths_of_utterances = st.lists(st.integers(1, 120), min_size=1, max_size=12)


def padded_samples(lengths: list[int], bucket_lengths: list[int]) -> int:
    """Samples of all utterances when each is padded to its bucket."""
    return sum(min(bucket for bucket in bucket_lengths if bucket >= length) for length in lengths)


@settings(deadline=None)
@given(lengths=lengths_of_utterances, num_buckets=st.integers(1, 5), grid=st.sampled_from([1, 7, 20]))
def test_choice_is_valid_and_no_other_pads_less(lengths: list[int], num_buckets: int, grid: int) -> None:
    chosen = choose_bucket_lengths(lengths, num_buckets, grid)
    assert 1 <= len(chosen) <= num_buckets
    assert chosen == sorted(set(chosen))
    assert all(type(length) is int and length % grid == 0 for length in chosen)
    longest = -(-max(lengths) // grid) * grid
    assert chosen[-1] == longest

    possible = range(grid, longest, grid)
    occupied = sorted({-(-length // grid) * grid for length in lengths} & set(possible))
    best = min(
        padded_samples(lengths, [*shorter, longest])
        for size in range(min(num_buckets - 1, len(occupied)) + 1)
        for shorter in combinations(occupied, size)
    )
    assert padded_samples(lengths, chosen) == best


@given(lengths=lengths_of_utterances, num_buckets=st.integers(1, 5), grid=st.sampled_from([1, 7, 20]))
def test_bucket_of_an_utterance_is_the_shortest_that_holds_it(
    lengths: list[int], num_buckets: int, grid: int
) -> None:
    bucket_lengths = choose_bucket_lengths(lengths, num_buckets, grid)
    for length, bucket in zip(lengths, bucket_of(lengths, bucket_lengths), strict=True):
        assert bucket_lengths[bucket] == min(b for b in bucket_lengths if b >= length)


def test_order_of_the_utterances_plays_no_part() -> None:
    lengths = np.random.default_rng(0).integers(1, 10**6, 200)
    assert choose_bucket_lengths(lengths, 4, 1000) == choose_bucket_lengths(np.sort(lengths), 4, 1000)


def test_more_buckets_never_pad_more() -> None:
    lengths = np.random.default_rng(0).integers(16_000, 200_000, 300).tolist()
    totals = [padded_samples(lengths, choose_bucket_lengths(lengths, n, 4000)) for n in range(1, 9)]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] > totals[-1]


@pytest.mark.parametrize(
    ("num_buckets", "expected"), [(1, [64_000]), (2, [16_000, 64_000]), (9, [16_000, 64_000])]
)
def test_example_of_the_docstring(num_buckets: int, expected: list[int]) -> None:
    assert choose_bucket_lengths([9_000, 10_000, 60_000], num_buckets, grid=8_000) == expected
