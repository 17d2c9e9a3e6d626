"""Recordings that stand in two places at once: what is measured on them in one is no result."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import pandas as pd

from kser.audio.sound_families import SoundFamilies
from kser.corpora.splits import PARTS
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.runs.run_data import RunData
from kser.words import listed

Split = tuple[RunData, list[int]]
"""The data of runs, and their seeds."""

Places = tuple[str, str]
"""What two places are called; the recordings of the second one are looked for in the first."""


@dataclass
class _Shared:
    """Recordings of one place that another one has as well, over the seeds for which there are any."""

    counts: dict[int, int] = field(default_factory=dict)
    examples: dict[str, None] = field(default_factory=dict)

    def add(self, seeds: Iterable[int], examples: Sequence[str]) -> None:
        if examples:
            self.counts |= dict.fromkeys(seeds, len(examples))
            self.examples |= dict.fromkeys(examples)

    def __str__(self) -> str:
        fewest, most = min(self.counts.values()), max(self.counts.values())
        count = str(most) if fewest == most else f"{fewest}–{most}"
        return f"{count} (seed {in_ranges(self.counts)}): {listed(list(self.examples), '; ')}"


class _Place:
    """The recordings of a part or test set by their sound."""

    def __init__(self, table: pd.DataFrame, sounds: SoundFamilies):
        self.digests: dict[str, str] = {}
        self.families: dict[str, str] = {}
        self.rows = []
        for path, utterance in zip(table["path"], table["utterance"], strict=True):
            if digest := sounds.digest(path):
                family = sounds.family(path)
                self.rows.append((digest, family, utterance))
                self.digests.setdefault(digest, utterance)
                self.families.setdefault(family, utterance)

    def same_in(self, earlier: "_Place") -> list[str]:
        """Its recordings that are in another place too."""
        return [
            f"{utterance} = {earlier.digests[digest]}"
            for digest, _, utterance in self.rows
            if digest in earlier.digests
        ]

    def similar_in(self, earlier: "_Place") -> list[str]:
        """Those that are nearly the same as one of another place, and the same as none."""
        return [
            f"{utterance} ≈ {earlier.families[family]}"
            for digest, family, utterance in self.rows
            if family in earlier.families and digest not in earlier.digests
        ]


def leak_warnings(
    splits: Sequence[Split], tests: Mapping[str, pd.DataFrame], sounds: SoundFamilies
) -> list[str]:
    """Compare the recordings of all parts of all splits, and of all further test sets, by their sound.

    Args:
        splits: of the runs.
        tests: metadata of the test sets, by what messages call them.
        sounds: of all recordings.

    Returns:
        A line for each kind of leak, with examples: first the same sound, whatever container, name or speaker
        it has, then what is nearly the same (resampled, trimmed, coded with loss, at another gain).
    """
    same: dict[Places, _Shared] = {}
    similar: dict[Places, _Shared] = {}
    tested = {name: _Place(table, sounds) for name, table in tests.items()}
    for data, seeds in splits:
        parts = {f"{part} part": _Place(data.rows(part), sounds) for part in PARTS}
        for earlier, later in [*combinations(parts, 2), *product(list(parts)[:2], tested)]:
            place = parts.get(later) or tested[later]
            same.setdefault((earlier, later), _Shared()).add(seeds, place.same_in(parts[earlier]))
            similar.setdefault((earlier, later), _Shared()).add(seeds, place.similar_in(parts[earlier]))
    return [
        *_contradictions(splits, sounds),
        *_lines("LEAK: recordings of the {} are in the {} as well: {}; keep each in one place", same),
        *_lines("maybe a LEAK: recordings of the {} nearly sound as some of the {}: {}", similar),
    ]


def _lines(words: str, shared: Mapping[Places, _Shared]) -> Iterator[str]:
    for (earlier, later), found in shared.items():
        if found.counts:
            yield words.format(later, earlier, found)


def _contradictions(splits: Sequence[Split], sounds: SoundFamilies) -> Iterator[str]:
    """Recordings of the corpus that are there twice, and not of one speaker or class."""
    columns = dict.fromkeys(column for data, _ in splits for column in ("actor", data.class_column) if column)
    table = (
        pd.concat([data.table for data, _ in splits]).drop_duplicates("path") if splits else pd.DataFrame()
    )
    if table.empty:
        return
    digests = table["path"].map(sounds.digest)
    twice = table[digests.ne("") & digests.duplicated(keep=False)]
    for column in columns:
        groups = twice.groupby(digests[twice.index], sort=False)
        differing = [group for _, group in groups if group[column].nunique() > 1]
        if differing:
            found = [
                " = ".join(
                    f"{name} ({value})" for name, value in zip(group["utterance"], group[column], strict=True)
                )
                for group in differing
            ]
            yield (
                f"the same recording with more than one {column}: {len(found)}: {listed(found, '; ')}; keep "
                "one row for each recording"
            )
