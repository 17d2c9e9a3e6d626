"""Which definition lies behind openSMILE's slopes of pitch, and whether kser's agree with its contour.

    python eval/benchmarks/pitch_slopes.py features/functionals features/egemaps [--every 12]

Takes openSMILE's own contour of some recordings and computes slopes by three definitions: of each rise and
fall within a voiced stretch, as kser does; the same with the voiced frames of the recording put one behind
another; and between extremes of those that differ by more than a tenth of their range. Prints the median of
each, and Spearman's correlation with eGeMAPS' and with kser's slopes.
"""

import argparse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import opensmile
import pandas as pd

from kser.markdown import markdown_table
from kser.representations.expert_features.functionals.contours import HOP_S, mean, runs, slopes
from kser.representations.expert_features.table import FeatureTable

_PITCH = "F0semitoneFrom27.5Hz_sma3nz"
Slopes = tuple[np.ndarray, np.ndarray]


def within_stretches(contour: np.ndarray) -> Slopes:
    """Of each monotone part of each voiced stretch."""
    return slopes([contour[start:end] for start, end in runs(contour > 0)])


def joined(contour: np.ndarray) -> Slopes:
    """Of each monotone part of all voiced frames in one row."""
    return slopes([contour[contour > 0]])


def between_extremes(contour: np.ndarray) -> Slopes:
    """Between one extreme and the next of all voiced frames in one row."""
    voiced = contour[contour > 0]
    places = extremes(voiced, 0.1 * np.ptp(voiced))
    found = np.array(
        [(voiced[end] - voiced[start]) / (end - start) / HOP_S for start, end in pairwise(places)]
    )
    return found[found > 0], found[found < 0]


def extremes(contour: np.ndarray, least: float) -> list[int]:
    """Places where the contour turns by more than `least`, and the last extreme."""
    places: list[int] = []
    low = high = 0
    is_rising = is_falling = True  # both until it is known
    for place, value in enumerate(contour):
        high = place if is_rising and value > contour[high] else high
        low = place if is_falling and value < contour[low] else low
        if is_falling and value - contour[low] > least:
            places.append(low)
            is_rising, is_falling, high = True, False, place
        elif is_rising and contour[high] - value > least:
            places.append(high)
            is_rising, is_falling, low = False, True, place
    return [*places, high if is_rising else low]


DEFINITIONS: dict[str, Callable[[np.ndarray], Slopes]] = {
    "within voiced stretches": within_stretches,
    "voiced frames in one row": joined,
    "the same, between extremes": between_extremes,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("functionals", type=Path)
    parser.add_argument("egemaps", type=Path)
    parser.add_argument("--every", type=int, default=12)
    arguments = parser.parse_args()
    own, other = (FeatureTable.at(folder).table for folder in (arguments.functionals, arguments.egemaps))
    both = own.merge(other, on="path").iloc[:: arguments.every].reset_index(drop=True)
    contour_of = opensmile.Smile("eGeMAPSv02", "LowLevelDescriptors")
    contours = [contour_of.process_file(path)[_PITCH].to_numpy() for path in both["path"]]
    print(f"{len(both)} recordings\n")
    table = []
    for side, direction in enumerate(("rising", "falling")):
        # openSMILE gives falling slopes without their sign.
        theirs, mine = (
            both[f"{_PITCH}_mean{direction.title()}Slope"],
            both[f"pitch_{direction}_slope_mean"].abs(),
        )
        for name, definition in DEFINITIONS.items():
            values = pd.Series([abs(mean(definition(contour)[side])) for contour in contours])
            correlations = (f"{values.corr(each, method='spearman'):.3f}" for each in (theirs, mine))
            table.append((direction, name, f"{values.median():.3g}", *correlations))
        table += [
            (direction, name, f"{each.median():.3g}", "", "")
            for name, each in (("eGeMAPS", theirs), ("kser", mine))
        ]
    header = ("slopes", "of openSMILE's contour", "median, semitones a second", "with eGeMAPS", "with kser")
    print(markdown_table(header, table, text_columns=2), end="")


if __name__ == "__main__":
    main()
