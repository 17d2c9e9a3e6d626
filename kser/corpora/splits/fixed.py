"""Splits that somebody else made: the published partitions of a corpus, or files of one's own."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from kser.corpora.labels import label_order
from kser.corpora.splits.at_random import random_validation
from kser.corpora.splits.by_speaker import validation_speakers
from kser.corpora.splits.columns import several_values, values_of
from kser.corpora.splits.parts import LEFT_OUT, PARTS, check_arguments, classes_of
from kser.corpora.splits.speakers import Speakers
from kser.errors import UserError
from kser.grouping import grouped
from kser.words import did_you_mean, listed

# What published tables call the parts.
_PART_OF_NAME = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def fixed_split(
    table: pd.DataFrame,
    column: str,
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    source: str = "metadata",
    parts: Mapping[str, Sequence[str]] | None = None,
    allow_shared_speakers: bool = False,
) -> pd.Series:
    """Split a corpus as a column of its metadata says.

    Where no row is for validation, 1−N of the training speakers are taken for it, chosen as `speaker_split`
    chooses: the test part must not decide when training stops.

    Args:
        table: one row per utterance; the columns `utterance`, `actor`, `gender`, `column` and `label_column`.
        column: its values are train, validation (or valid, val, dev, development) and test, in upper or lower
            case, unless `parts` says otherwise.
        train_test_split: N, between 0 and 1; for a validation part that is not given.
        seed: from 0 on; draws a validation part that is not given.
        label_column: the column with the classes; `None` where there are none (regression).
        source: what to call the table in messages.
        parts: part → the values that belong to it, such as {"train": ["Train"], "test": ["Test1", "Test2"]};
            rows with other values are left out.
        allow_shared_speakers: whether a speaker may be in two parts; a validation part that is not given is
            then taken by utterances.

    Returns:
        "train", "validation", "test" or "" (left out) for each row, with the index of `table`.

    Raises:
        UserError: the column is missing or has values of no known part, `parts` name what is missing or
            name it twice, no row for training or test, a class that training lacks, a speaker in two parts,
            or no valid choice of a validation part that is not given.
    """
    check_arguments(train_test_split, seed, source)
    values = values_of(table, column, source).str.strip()
    part_of = (
        _known_parts(values, column, source) if parts is None else _named_parts(values, parts, column, source)
    )
    split = values.map(part_of).fillna(LEFT_OUT).rename("part")
    where = f"{source}: column {column!r}"
    _check_parts(table, split, label_column, where, allow_shared_speakers)
    return _with_validation(table, split, train_test_split, seed, label_column, where, allow_shared_speakers)


def fixed_split_of_files(
    tables: Mapping[str, pd.DataFrame],
    train_test_split: float,
    seed: int,
    label_column: str | None = "class_id",
    sources: Mapping[str, str] | None = None,
    allow_shared_speakers: bool = False,
) -> tuple[pd.DataFrame, pd.Series]:
    """Join the metadata of parts that have a file each.

    Args:
        tables: part → its table, as `read_metadata` gives it: "train", "test" and, or not, "validation",
            which is taken from the training part as in `fixed_split` where it is not given.
        train_test_split: N, between 0 and 1; for a validation part that is not given.
        seed: from 0 on; draws a validation part that is not given.
        label_column: the column with the classes; `None` where there are none (regression).
        sources: part → what to call its table in messages.
        allow_shared_speakers: as in `fixed_split`.

    Returns:
        The joined table, its rows numbered anew and cells of columns that a file lacks empty; and "train",
        "validation" or "test" for each row.

    Raises:
        UserError: a recording is in two files, a speaker in two parts, training lacks a class, or there
            is no valid choice of a validation part that is not given.
    """
    sources = {part: part for part in tables} | dict(sources or {})
    source = " and ".join(dict.fromkeys(sources[part] for part in PARTS if part in tables))
    check_arguments(train_test_split, seed, source)
    given = {part: tables[part] for part in PARTS if part in tables}
    for (part, one), (other_part, other) in combinations(given.items(), 2):
        if shared := sorted(set(one["path"]) & set(other["path"])):
            raise UserError(
                f"{sources[part]} and {sources[other_part]}: recordings in both: "
                f"{listed(shared)}; keep each in one part"
            )
    table = pd.concat(list(given.values()), ignore_index=True).fillna("")
    split = pd.Series(
        [part for part, rows in given.items() for _ in range(len(rows))], name="part", dtype=object
    )
    _check_parts(table, split, label_column, source, allow_shared_speakers)
    return table, _with_validation(
        table, split, train_test_split, seed, label_column, source, allow_shared_speakers
    )


def _known_parts(values: pd.Series, column: str, source: str) -> dict[str, str]:
    part_of = {value: _PART_OF_NAME.get(value.lower(), LEFT_OUT) for value in set(values)}
    unknown = label_order(value for value, part in part_of.items() if part == LEFT_OUT)
    if unknown:
        counts = values.value_counts()
        named = listed([f"{value!r} in {counts[value]} of {len(values)} rows" for value in unknown])
        raise UserError(
            f"{source}: column {column!r} has {named}, which names no part; parts may say which values are "
            "train, validation and test, and the rest is left out"
        )
    return part_of


def _named_parts(
    values: pd.Series, parts: Mapping[str, Sequence[str]], column: str, source: str
) -> dict[str, str]:
    known = label_order(values)
    by_lower_case = grouped((value.lower(), value) for value in known)
    part_of: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            matching = [name] if name in known else by_lower_case.get(name.lower(), [])
            if not matching:
                raise UserError(
                    f"{source}: parts: {part}: no row has {name!r} in column {column!r}"
                    f"{did_you_mean(name, known)}; there are {listed([repr(value) for value in known])}"
                )
            for value in matching:
                if part_of.setdefault(value, part) != part:
                    raise UserError(f"{source}: parts: {value!r} is in {part_of[value]} and {part}; keep one")
    return part_of


def _check_parts(
    table: pd.DataFrame, split: pd.Series, label_column: str | None, where: str, allow_shared_speakers: bool
) -> None:
    if absent := [part for part in ("train", "test") if not (split == part).any()]:
        raise UserError(f"{where}: no row is for {' and none for '.join(absent)}; both parts are needed")
    used = split != LEFT_OUT
    classes = classes_of(table, label_column)
    if lacking := label_order(set(classes[used]) - set(classes[split == "train"])):
        raise UserError(
            f"{where}: the training part has no utterance of {listed(lacking)}; drop the class or change the "
            "parts"
        )
    if allow_shared_speakers:
        return
    if several := several_values(table["actor"][used], split[used]):
        raise UserError(
            f"{where}: speakers in two parts: {listed(several, '; ')}; a model would be tested on voices "
            "that it knows: change the parts, or set speaker_independent_scenario to false to ask for that"
        )


def _with_validation(
    table: pd.DataFrame,
    split: pd.Series,
    train_test_split: float,
    seed: int,
    label_column: str | None,
    where: str,
    by_utterance: bool,
) -> pd.Series:
    """The split itself; or, where it has no validation part, with one taken from the training part."""
    if (split == "validation").any():
        return split
    training = table[split == "train"]
    if by_utterance:
        taken = random_validation(training, train_test_split, seed, label_column, where)
        return split.where(split != "train", taken.reindex(split.index))
    speakers = Speakers.of(training, label_column, where)
    held_out = "the test part that is given"
    chosen = validation_speakers(speakers, train_test_split, seed, held_out, where)
    return split.mask((split == "train") & table["actor"].astype(str).isin(chosen), "validation")
