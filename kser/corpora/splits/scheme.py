"""The one value that says how a corpus is to be split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pandas as pd

from kser.corpora.splits.at_random import random_split
from kser.corpora.splits.by_speaker import speaker_split
from kser.corpora.splits.dealing import CANDIDATES
from kser.corpora.splits.fixed import fixed_split
from kser.corpora.splits.folds import (
    k_fold_split,
    leave_one_out_folds,
    leave_one_out_split,
    published_split,
)
from kser.corpora.splits.parts import PARTS
from kser.corpora.splits.published import published_folds
from kser.errors import UserError
from kser.words import did_you_mean

SchemeName = Literal[
    "speaker", "random", "leave_one_speaker_out", "leave_one_session_out", "k_fold", "emobox", "fixed"
]

# Fields that only some schemes read: scheme → those that it needs and those that it may have.
_NEEDED: dict[str, tuple[str, ...]] = {"k_fold": ("folds",), "emobox": ("corpus",), "fixed": ("column",)}
_ALLOWED: dict[str, tuple[str, ...]] = {
    "speaker": ("min_per_class", "candidates"),
    "leave_one_session_out": ("column",),
    "k_fold": ("folds", "folds_seed"),
    "emobox": ("corpus",),
    "fixed": ("column", "parts", "allow_shared_speakers"),
}


@dataclass(frozen=True)
class SplitScheme:
    """How a corpus is split into training, validation and test part.

    Attributes:
        name: "speaker" deals whole speakers out by the seed; "random" deals out utterances;
            "leave_one_speaker_out", "leave_one_session_out", "k_fold" and "emobox" (published folds) test on
            fold `seed` modulo the number of folds; "fixed" takes the parts from a column.
        train_test_split: N; training gets N², validation N(1−N), test 1−N. Where the test part is given,
            validation gets 1−N of the rest.
        folds: for "k_fold": their number.
        column: for "fixed": the one with the parts; for "leave_one_session_out": with the sessions, unless
            that is called `session`.
        parts: for "fixed": part → values of the column; `None` knows train, validation and test by name.
        folds_seed: for "k_fold": draws the folds, which are the same for all seeds.
        allow_shared_speakers: for "fixed": whether a speaker may be in two parts.
        min_per_class: for "speaker": utterances of each class that validation and test part must have.
        candidates: for "speaker": how many random splits the best balanced one is taken of.
        corpus: for "emobox": the name of the corpus's recipe.

    Raises:
        UserError: a field is missing, out of range, or without meaning for the scheme.
    """

    name: SchemeName = "speaker"
    train_test_split: float = 0.8
    folds: int | None = None
    column: str | None = None
    parts: Mapping[str, Sequence[str]] | None = field(default=None, hash=False)
    folds_seed: int = 0
    allow_shared_speakers: bool = False
    min_per_class: int = 0
    candidates: int = CANDIDATES
    corpus: str | None = None

    def __post_init__(self) -> None:
        names = get_args(SchemeName)
        if self.name not in names:
            raise UserError(
                f"split: scheme {self.name!r} not found{did_you_mean(self.name, names)}; "
                f"there are {', '.join(names)}"
            )
        unset = {"folds": None, "column": None, "parts": None, "folds_seed": 0}
        unset |= {
            "allow_shared_speakers": False,
            "min_per_class": 0,
            "candidates": CANDIDATES,
            "corpus": None,
        }
        given = [name for name, value in unset.items() if getattr(self, name) != value]
        if missing := [name for name in _NEEDED.get(self.name, ()) if name not in given]:
            raise UserError(f"split: {self.name} needs {', '.join(missing)}")
        if useless := [name for name in given if name not in _ALLOWED.get(self.name, ())]:
            raise UserError(f"split: {', '.join(useless)}: has no effect with {self.name}; leave it out")
        self._check_values()

    def _check_values(self) -> None:
        if not 0 < self.train_test_split < 1:
            raise UserError(
                f"split: train_test_split must be between 0 and 1, such as 0.8, got {self.train_test_split}"
            )
        if self.folds is not None and self.folds < 2:
            raise UserError(f"split: folds must be at least 2, got {self.folds}")
        for name, smallest in (("folds_seed", 0), ("min_per_class", 0), ("candidates", 1)):
            if getattr(self, name) < smallest:
                raise UserError(f"split: {name} must be at least {smallest}, got {getattr(self, name)}")
        if self.corpus is not None:
            published_folds(self.corpus)
        if self.parts is not None:
            if unknown := [part for part in self.parts if part not in PARTS]:
                raise UserError(f"split: parts: {', '.join(unknown)}: the parts are {', '.join(PARTS)}")
            if absent := [part for part in ("train", "test") if not self.parts.get(part)]:
                raise UserError(f"split: parts: names no value for {' and '.join(absent)}")

    def apply(
        self,
        table: pd.DataFrame,
        seed: int,
        label_column: str | None = "class_id",
        source: str = "metadata",
    ) -> pd.Series:
        """Split a table.

        Args:
            table: metadata, one row per utterance.
            seed: draws the split and, of schemes with folds, chooses the fold; from 0 on.
            label_column: the column with the classes; `None` where there are none (regression).
            source: what to call the table in messages.

        Returns:
            "train", "validation", "test" or "" (left out, only "fixed" with `parts`) for each row, with the
            index of `table`.

        Raises:
            UserError: the table cannot be split so; says why.
        """
        share = self.train_test_split
        match self.name:
            case "speaker":
                return speaker_split(
                    table, share, seed, label_column, source, self.min_per_class, self.candidates
                )
            case "random":
                return random_split(table, share, seed, label_column, source)
            case "leave_one_speaker_out" | "leave_one_session_out":
                return leave_one_out_split(table, self._left_out_column, share, seed, label_column, source)
            case "k_fold":
                assert self.folds is not None
                return k_fold_split(table, self.folds, share, seed, label_column, source, self.folds_seed)
            case "emobox":
                assert self.corpus is not None
                return published_split(table, self.corpus, share, seed, label_column, source)
            case "fixed":
                assert self.column is not None
                shared = self.allow_shared_speakers
                return fixed_split(table, self.column, share, seed, label_column, source, self.parts, shared)

    def number_of_folds(self, table: pd.DataFrame, source: str = "metadata") -> int | None:
        """How many seeds in sequence test on every speaker once; `None` for schemes without folds.

        Raises:
            UserError: the column that the folds come from is missing or of no use.
        """
        if self.name in ("leave_one_speaker_out", "leave_one_session_out"):
            return len(leave_one_out_folds(table, self._left_out_column, source))
        if self.corpus is not None:
            return len(published_folds(self.corpus).tested)
        return self.folds if self.name == "k_fold" else None

    @property
    def _left_out_column(self) -> str:
        return "actor" if self.name == "leave_one_speaker_out" else self.column or "session"
