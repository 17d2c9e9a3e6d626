"""Linear probes: how well a target can be read from vectors of utterances whose speakers the probe never met.

A probe's folds decide what it says. For emotion, gender, sentence or a number its groups are the speakers, or
it recognises voices that it was trained on. Where the speaker is the question, every speaker must be in
training and test both; then the groups are the sentences, or it recognises what was said.

    probe(vectors, ClassTarget.of(emotions), groups=speakers)
    probe(vectors, ClassTarget.of(speakers), groups=sentences)
    probe(vectors, NumberTarget.of(arousal), groups=speakers)
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from kser.analysis.folds import group_codes, grouped_folds
from kser.analysis.targets import MOST_ITERATIONS, Target
from kser.analysis.vectors import checked
from kser.evaluation.speaker_bootstrap import RESAMPLING, Resampling, speaker_intervals

Groups = ArrayLike | Sequence[object] | pd.Series


@dataclass(frozen=True)
class ProbeSettings:
    """How probes are trained; equal settings give equal results.

    Attributes:
        folds: of the test: each group is tested on once, by a probe that was trained on the others.
        inner_folds: of each training part, to choose the penalty; made of whole groups as well.
        penalties: of squared weights, to choose from: 1 / C of the logistic regression, alpha of ridge.
        seed: of the folds.
    """

    folds: int = 5
    inner_folds: int = 3
    penalties: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("folds", "inner_folds"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} must be at least 2, got {getattr(self, name)}")
        if not self.penalties or not min(self.penalties) > 0:
            raise ValueError(f"penalties must be above 0, got {self.penalties}")


PROBE = ProbeSettings()


@dataclass(frozen=True)
class Probe:
    """What a probe read.

    Attributes:
        measure: "uar" of classes, "r2" of numbers.
        score: the measure over the predictions of all test parts together.
        chance: of a probe that knows nothing.
        predicted: (utterances,) labels or (utterances, columns) numbers, each by a probe that did not know
            the utterance's group.
        penalties: the one chosen in each fold; if it is the first or last that there was, offer more.
        unfinished: in how many folds the solver ended before it had converged.
    """

    measure: str
    score: float
    chance: float
    predicted: np.ndarray
    penalties: tuple[float, ...]
    unfinished: int


def probe(
    vectors: ArrayLike, target: Target, groups: Groups | None, settings: ProbeSettings = PROBE
) -> Probe:
    """Train linear probes on standardised channels, and test them on groups that they do not know.

    Args:
        vectors: (utterances, channels).
        target: what is read, `kser.analysis.targets.ClassTarget` or `NumberTarget`.
        groups: one an utterance, never in training and test at once: see above. `None`: every utterance
            stands by itself, for a speaker probe of a corpus without named sentences.
        settings: of the folds and the choice of the penalty.

    Raises:
        ValueError: arrays do not fit together.
        UserError: values are not finite or missing; there are fewer than 3 groups, in all or of a class: one
            to test on, one to choose the penalty by, and one to learn from.
    """
    array = np.asarray(checked(vectors, "vectors"), dtype=np.float64)
    if len(target.truth) != len(array):
        raise ValueError(f"target has {len(target.truth)} values but there are {len(array)} utterances")
    codes = None if groups is None else group_codes(groups, len(array), "groups")
    outer = grouped_folds(target.strata, codes, settings.folds, settings.seed)
    target.check(outer)
    predicted = np.empty_like(target.truth)
    chosen, unfinished = [], 0
    for train, test in outer:
        part, inside = target.part(train), None if codes is None else codes[train]
        chosen.append(_best_penalty(array[train], part, inside, settings))
        model = _fitted(part, chosen[-1], array[train])
        predicted[test] = model.predict(array[test]).reshape(predicted[test].shape)
        unfinished += _is_unfinished(model)
    return Probe(
        target.measure,
        target.score(predicted),
        target.chance,
        predicted,
        tuple(chosen),
        unfinished,
    )


def score_interval(
    found: Probe, target: Target, speakers: Groups, resampling: Resampling = RESAMPLING
) -> tuple[float, float]:
    """Interval of a probe's score for other speakers, by the bootstrap of every report of kser.

    Args:
        found: the probe.
        target: what it read.
        speakers: one an utterance, also where the groups of the probe are others.
        resampling: how they are drawn.

    Returns:
        Low and high, see `kser.evaluation.speaker_bootstrap.speaker_intervals`; NaN with one speaker.
    """
    sums = target.by_speaker(found.predicted, group_codes(speakers, len(found.predicted), "speakers"))
    low, high = speaker_intervals(sums, resampling)[found.measure] or (np.nan, np.nan)
    return low, high


def control_scores(
    vectors: ArrayLike,
    target: Target,
    groups: Groups | None,
    units: Groups | None = None,
    *,
    draws: int = 3,
    settings: ProbeSettings = PROBE,
) -> np.ndarray:
    """Scores of the same probe on random targets; `Probe.score` less their mean is its selectivity.

    Hewitt & Liang ("Designing and interpreting probes with control tasks", 2019) give each word type a random
    label: what a probe learns of that it learns from the identity of the word. Where the groups are speakers,
    the units that come again in training and test are sentences: then the control is how well any function of
    the sentence can be read, and where emotions go with sentences, a score that is no higher may be read off
    the words. Where every sentence is said with every emotion, words tell nothing of it, and such a control,
    which is close to 1 for the layers of speech encoders, is no reference. Without units each utterance gets
    the label of another one at random: the control is the chance level of these folds. Speakers cannot be
    units, as no test part has one of the training's.

    Args:
        vectors: see `probe`.
        target: whose labels or values are dealt.
        groups: see `probe`.
        units: one an utterance; those of one unit get the same label, classes in equal numbers of units.
        draws: how many random targets.
        settings: see `probe`; its seed is also that of the targets.

    Returns:
        float64 (draws,).

    Raises:
        ValueError: see `probe`.
        UserError: see `probe`; or there are more classes than units.
    """
    codes = None if units is None else group_codes(units, len(target.truth), "units")
    rngs = np.random.default_rng(settings.seed).spawn(draws)
    return np.array([probe(vectors, target.control(codes, rng), groups, settings).score for rng in rngs])


def _best_penalty(
    vectors: np.ndarray, target: Target, codes: np.ndarray | None, settings: ProbeSettings
) -> float:
    """That of the highest score over inner folds; of equal ones the largest."""
    if len(settings.penalties) == 1:
        return settings.penalties[0]
    folds = grouped_folds(target.strata, codes, settings.inner_folds, settings.seed)
    target.check(folds)
    scores = {}
    for penalty in sorted(settings.penalties, reverse=True):
        predicted = np.empty_like(target.truth)
        for train, test in folds:
            model = _fitted(target.part(train), penalty, vectors[train])
            predicted[test] = model.predict(vectors[test]).reshape(predicted[test].shape)
        scores[penalty] = target.score(predicted)
    return max(scores, key=scores.__getitem__)


def _fitted(target: Target, penalty: float, vectors: np.ndarray) -> Pipeline:
    model = make_pipeline(StandardScaler(), target.estimator(penalty))
    with warnings.catch_warnings():
        # `Probe.unfinished` counts those that matter.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(vectors, target.truth)


def _is_unfinished(model: Pipeline) -> bool:
    iterations = getattr(model[-1], "n_iter_", None)
    return iterations is not None and int(np.max(iterations)) >= MOST_ITERATIONS
