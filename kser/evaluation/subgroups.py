"""Measures for each group of utterances (gender, or any column), and whether the groups differ."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from kser.evaluation.confusion_measures import counts_by_speaker
from kser.evaluation.labels import Label, LabelArray, encode
from kser.evaluation.multi_label_measures import COUNTS_OF_LABEL, labels_by_speaker
from kser.evaluation.regression_measures import centre_of, moments_by_speaker
from kser.evaluation.speaker_bootstrap import LEVEL, RESAMPLES, speaker_intervals
from kser.evaluation.speaker_sums import SpeakerSums, speaker_codes
from kser.evaluation.speaker_tests import PERMUTATIONS, compare_groups
from kser.evaluation.statistics.comparisons import holm

MOST_GROUPS_COMPARED = 10
"""Columns with more values are reported group by group, but not compared in pairs."""

GroupArray = Sequence[object] | np.ndarray | pd.Series


def classification_subgroups(
    *,
    y_true: LabelArray,
    y_pred: LabelArray,
    labels: Sequence[Label],
    speakers: GroupArray,
    groups: GroupArray,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures of each group, and tests of their differences in UAR.

    Args:
        y_true: one label an utterance.
        y_pred: one label an utterance.
        labels: all labels of the model.
        speakers: one speaker an utterance.
        groups: the group of each utterance, such as the speaker's gender; where it is empty or missing, the
            utterance is in no group.
        resamples: of the bootstrap.
        permutations: at most so many in a test.
        level: of the intervals.
        seed: of all draws.

    Returns:
        Two dictionaries, ready for JSON. By group, in alphabetic order: `n`, `n_speakers`, `uar`, `wa`,
        `macro_f1`, `weighted_f1`, `mcc`, `labels_without_samples` and `intervals` (see `speaker_intervals`).
        And the tests: `measure` ("uar"), `comparisons` of each two groups (see `compare_groups`, with
        `groups`, `p_holm`: p corrected for the number of comparisons (Holm 1979), and `labels`: those that
        both groups have, the only ones whose recalls are compared), `n_without_group`, and `note` where
        nothing is compared.
    """
    codes = encode(y_true, y_pred, labels)
    n_classes, keep = len(codes.labels), codes.judgeable
    names = _group_names(groups, len(keep))[keep]
    speaker = speaker_codes(speakers, len(keep))[keep]
    n_speakers = int(speaker.max(initial=-1)) + 1
    true, pred = codes.true[keep], codes.pred[keep]

    def sums(chosen: np.ndarray) -> SpeakerSums:
        return counts_by_speaker(true[chosen], pred[chosen], speaker[chosen], n_speakers, n_classes)

    def compare(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
        shared = np.intersect1d(true[first], true[second])
        listed = {"labels": [codes.labels[i] for i in shared]}
        if not shared.size:
            return listed | {"p": None, "warning": "no label occurs in both groups"}
        one, other = (_on_classes(sums(chosen), shared, n_classes) for chosen in (first, second))
        return listed | compare_groups(
            one, other, "uar", permutations=permutations, resamples=resamples, level=level, seed=seed
        )

    report = {
        name: _of_group(sums(names == name), int((names == name).sum()), resamples, level, seed)
        for name in _present(names)
    }
    for name, entry in report.items():
        support = np.bincount(true[names == name], minlength=n_classes)
        entry["labels_without_samples"] = [codes.labels[i] for i in np.flatnonzero(support == 0)]
    return report, {"measure": "uar"} | _comparisons(names, compare)


def regression_subgroups(
    *,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    targets: Sequence[str],
    speakers: GroupArray,
    groups: GroupArray,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures of each group, and tests of their differences in mean CCC.

    Args:
        y_true: float (utterances, targets); NaN for no value.
        y_pred: float (utterances, targets).
        targets: their names.
        speakers: one speaker an utterance.
        groups: as in `classification_subgroups`.
        resamples: of the bootstrap.
        permutations: at most so many in a test.
        level: of the intervals.
        seed: of all draws.

    Returns:
        As `classification_subgroups`, with the measures of `regression_report`; compared is `ccc`.
    """
    names, speaker = _group_names(groups, len(y_true)), speaker_codes(speakers, len(y_true))
    n_speakers, centre = int(speaker.max(initial=-1)) + 1, centre_of(y_true)

    def sums(chosen: np.ndarray) -> SpeakerSums:
        return moments_by_speaker(
            y_true[chosen], y_pred[chosen], speaker[chosen], n_speakers, targets, centre
        )

    def compare(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
        return compare_groups(
            sums(first),
            sums(second),
            "ccc",
            permutations=permutations,
            resamples=resamples,
            level=level,
            seed=seed,
        )

    report = {
        name: _of_group(sums(names == name), int((names == name).sum()), resamples, level, seed)
        for name in _present(names)
    }
    return report, {"measure": "ccc"} | _comparisons(names, compare)


def multi_label_subgroups(
    *,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    labels: Sequence[str],
    speakers: GroupArray,
    groups: GroupArray,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures of each group, and tests of their differences in macro-F1.

    Args:
        y_true: bool (utterances, labels).
        y_pred: bool (utterances, labels).
        labels: their names.
        speakers: one speaker an utterance.
        groups: as in `classification_subgroups`.
        resamples: of the bootstrap.
        permutations: at most so many in a test.
        level: of the intervals.
        seed: of all draws.

    Returns:
        As `classification_subgroups`, with the measures of `multi_label_intervals`; compared is `macro_f1`,
        of the labels that occur in both groups.
    """
    names, speaker = _group_names(groups, len(y_true)), speaker_codes(speakers, len(y_true))
    n_speakers = int(speaker.max(initial=-1)) + 1

    def sums(chosen: np.ndarray) -> SpeakerSums:
        return labels_by_speaker(y_true[chosen], y_pred[chosen], speaker[chosen], n_speakers, labels)

    def compare(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
        shared = y_true[first].any(axis=0) & y_true[second].any(axis=0)
        listed = {"labels": [label for label, there in zip(labels, shared, strict=True) if there]}
        if not shared.any():
            return listed | {"p": None, "warning": "no label occurs in both groups"}
        kept = np.concatenate([np.repeat(shared, COUNTS_OF_LABEL), [True, True]])
        one, other = (replace(of, sums=of.sums * kept) for of in (sums(first), sums(second)))
        return listed | compare_groups(
            one, other, "macro_f1", permutations=permutations, resamples=resamples, level=level, seed=seed
        )

    report = {
        name: _of_group(sums(names == name), int((names == name).sum()), resamples, level, seed)
        for name in _present(names)
    }
    for name, entry in report.items():
        occurs = y_true[names == name].any(axis=0)
        entry["labels_without_samples"] = [
            label for label, there in zip(labels, occurs, strict=True) if not there
        ]
    return report, {"measure": "macro_f1"} | _comparisons(names, compare)


def _of_group(sums: SpeakerSums, n: int, resamples: int, level: float, seed: int) -> dict[str, Any]:
    measures = {name: None if np.isnan(value) else value for name, value in sums.estimates.items()}
    return {
        "n": n,
        "n_speakers": int(sums.present.sum()),
        **measures,
        "intervals": speaker_intervals(sums, resamples=resamples, level=level, seed=seed),
    }


def _on_classes(sums: SpeakerSums, classes: np.ndarray, n_classes: int) -> SpeakerSums:
    """Utterances of these true classes alone."""
    by_class = sums.sums.reshape(-1, n_classes, n_classes) * np.isin(np.arange(n_classes), classes)[:, None]
    return replace(sums, sums=by_class.reshape(sums.sums.shape))


def _comparisons(
    names: np.ndarray, compare: Callable[[np.ndarray, np.ndarray], dict[str, Any]]
) -> dict[str, Any]:
    """Compare each two groups; p-values are corrected together."""
    present = _present(names)
    tests: dict[str, Any] = {"n_without_group": int((names == "").sum()), "comparisons": []}
    if len(present) < 2:
        return tests | {"note": "one group alone: nothing to compare"}
    if len(present) > MOST_GROUPS_COMPARED:
        return tests | {"note": f"{len(present)} groups: more than {MOST_GROUPS_COMPARED} are not compared"}
    for first, second in combinations(present, 2):
        outcome = compare(names == first, names == second)
        tests["comparisons"].append({"groups": [first, second], **outcome})
    tested = [entry for entry in tests["comparisons"] if entry["p"] is not None]
    for entry, corrected in zip(tested, holm([entry["p"] for entry in tested]).tolist(), strict=True):
        entry["p_holm"] = corrected
    return tests


def _group_names(groups: GroupArray, n: int) -> np.ndarray:
    """Groups as text; "" where there is none."""
    names = pd.Series(list(groups), dtype=object)
    if len(names) != n:
        raise ValueError(f"groups has {len(names)} values but there are {n} utterances")
    return names.where(names.notna(), "").astype(str).str.strip().to_numpy(dtype=str)


def _present(names: np.ndarray) -> list[str]:
    return [str(name) for name in np.unique(names) if name]
