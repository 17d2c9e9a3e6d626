"""The share of the training part that the trials of a search learn from.

Whole speakers where the split is by speakers, else utterances of each class. It follows from the seed and
from who recorded what, not from the order of the rows. Trials are judged by the whole validation part of the
run, which chooses the best weights of every run anyway; the test part has no say.
"""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd

from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.pipeline.utterances import Utterances, map_targets

# Keeps what is drawn here apart from what is drawn of the same seed elsewhere.
_STREAM = 0x5EA2C4


def searched_share(run: Run, data: RunData, training: Utterances) -> Utterances:
    """The utterances that trials learn from: `hp_amount_of_training_data` of the training part.

    No class, label or number that the training part knows is lost: where the share would lose one, it is
    larger.

    Args:
        run: says how much, and whether speakers may be shared between parts.
        data: with speaker, gender and targets of each utterance.
        training: the training part.
    """
    rows = data.rows("train").iloc[list(training.positions)]
    known = _what_is_known(data, rows)
    share = run.config.hp_amount_of_training_data
    rng = np.random.default_rng((_STREAM, run.seed))
    if run.model.speaker_independent_scenario and data.split_scheme != "random":
        chosen = rows["actor"].isin(_speakers(rows, known, share, rng)).to_numpy()
    else:
        classes = rows[data.class_column] if data.class_column else pd.Series("", index=rows.index)
        chosen = _utterances(rows["utterance"], classes, known, share, rng)
    return _only(training, np.flatnonzero(chosen))


def _what_is_known(data: RunData, rows: pd.DataFrame) -> list[set[int]]:
    """What can be learned from each utterance, see `Target.known`; things are numbered."""
    values = data.values.loc[rows.index]
    known = np.hstack(
        [target.known(its_values).to_numpy() for target, its_values in data.task.values_by_target(values)]
    )
    return [set(np.flatnonzero(row).tolist()) for row in known]


def _speakers(rows: pd.DataFrame, known: list[set[int]], share: float, rng: np.random.Generator) -> list[str]:
    """Whole speakers, genders in proportion, until they are enough and nothing is missing."""
    knows: dict[str, set[int]] = {}
    for speaker, things in zip(rows["actor"], known, strict=True):
        knows.setdefault(speaker, set()).update(things)
    gender = dict(zip(rows["actor"], rows["gender"], strict=True))
    left = [str(name) for name in rng.permutation(sorted(knows))]
    genders = Counter(gender.values())
    wanted, missing = math.ceil(share * len(left) - 1e-9), set[int]().union(*known)
    chosen: list[str] = []
    while len(chosen) < wanted or missing:
        genders_so_far = Counter(gender[name] for name in chosen)
        best = max(
            left,
            key=lambda name: (
                len(missing & knows[name]),
                genders[gender[name]] * (len(chosen) + 1) / len(knows) - genders_so_far[gender[name]],
            ),
        )
        left.remove(best)
        chosen.append(best)
        missing -= knows[best]
    return chosen


def _utterances(
    names: pd.Series, classes: pd.Series, known: list[set[int]], share: float, rng: np.random.Generator
) -> np.ndarray:
    """Utterances of each class, and one more for each label or number that none of them has."""
    places = np.argsort(names.to_numpy(str), kind="stable")
    drawn = places[rng.permutation(len(places))]
    of_class = classes.to_numpy(str)
    chosen = np.zeros(len(drawn), bool)
    for name in np.unique(of_class):
        members = drawn[of_class[drawn] == name]
        chosen[members[: math.ceil(share * len(members) - 1e-9)]] = True
    missing = set[int]().union(*known).difference(*(known[place] for place in np.flatnonzero(chosen)))
    for place in drawn:
        if missing & known[place]:
            chosen[place] = True
            missing -= known[place]
    return chosen


def _only(utterances: Utterances, places: np.ndarray) -> Utterances:
    """Some utterances of a part."""
    return replace(
        utterances,
        paths=[utterances.paths[place] for place in places],
        targets=map_targets(lambda values: values[places], utterances.targets),
        lengths=[utterances.lengths[place] for place in places],
        positions=[utterances.positions[place] for place in places],
    )
