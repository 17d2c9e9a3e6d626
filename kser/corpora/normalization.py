"""Speakers, genders and other names in a metadata table, each with one spelling.

A speaker who is `01` in some rows and `1` in others is one, and must not be in two parts of a split; `f`,
`Female` and `weiblich` are one group. Classes are made one by `kser.corpora.emotions`, which maps labels.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from kser.corpora.genders import UNKNOWN, gender_of, genders_of_speakers
from kser.corpora.spellings import in_words, is_nothing, one_spelling, speaker_key
from kser.grouping import grouped
from kser.words import listed


def normalized(
    table: pd.DataFrame, outputs: Sequence[str], names: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Give each name in a table one spelling.

    Args:
        table: one row per utterance, all text; the columns `actor` and `gender`.
        outputs: the columns that a model learns. What stands for nothing there, as in `actor` (nan), becomes
            empty; `gender` stays as it is if it is one of them.
        names: further columns with names; those that the table lacks do not matter.

    Returns:
        The table, and what was taken for what, a line a column.
    """
    table, notes = table.copy(), []
    for column in dict.fromkeys([*outputs, "actor"]):
        table[column] = _mapped(table[column], lambda cell: "" if is_nothing(cell) else cell)
    for column in dict.fromkeys(["actor", *(name for name in names if name in table)]):
        table[column], taken = _with_one_spelling(table[column])
        notes += _note(column, taken)
    if "gender" not in outputs:
        table["gender"], gender_notes = _genders(table["gender"], table["actor"])
        notes += gender_notes
    return table, notes


def speakers_alike(tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Let speakers have one spelling in all parts of a corpus that have a table each.

    Args:
        tables: by part, with the column `actor`.

    Returns:
        The tables, and what was taken for what, a line at most.
    """
    joined = pd.concat([table["actor"] for table in tables.values()], ignore_index=True)
    _, taken = _with_one_spelling(joined)
    if not taken:
        return dict(tables), []
    alike = {
        part: table.assign(actor=_mapped(table["actor"], lambda name: taken.get(name, name)))
        for part, table in tables.items()
    }
    return alike, _note("actor", taken)


def _with_one_spelling(values: pd.Series) -> tuple[pd.Series, dict[str, str]]:
    taken = one_spelling(Counter(values), speaker_key)
    return _mapped(values, lambda value: taken.get(value, value)), taken


def _mapped(values: pd.Series, function: Callable[[str], str]) -> pd.Series:
    """What a function makes of each value, asked once for all rows that have the same."""
    made = {value: function(value) for value in values.unique()}
    return values.map(made)


def _genders(written: pd.Series, actors: pd.Series) -> tuple[pd.Series, list[str]]:
    genders, _ = _with_one_spelling(_mapped(written, gender_of))
    pairs = dict(zip(written, genders, strict=True))
    notes = _note("gender", {old: new for old, new in pairs.items() if old != new})
    said = grouped(dict.fromkeys(zip(actors, genders, strict=True)))
    known = genders_of_speakers({speaker: set(found) for speaker, found in said.items()})
    if known:
        genders = genders.mask(genders == UNKNOWN, actors.map(known)).fillna(UNKNOWN)
        found = [f"{speaker} ({gender})" for speaker, gender in known.items()]
        notes.append(f"gender: taken from the speaker's other rows: {listed(found)}")
    if numbers := sorted({gender for gender in genders if gender.isdecimal()}):
        notes.append(
            f"gender: {' and '.join(numbers)} are taken as groups of these names: what numbers mean differs "
            "from corpus to corpus; write female and male"
        )
    return genders, notes


def _note(column: str, taken: Mapping[str, str]) -> list[str]:
    return [f"{column}: taken as one: {in_words(taken)}"] if taken else []
