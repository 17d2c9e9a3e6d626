"""Folds that others published, so that results can be compared with theirs.

Those of EmoBox (Z. Ma, M. Chen, H. Zhang, Z. Zheng, W. Chen, X. Li, J. Ye, X. Chen and T. Hain: EmoBox:
Multilingual multi-corpus speech emotion recognition toolkit and benchmark. Interspeech 2024), as they stand
in https://github.com/emo-box/EmoBox, data/CORPUS/fold_N, written as the rule about speakers or sessions that
they are. Its folds of EmoDB, CREMA-D and Emozionalmente are lists of utterances, which have the same speakers
on both sides; they are not here.
"""

from dataclasses import dataclass

import pandas as pd

from kser.corpora.splits.columns import values_of
from kser.errors import UserError
from kser.words import did_you_mean, listed

SHARED_SPEAKERS = ("crema_d", "emodb", "emozionalmente")
"""Corpora whose folds in EmoBox share speakers."""


@dataclass(frozen=True)
class PublishedFolds:
    """Folds of a corpus, said by a column of its metadata.

    Attributes:
        column: of the metadata, as the recipe of the corpus writes it.
        tested: the values of the column that make the test part of each fold; the others are for training.
    """

    column: str
    tested: tuple[tuple[str, ...], ...]


EMOBOX = {
    # One speaker a fold, in EmoBox's order.
    "emovo": PublishedFolds("actor", tuple((speaker,) for speaker in ("f2", "m3", "m2", "f3", "f1", "m1"))),
    # Leave one session out; EmoBox takes anger, happiness with excitement, neutral and sadness.
    "iemocap": PublishedFolds("session", tuple((session,) for session in "12345")),
    "ravdess_speech": PublishedFolds(
        "actor",
        (
            ("01", "11", "20", "21"),
            ("04", "10", "12", "14"),
            ("08", "09", "19", "23"),
            ("03", "05", "07", "24"),
            ("02", "15", "16", "18"),
            ("06", "13", "17", "22"),
        ),
    ),
}


def published_folds(corpus: str) -> PublishedFolds:
    """The folds of EmoBox for a corpus.

    Args:
        corpus: the name of its recipe.

    Raises:
        UserError: EmoBox has none, or they share speakers.

    Examples:
        >>> published_folds("emovo").tested[0]
        ('f2',)
    """
    if corpus in SHARED_SPEAKERS:
        raise UserError(
            f"split: corpus: EmoBox's folds of {corpus} have the same speakers in training and test, and "
            "are lists of utterances, not a rule: write their parts into a column, and use the scheme fixed "
            "with speaker_independent_scenario set to false"
        )
    if corpus not in EMOBOX:
        raise UserError(
            f"split: corpus: no folds of EmoBox for {corpus!r}{did_you_mean(corpus, EMOBOX)}; there are "
            f"those of {', '.join(EMOBOX)}"
        )
    return EMOBOX[corpus]


def published_fold_numbers(table: pd.DataFrame, corpus: str, source: str) -> pd.Series:
    """The fold, from 0 on, that tests on each row.

    Raises:
        UserError: the column of the folds is missing, or has not the values of the corpus.
    """
    folds = published_folds(corpus)
    values = values_of(table, folds.column, source)
    number_of = {value: number for number, tested in enumerate(folds.tested) for value in tested}
    beside = f"EmoBox's folds of {corpus} are made of {listed(sorted(number_of))}"
    if unknown := sorted(set(values) - set(number_of)):
        raise UserError(f"{source}: column {folds.column!r} has {listed(unknown)}; {beside}")
    if absent := sorted(set(number_of) - set(values)):
        raise UserError(f"{source}: column {folds.column!r} lacks {listed(absent)}; {beside}")
    return values.map(number_of)
