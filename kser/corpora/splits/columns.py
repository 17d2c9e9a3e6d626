"""Columns of a table that say which part, session or speaker an utterance belongs to."""

import pandas as pd

from kser.corpora.labels import label_order
from kser.errors import UserError
from kser.words import did_you_mean


def values_of(table: pd.DataFrame, column: str, source: str) -> pd.Series:
    """A column as text.

    Raises:
        UserError: the column is missing.
    """
    if column not in table:
        names = [str(name) for name in table.columns]
        raise UserError(
            f"{source}: the split needs a column {column!r}{did_you_mean(column, names)}; "
            f"there are {', '.join(names)}"
        )
    return table[column].astype(str)


def several_values(speakers: pd.Series, values: pd.Series) -> list[str]:
    """Speakers with more than one value, in words: "03 (1 and 2)"."""
    found: dict[str, set[str]] = {}
    for speaker, value in zip(speakers.astype(str), values, strict=True):
        found.setdefault(speaker, set()).add(value)
    several = {speaker: label_order(values) for speaker, values in found.items() if len(values) > 1}
    return [f"{speaker} ({' and '.join(several[speaker])})" for speaker in label_order(several)]
