"""Figures of an evaluation, drawn without a display and without pyplot's global state."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from kser.evaluation.averaging import AveragedConfusion
from kser.evaluation.figure_files import luminance, write_png
from kser.evaluation.shares import share

_COLOURS = "Blues"
"""Light to dark in one hue: it reads the same with any colour vision and on a grey print."""

# Cells have one size in every figure, whatever the number and length of the labels: their text always fits.
_CELL_INCHES = 0.66
_GAP_INCHES = 0.12

# The lines of a cell, by how many there are: where each is, in cells below the middle; its size in points;
# and that size times the characters of it that fill a cell, from which on they are smaller.
_LINES = {
    2: ((-0.12, 10.0, 60.0), (0.21, 7.5, 75.0)),
    3: ((-0.24, 10.0, 60.0), (0.07, 7.5, 75.0), (0.32, 6.5, 75.0)),
}


def plot_confusion_matrix(matrix: pd.DataFrame, path: str | Path, title: str | None = None) -> None:
    """Draw a confusion matrix to a PNG file.

    A cell shows the number of its utterances and their share of the true class in percent; its
    colour is that share, from 0 to 100% in every figure, so that figures can be compared.

    Args:
        matrix: counts, rows true and columns predicted labels, as `kser.evaluation.metrics.confusion_matrix`
            gives them. Rows and columns may differ in number.
        path: the PNG file to write; an older one is replaced whole.
        title: a line above the figure.
    """
    counts = matrix.to_numpy()
    # A label without samples has no shares: its row stays blank, not 0%.
    shares = share(counts, counts.sum(axis=1, keepdims=True))
    percents = np.vectorize(_percent, otypes=[object])(shares)
    numbers = np.vectorize("{:d}".format, otypes=[object])(counts)
    labels = (list(map(str, matrix.index)), list(map(str, matrix.columns)))
    _draw(shares, (numbers, percents), labels, path, title)


def plot_averaged_confusion_matrix(
    averaged: AveragedConfusion, path: str | Path, title: str | None = None
) -> None:
    """Draw confusion matrices averaged over runs to a PNG file.

    A cell says the mean share of the true class in percent and, below, its standard deviation over the runs
    in percentage points and the mean number of utterances; its colour is the mean share. Beside a true label
    stands its mean number of utterances.

    Args:
        averaged: as `kser.evaluation.averaging.average_confusions` gives it.
        path: the PNG file to write; an older one is replaced whole.
        title: a line above the figure; how many runs there are is added to it.
    """
    shares, sd = averaged.shares.to_numpy(), averaged.sd.to_numpy()
    means = np.vectorize(_percent, otypes=[object])(shares)
    spreads = np.where(np.isnan(sd), "", np.vectorize("± {:.1f}".format, otypes=[object])(100 * sd))
    numbers = np.vectorize("n = {:.1f}".format, otypes=[object])(averaged.counts.to_numpy())
    sizes = averaged.counts.sum(axis=1)
    rows = [f"{label} (n = {size:.4g})" for label, size in zip(sizes.index, sizes, strict=True)]
    what = f"mean ± SD over {averaged.runs} runs"
    above = what if title is None else f"{title}: {what}"
    labels = (rows, list(map(str, averaged.shares.columns)))
    _draw(shares, (means, spreads, numbers), labels, path, above)


def distinct_file_names(names: Sequence[str]) -> dict[str, str]:
    """A file name for each of several names, different also where upper and lower case count alike.

    Returns:
        By name: with an underscore for what a file name cannot hold and, where that makes two the same, a
        number at the end.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^\w.+-]", "_", name).lstrip(".") or "_"
        candidates = (plain, *(f"{plain}_{number}" for number in range(2, len(names) + 2)))
        found[name] = next(candidate for candidate in candidates if candidate.casefold() not in taken)
        taken.add(found[name].casefold())
    return found


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.1%}"


def _draw(
    shares: np.ndarray,
    texts: Sequence[np.ndarray],
    labels: tuple[list[str], list[str]],
    path: str | Path,
    title: str | None,
) -> None:
    """Draw shares (rows, columns) as colours, with two or three lines of text in each cell."""
    rows, columns = shares.shape
    figure = Figure(figsize=(columns * _CELL_INCHES, rows * _CELL_INCHES))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    image = axes.imshow(shares, cmap=_COLOURS, vmin=0.0, vmax=1.0)
    _write_cells(axes, shares, texts)
    _name_axes(axes, *labels)
    _add_scale(figure, image, columns)
    if title is not None:
        axes.set_title(title, fontsize=11, pad=9, parse_math=False)
    write_png(figure, path)


def _write_cells(axes: Axes, shares: np.ndarray, texts: Sequence[np.ndarray]) -> None:
    # White wherever its contrast ratio reaches 3:1: on blues of that depth it reads better than black.
    white = luminance(colormaps[_COLOURS](np.nan_to_num(shares))[..., :3]) < 0.3
    for row, column in np.ndindex(shares.shape):
        colour = "white" if white[row, column] else "black"
        for lines, (below, largest, filling) in zip(texts, _LINES[len(texts)], strict=True):
            text = str(lines[row, column])
            size = min(largest, filling / max(len(text), 1))
            axes.text(column, row + below, text, ha="center", va="center", fontsize=size, color=colour)


def _name_axes(axes: Axes, true: list[str], predicted: list[str]) -> None:
    rows, columns = len(true), len(predicted)
    axes.set_xticks(
        range(columns),
        predicted,
        rotation=45,
        ha="right",
        rotation_mode="anchor",
        parse_math=False,
    )
    axes.set_yticks(range(rows), true, parse_math=False)
    axes.tick_params(length=0, labelsize=9)
    axes.set_xlabel("Predicted label", fontsize=10, labelpad=6)
    axes.set_ylabel("True label", fontsize=10, labelpad=6)
    # White lines between the cells.
    axes.set_xticks(np.arange(1, columns) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, rows) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.0)
    axes.tick_params(which="minor", length=0)


def _add_scale(figure: Figure, image: AxesImage, columns: int) -> None:
    width = columns * _CELL_INCHES
    axes = figure.add_axes((1.0 + _GAP_INCHES / width, 0.0, _GAP_INCHES / width, 1.0))
    scale = figure.colorbar(
        image, cax=axes, format=PercentFormatter(xmax=1.0), ticks=[0.0, 0.25, 0.5, 0.75, 1.0]
    )
    scale.set_label("Share of the true label", fontsize=9)
    scale.outline.set_visible(False)
    axes.tick_params(labelsize=8, length=2)
