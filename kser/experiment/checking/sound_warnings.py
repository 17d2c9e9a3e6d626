"""What decoding the recordings of an experiment shows before training: leaks, and faults of files."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from kser.audio.known_sounds import known_sounds
from kser.audio.sound_facts import SoundFacts
from kser.audio.sound_families import SoundFamilies
from kser.errors import UserError
from kser.experiment.checking.input_checks import Inputs
from kser.experiment.checking.leaks import Split, leak_warnings
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.evaluating.test_sets import TestSet, further_test_sets, read_test_set
from kser.experiment.runs.planning import Run
from kser.grouping import grouped
from kser.pipeline.reading import Progress

_FILES_OF_A_FAULT = 10


def sound_warnings(inputs: Inputs, runs: Sequence[Run], progress: Progress | None = None) -> list[str]:
    """Leaks (see `leak_warnings`), and what is wrong with recordings that can be used, a line each.

    Files that cannot be used are passed over: they are told where they are read.

    Args:
        inputs: of the runs.
        runs: of one experiment.
        progress: shows how far the reading of those audio files is that were not decoded before.
    """
    splits, tests = _distinct_splits(inputs), _test_sets(runs)
    tables = [*(data.table for data, _ in splits), *tests.values()]
    facts = _decodable([path for table in tables for path in table["path"]], progress)
    return [*leak_warnings(splits, tests, SoundFamilies.of(facts)), *_fault_warnings(facts)]


def _distinct_splits(inputs: Inputs) -> list[Split]:
    """Each split with the seeds that have it, once for all models."""
    seeds = grouped((id(data), seed) for (_, seed), data in inputs.data.items())
    splits = {id(data): data for data in inputs.data.values()}
    return [(splits[key], found) for key, found in seeds.items()]


def _test_sets(runs: Sequence[Run]) -> dict[str, pd.DataFrame]:
    """The metadata of the further test sets that are here and right, by what messages call them.

    Models may read their audio from different columns; each file counts once.
    """
    models = {(run.model.task.class_column, run.model.input_column): run.model for run in runs}
    tables = {}
    for test_set in further_test_sets(runs[0].experiment):
        read = [table for model in models.values() if (table := _table(test_set, model)) is not None]
        if read:
            tables[f"test set {test_set.name}"] = pd.concat(read).drop_duplicates("path")
    return tables


def _table(test_set: TestSet, model: ModelConfig) -> pd.DataFrame | None:
    """`None` for a test set with mistakes, which the check of the test sets finds."""
    try:
        return read_test_set(test_set.test_csv, model.task, model.input_column, test_set.table_format).table
    except UserError:
        return None


def _decodable(paths: Sequence[str], progress: Progress | None) -> dict[str, SoundFacts]:
    distinct = list(dict.fromkeys(paths))
    facts = known_sounds.of_all(distinct)
    shown = progress(facts, len(distinct)) if progress else facts
    return {path: each for path, each in zip(distinct, shown, strict=True) if not isinstance(each, UserError)}


def _fault_warnings(facts: Mapping[str, SoundFacts]) -> Iterator[str]:
    faults = grouped(
        (fault.kind, f"{path}: {fault.words}")
        for path, each in facts.items()
        if not each.problem
        for fault in each.faults
    )
    for kind, lines in faults.items():
        yield from lines[:_FILES_OF_A_FAULT]
        if (more := len(lines) - _FILES_OF_A_FAULT) > 0:
            yield f"and {more} more audio files with the fault: {kind}"
