"""Do two groups of utterances differ? Tests whose unit is the speaker, never the utterance."""

from itertools import combinations, product
from math import comb
from typing import Any

import numpy as np

from kser.evaluation.speaker_bootstrap import (
    FEW_SPEAKERS,
    RESAMPLING,
    Resampling,
    bootstrap,
    few_speakers_warning,
)
from kser.evaluation.speaker_sums import SpeakerSums

# Differences that are equal except for rounding count as equal.
_TOLERANCE = 1e-12


def compare_groups(
    first: SpeakerSums,
    second: SpeakerSums,
    measure: str,
    resampling: Resampling = RESAMPLING,
) -> dict[str, Any]:
    """Difference of a measure between two groups of utterances, with an interval and a p-value.

    When no speaker is in both groups (gender), the group is permuted among the speakers, each of whom keeps
    all utterances. When speakers are in both (style, microphone), the two groups are swapped within speakers,
    and only speakers with both count. All permutations are enumerated if there are at most so many of
    them; otherwise as many are drawn, and p is (1 + as extreme) / (1 + drawn) (Phipson &
    Smyth, "Permutation p-values should never be zero", 2010). Two-sided. The interval resamples speakers.

    Args:
        first: sums by speaker of the first group, one row a speaker, zeros where a speaker is not in it.
        second: the same speakers in the second group.
        measure: name of the measure.
        resampling: of the test and the interval.

    Returns:
        `difference` (first − second), `interval` (`None` when a group has one speaker), `p`, `smallest_p`
        (the smallest that so many speakers can give), `permutations`, `exact` (all are enumerated), `method`,
        `n_speakers` (of each group) and, where needed, `warning`. Where a group's measure is not defined:
        `difference` and `p`, both `None`, and `warning`.
    """
    either = first.present | second.present
    first, second = first.choice(either), second.choice(either)
    in_first, in_second = first.present, second.present
    both = in_first & in_second
    observed = first.estimates[measure] - second.estimates[measure]
    if np.isnan(observed):
        return {"difference": None, "p": None, "warning": f"{measure} is not defined in both groups"}
    permutations, rng = resampling.permutations, np.random.default_rng(resampling.seed)
    if both.any():
        moved, exact = _swaps(first.sums, second.sums, both, permutations, rng)
    else:
        moved, exact = _relabellings(first.sums + second.sums, in_first, permutations, rng)
    total = (first.sums + second.sums).sum(axis=0)
    permuted = first.measures(moved)[measure] - first.measures(total - moved)[measure]
    # An undefined difference counts against the effect.
    extreme = int((~(np.abs(permuted) < abs(observed) - _TOLERANCE)).sum())
    outcome = {
        "difference": observed,
        "interval": _interval(first, second, measure, resampling),
        "level": resampling.level,
        "p": extreme / len(permuted) if exact else (1 + extreme) / (1 + len(permuted)),
        "smallest_p": _smallest_p(permuted, exact),
        "permutations": len(permuted),
        "exact": exact,
        "method": "groups swapped within speakers" if both.any() else "groups permuted among speakers",
        "n_speakers": [int(in_first.sum()), int(in_second.sum())],
    }
    if warning := _warning(in_first, in_second):
        outcome["warning"] = warning
    return outcome


def _relabellings(
    sums: np.ndarray, in_first: np.ndarray, permutations: int, rng: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """Sums of the first group (permutations, entries) when the group is permuted among the speakers."""
    n, size = len(sums), int(in_first.sum())
    exact = comb(n, size) <= permutations
    if exact:
        chosen = np.array(list(combinations(range(n), size)))
    else:
        chosen = rng.random((permutations, n)).argsort(axis=1)[:, :size]
    weights = np.zeros((len(chosen), n))
    np.put_along_axis(weights, chosen, 1.0, axis=1)
    return weights @ sums, exact


def _swaps(
    first: np.ndarray, second: np.ndarray, both: np.ndarray, permutations: int, rng: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """Sums of the first group (permutations, entries) when the groups are swapped within speakers."""
    n = int(both.sum())
    exact = n < 63 and 2**n <= permutations
    if exact:
        swapped = np.array(list(product((0.0, 1.0), repeat=n)))
    else:
        swapped = rng.integers(0, 2, size=(permutations, n)).astype(float)
    return first.sum(axis=0) + swapped @ (second - first)[both], exact


def _smallest_p(permuted: np.ndarray, exact: bool) -> float:
    if not exact:
        return 1 / (1 + len(permuted))
    magnitudes = np.abs(permuted)
    return float((~(magnitudes < np.nanmax(magnitudes) - _TOLERANCE)).mean())


def _interval(
    first: SpeakerSums, second: SpeakerSums, measure: str, resampling: Resampling
) -> list[float] | None:
    """Speakers of both groups are drawn with both their parts, others each in their group."""
    in_first, in_second = first.present, second.present
    entries = first.sums.shape[1]
    if (in_first & in_second).any():
        pairs = SpeakerSums(np.concatenate([first.sums, second.sums], axis=1), first.measures)
        samples = [pairs]
    else:
        samples = [first.choice(in_first), second.choice(in_second)]

    def difference(*sums: np.ndarray) -> dict[str, np.ndarray]:
        one, other = (sums[0][..., :entries], sums[0][..., entries:]) if len(sums) == 1 else sums
        return {measure: first.measures(one)[measure] - first.measures(other)[measure]}

    if min(sample.n_speakers for sample in samples) < 2:
        return None
    bounds = bootstrap(samples, difference, resampling)[0]
    return None if np.isnan(bounds).any() else bounds.tolist()


def _warning(in_first: np.ndarray, in_second: np.ndarray) -> str | None:
    both, either = int((in_first & in_second).sum()), int((in_first | in_second).sum())
    if 0 < both < either / 2:
        return (
            f"{both} of {either} speakers are in both groups: only they count in the test; "
            "is the column right for them?"
        )
    fewest = min(int(in_first.sum()), int(in_second.sum()))
    return few_speakers_warning(fewest) if fewest < FEW_SPEAKERS else None
