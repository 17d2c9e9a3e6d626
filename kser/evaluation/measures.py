"""What a measure is: its names in files and for people, how it is computed, which values it can take."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Measure:
    """A measure of an evaluation.

    Attributes:
        name: in reports and tables that are files.
        display_name: in tables and figures for people.
        of_counts: computes it from counts such as `kser.evaluation.class_measures.ClassCounts`, for any
            number of evaluations at once, which resampling needs; `None` for a measure that does not follow
            from counts, and therefore has no interval.
        bounds: the lowest and the highest value that it can take.
        higher_is_better: whether the best value is the highest.
    """

    name: str
    display_name: str
    of_counts: Callable[[Any], np.ndarray] | None = None
    bounds: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1, so that 75 in a table is a mistake for 0.75."""
        return self.bounds == (0.0, 1.0)


def computed(measures: Iterable[Measure], counts: Any) -> dict[str, np.ndarray]:
    """Those of the measures that follow from counts, by name."""
    return {measure.name: measure.of_counts(counts) for measure in measures if measure.of_counts is not None}


def number_or_none(value: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return None if math.isnan(value) else float(value)
