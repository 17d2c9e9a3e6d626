"""Predicted over true values, drawn without a display and without pyplot's global state."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike

from kser.evaluation.figure_files import write_png
from kser.evaluation.regression import concordance_correlation, mean_squared_error, pearson_correlation

# Okabe & Ito's blue, and a map from light to dark in one hue: they read with any colour vision and in grey.
_POINTS, _DENSITY = "#0072B2", "Blues"

MOST_POINTS = 1000
"""More utterances are drawn as the density of hexagons: points would hide one another."""

_HEXAGONS = 28  # across
_LIGHTEST = 0.4  # utterances: one must not be as white as the paper


def plot_agreement(
    true: ArrayLike, predicted: ArrayLike, target: str, path: str | Path, title: str | None = None
) -> None:
    """Draw predicted over true values of a target to a PNG file, with the line on which both are equal.

    Args:
        true: float (utterances,), NaN for a missing value; at least one is not missing.
        predicted: float (utterances,).
        target: its name.
        path: the PNG file to write; an older one is replaced whole.
        title: a line above the figure.
    """
    figure = Figure(figsize=(4.8, 4.8))
    axes = figure.subplots()
    draw_agreement(axes, true, predicted, target)
    if title is not None:
        axes.set_title(title, fontsize=11, pad=26, parse_math=False)
    write_png(figure, path)


def draw_agreement(axes: Axes, true: ArrayLike, predicted: ArrayLike, target: str) -> None:
    """Draw into axes of matplotlib. Arguments as `plot_agreement` takes them."""
    known = ~np.isnan(np.asarray(true, dtype=float))
    x, y = np.asarray(true, dtype=float)[known], np.asarray(predicted, dtype=float)[known]
    low, high = _limits(x, y)
    if len(x) > MOST_POINTS:
        cells = axes.hexbin(
            x,
            y,
            gridsize=_HEXAGONS,
            extent=(low, high, low, high),
            mincnt=1,
            cmap=_DENSITY,
            norm=LogNorm(_LIGHTEST),
        )
        scale = axes.figure.colorbar(cells, ax=axes, fraction=0.046, pad=0.03)
        scale.set_label("Utterances", fontsize=9)
        scale.ax.yaxis.set_major_formatter("{x:g}")
        scale.ax.yaxis.set_minor_formatter(NullFormatter())
        scale.outline.set_visible(False)
    else:
        axes.scatter(x, y, s=14, color=_POINTS, alpha=0.45, linewidths=0)
    axes.plot(
        [low, high], [low, high], color="black", linewidth=1.0, linestyle="--", label="predicted = true"
    )
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel(f"True {target}", parse_math=False)
    axes.set_ylabel(f"Predicted {target}", parse_math=False)
    # Not a second title: matplotlib sets all titles of axes on one line.
    axes.text(0, 1.02, _measures(x, y), fontsize=9, transform=axes.transAxes)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _limits(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The same for both sides, so that the line of equality is the diagonal, with room at the edge."""
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def _measures(x: np.ndarray, y: np.ndarray) -> str:
    of_both = {"y_true": x, "y_pred": y}
    ccc, r = concordance_correlation(**of_both)[0], pearson_correlation(**of_both)[0]
    correlations = [
        f"{name} {'–' if np.isnan(value) else f'{value:.3f}'}" for name, value in (("CCC", ccc), ("r", r))
    ]
    return ", ".join([*correlations, f"MSE {mean_squared_error(**of_both)[0]:.3g}", f"n = {len(x)}"])
