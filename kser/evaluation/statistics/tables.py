"""A table of an analysis: all numbers for machines, the cells that a reader is shown, and how they look."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: file name without ending.
        title: a line above it.
        frame: all numbers, unrounded, as the CSV has them.
        headings: of the columns that a reader sees.
        rows: their cells, all text.
        text_columns: how many columns from the left are text; those after it are numbers, set to the right.
        notes: what a reader must know to read it, a line each.
        is_main: whether it answers the question of the study, and is shown first.
        in_brief: positions of the rows that a console shows first; `None` for all.
    """

    name: str
    title: str
    frame: pd.DataFrame
    headings: list[str]
    rows: list[list[str]]
    text_columns: int
    notes: list[str] = field(default_factory=list)
    is_main: bool = False
    in_brief: Sequence[int] | None = None

    @property
    def brief_rows(self) -> Sequence[int]:
        """Positions of the rows that a console shows first."""
        return range(len(self.rows)) if self.in_brief is None else self.in_brief


def number(value: float, digits: int) -> str:
    """A number with this many decimals; a dash for a missing one."""
    if pd.isna(value):
        return NOTHING
    text = f"{value:.{digits}f}"
    if float(text) == 0.0:
        return text.removeprefix("-")
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """A p-value with three decimals, and never one that is zero or one."""
    if pd.isna(p):
        return NOTHING
    if p < 0.001:
        return "< 0.001"
    return "> 0.999" if p > 0.9995 else f"{p:.3f}"


def mean_and_sd(mean: float, sd: float, digits: int = 4) -> str:
    """`0.7825 ± 0.0166`; a missing spread is left out."""
    return number(mean, digits) if pd.isna(sd) else f"{number(mean, digits)} ± {number(sd, digits)}"


def interval(low: float, high: float) -> str:
    """`0.0123 to 0.0456`: no comma or dash that a minus sign could be confused with."""
    return NOTHING if np.isnan(low) or np.isnan(high) else f"{number(low, 4)} to {number(high, 4)}"


def count(value: float) -> str:
    """A whole number; a dash for a missing one."""
    return NOTHING if pd.isna(value) else f"{int(value):d}"
