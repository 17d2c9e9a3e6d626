"""A measure over the layers of backbones, drawn without a display and without pyplot's global state."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kser.evaluation.curves import COLOURS

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


class LayerCurve(NamedTuple):
    """A measure of each hidden state with its band, arrays (states,); low and high may be NaN."""

    states: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray


def draw_layer_curves(
    axes: Axes,
    curves: Mapping[str, Mapping[int, Sequence[float]]],
    measure: str,
    references: Sequence[float] = (),
) -> None:
    """Draw the mean of runs over the hidden state that they read, with a band of ± 1 SD.

    Args:
        axes: of matplotlib.
        curves: by what people call them, the values of the runs of each hidden state, no NaN.
        measure: what the values are.
        references: values with a dashed line, such as chance level.
    """
    draw_layer_bands(
        axes, {name: _mean_and_spread(runs) for name, runs in curves.items()}, measure, references
    )


def draw_layer_bands(
    axes: Axes, curves: Mapping[str, LayerCurve], measure: str, references: Sequence[float] = ()
) -> None:
    """Draw curves over hidden states with bands. Arguments as `draw_layer_curves` takes them."""
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        marker = _MARKERS[number % len(_MARKERS)]
        axes.plot(
            curve.states, curve.values, color=colour, marker=marker, markersize=5, linewidth=1.8, label=name
        )
        axes.fill_between(curve.states, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    for value in references:
        axes.axhline(value, color="0.4", linestyle="--", linewidth=1.0)
    axes.set_xlabel("Hidden state (0: before the first layer)")
    axes.set_ylabel(measure)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _mean_and_spread(runs: Mapping[int, Sequence[float]]) -> LayerCurve:
    states = sorted(runs)
    means = np.array([np.mean(runs[state]) for state in states])
    # A single run has no spread.
    widths = np.array([np.std(runs[state], ddof=1) if len(runs[state]) > 1 else 0.0 for state in states])
    return LayerCurve(np.array(states), means, means - widths, means + widths)
