"""The part of a report that is about speakers: intervals, groups of them, and whether the groups differ."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from kser.evaluation.measures import number_or_none
from kser.evaluation.outcomes import Outcome
from kser.evaluation.speaker_bootstrap import RESAMPLING, Resampling, speaker_intervals
from kser.evaluation.speaker_sums import SpeakerSums, speaker_codes
from kser.evaluation.speaker_tests import compare_groups
from kser.evaluation.statistics.comparisons import holm

MOST_GROUPS_COMPARED = 10
"""Columns with more values are reported group by group, but not compared in pairs."""

GroupArray = Sequence[object] | np.ndarray | pd.Series


def outcome_intervals(
    outcome: Outcome, speakers: GroupArray, resampling: Resampling = RESAMPLING
) -> dict[str, Any]:
    """Intervals of all measures by the bootstrap over speakers.

    A resample may lack a class; its UAR is then the mean of the recalls that remain.

    Args:
        outcome: of an evaluation.
        speakers: one speaker an utterance.
        resampling: how they are drawn.

    Returns:
        See `kser.evaluation.speaker_bootstrap.speaker_intervals`.
    """
    sums = outcome.by_speaker(*_speakers_of(outcome, speakers))
    return speaker_intervals(sums, resampling)


def outcome_changes(
    before: Outcome, after: Outcome, speakers: GroupArray, resampling: Resampling = RESAMPLING
) -> dict[str, Any]:
    """How much the measures change between two models on the same utterances, with intervals over speakers.

    Speakers are drawn for both models at once, so that what is hard for both does not widen the interval.

    Args:
        before: of one model.
        after: of another one, on the same utterances.
        speakers: one speaker an utterance.
        resampling: how they are drawn.

    Returns:
        `changes`: after − before by measure; `intervals` of these, see
        `kser.evaluation.speaker_bootstrap.speaker_intervals`.

    Raises:
        ValueError: the outcomes are not of the same utterances.
    """
    if not np.array_equal(before.counted, after.counted):
        raise ValueError("the outcomes are of different utterances")
    codes, n_speakers = _speakers_of(before, speakers)
    ours, theirs = (outcome.by_speaker(codes, n_speakers).sums for outcome in (before, after))
    width = ours.shape[1]

    def changes(sums: np.ndarray) -> dict[str, np.ndarray]:
        first, second = before.measures(sums[..., :width]), after.measures(sums[..., width:])
        return {name: second[name] - first[name] for name in first}

    both = SpeakerSums(np.concatenate([ours, theirs], axis=1), changes)
    return {"changes": both.estimates, "intervals": speaker_intervals(both, resampling)}


def compare_subgroups(
    outcome: Outcome,
    compared: str,
    speakers: GroupArray,
    groups: GroupArray,
    resampling: Resampling = RESAMPLING,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures of each group of utterances, and tests of their differences in one measure.

    Args:
        outcome: of an evaluation.
        compared: name of the measure that is tested.
        speakers: one speaker an utterance.
        groups: the group of each utterance, such as the speaker's gender; empty or missing values mean no
            group.
        resampling: of intervals and tests.

    Returns:
        Two dictionaries, ready for JSON. By group, in alphabetic order: `n`, `n_speakers`, all measures,
        `intervals` (see `speaker_intervals`) and, of classes and labels, `labels_without_samples`. And the
        tests: `measure`, `comparisons` of each two groups (see `compare_groups`, with `groups`, `p_holm`: p
        corrected for the number of comparisons (Holm 1979), and `labels`: those that both groups have, which
        are the only ones that are compared), `n_without_group`, and `note` where nothing is compared.
    """
    names = _group_names(groups, len(outcome.counted))[outcome.counted]
    codes, n_speakers = _speakers_of(outcome, speakers)

    def measured(chosen: np.ndarray) -> dict[str, Any]:
        sums = outcome.by_speaker(codes, n_speakers, chosen)
        entry: dict[str, Any] = {
            "n": int(chosen.sum()),
            "n_speakers": int(sums.present.sum()),
            **{name: number_or_none(value) for name, value in sums.estimates.items()},
            "intervals": speaker_intervals(sums, resampling),
        }
        if outcome.labels:
            entry["labels_without_samples"] = _listed(outcome.labels, ~outcome.labels_of(chosen))
        return entry

    def tested(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
        shared = outcome.labels_of(first) & outcome.labels_of(second)
        entry: dict[str, Any] = {"labels": _listed(outcome.labels, shared)} if outcome.labels else {}
        if outcome.labels and not shared.any():
            return entry | {"p": None, "warning": "no label occurs in both groups"}
        kept = outcome.entries_of(shared)
        one, other = (outcome.by_speaker(codes, n_speakers, chosen).only(kept) for chosen in (first, second))
        return entry | compare_groups(one, other, compared, resampling)

    present = [str(name) for name in np.unique(names) if name]
    tests: dict[str, Any] = {
        "measure": compared,
        "n_without_group": int((names == "").sum()),
        "comparisons": [],
    }
    if len(present) < 2:
        tests["note"] = "only one group: nothing to compare"
    elif len(present) > MOST_GROUPS_COMPARED:
        tests["note"] = f"{len(present)} groups: more than {MOST_GROUPS_COMPARED} are not compared"
    else:
        tests["comparisons"] = [
            {"groups": [first, second], **tested(names == first, names == second)}
            for first, second in combinations(present, 2)
        ]
        _correct(tests["comparisons"])
    return {name: measured(names == name) for name in present}, tests


def interval_entries(
    outcome: Outcome, speakers: GroupArray | None, resampling: Resampling = RESAMPLING
) -> dict[str, Any]:
    """The entry `intervals` of a report; nothing without speakers."""
    return {} if speakers is None else {"intervals": outcome_intervals(outcome, speakers, resampling)}


def subgroup_entries(
    outcome: Outcome,
    compared: str,
    speakers: GroupArray | None,
    groups: Mapping[str, GroupArray] | None,
    resampling: Resampling = RESAMPLING,
) -> dict[str, Any]:
    """The entries `subgroups` and `subgroup_tests` of a report, by column; nothing without groups.

    Raises:
        ValueError: `groups` come without `speakers`.
    """
    if groups is None:
        return {}
    if speakers is None:
        raise ValueError("groups need speakers: utterances of one speaker are not independent")
    found = {
        column: compare_subgroups(outcome, compared, speakers, values, resampling)
        for column, values in groups.items()
    }
    return {
        "subgroups": {column: measured for column, (measured, _) in found.items()},
        "subgroup_tests": {column: tests for column, (_, tests) in found.items()},
    }


def _correct(comparisons: Sequence[dict[str, Any]]) -> None:
    """Add Holm's correction over all comparisons that have a p-value."""
    tested = [entry for entry in comparisons if entry["p"] is not None]
    for entry, corrected in zip(tested, holm([entry["p"] for entry in tested]).tolist(), strict=True):
        entry["p_holm"] = corrected


def _speakers_of(outcome: Outcome, speakers: GroupArray) -> tuple[np.ndarray, int]:
    """The speaker of each utterance that counts, as an index, and how many indices there are."""
    codes = speaker_codes(speakers, len(outcome.counted))[outcome.counted]
    return codes, int(codes.max(initial=-1)) + 1


def _group_names(groups: GroupArray, n: int) -> np.ndarray:
    """Groups as text; empty for no group."""
    names = pd.Series(list(groups), dtype=object)
    if len(names) != n:
        raise ValueError(f"groups has {len(names)} values but there are {n} utterances")
    return names.where(names.notna(), "").astype(str).str.strip().to_numpy(dtype=str)


def _listed(labels: Sequence[Any], chosen: np.ndarray) -> list[Any]:
    return [label for label, is_chosen in zip(labels, chosen, strict=True) if is_chosen]
