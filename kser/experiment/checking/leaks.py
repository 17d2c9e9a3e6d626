"""Recordings that stand in two places at once: what is measured on them in one is no result."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import pandas as pd

from kser.audio.known_sounds import known_sounds
from kser.audio.sound_facts import SoundFacts
from kser.audio.sound_families import SoundFamilies
from kser.corpora.metadata import read_metadata
from kser.corpora.splits import PARTS
from kser.errors import UserError
from kser.experiment.checking.input_checks import Inputs
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.evaluating.test_sets import further_test_sets
from kser.experiment.runs.planning import Run
from kser.experiment.runs.run_data import RunData
from kser.grouping import grouped
from kser.pipeline.reading import Progress
from kser.words import listed

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


def leak_warnings(inputs: Inputs, runs: Sequence[Run], progress: Progress | None = None) -> list[str]:
    """Compare the recordings of all parts of all splits, and of all further test sets, by their sound.

    Files that cannot be decoded are passed over: they are told elsewhere.

    Args:
        inputs: of the runs.
        runs: of one experiment.
        progress: shows how far the reading of those audio files is that were not decoded before.

    Returns:
        A line for each kind of leak, with examples: first the same sound, whatever container, name or speaker
        it has, then what is nearly the same (resampled, trimmed, coded with loss, at another gain).
    """
    splits = _distinct_splits(inputs)
    tests = _test_sets(runs)
    tables = [*(data.table for data, _ in splits), *tests.values()]
    sounds = SoundFamilies.of(_decodable([path for table in tables for path in table["path"]], progress))
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


def _distinct_splits(inputs: Inputs) -> list[tuple[RunData, list[int]]]:
    """Each split with the seeds that have it, once for all models."""
    seeds = grouped((id(data), seed) for (_, seed), data in inputs.data.items())
    splits = {id(data): data for data in inputs.data.values()}
    return [(splits[key], found) for key, found in seeds.items()]


def _test_sets(runs: Sequence[Run]) -> dict[str, pd.DataFrame]:
    """The metadata of the further test sets that are here and right, by what messages call them."""
    model = runs[0].model
    tables = {}
    for test_set in further_test_sets(runs[0].experiment):
        try:
            table = read_metadata(test_set.test_csv, model.task.class_column or (), model.input_column)
        except UserError:  # the check of the test sets finds it
            continue
        tables[f"test set {test_set.name}"] = table
    return tables


def _decodable(paths: Sequence[str], progress: Progress | None) -> dict[str, SoundFacts]:
    distinct = list(dict.fromkeys(paths))
    facts = known_sounds.of_all(distinct)
    shown = progress(facts, len(distinct)) if progress else facts
    return {path: each for path, each in zip(distinct, shown, strict=True) if not isinstance(each, UserError)}


def _lines(words: str, shared: Mapping[Places, _Shared]) -> Iterator[str]:
    for (earlier, later), found in shared.items():
        if found.counts:
            yield words.format(later, earlier, found)


def _contradictions(splits: Sequence[tuple[RunData, list[int]]], sounds: SoundFamilies) -> Iterator[str]:
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
