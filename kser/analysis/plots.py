"""Figures of an analysis, drawn without a display and without pyplot's global state."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kser.analysis.uncertainty import seed_band
from kser.evaluation.curves import COLOURS
from kser.evaluation.figure_files import luminance
from kser.evaluation.layer_plots import LayerCurve

_COLOUR_MAP = "cividis"
"""From dark blue to yellow: the same order with any colour vision and on a grey print."""
_MOST_NUMBERED_CELLS = 160
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def draw_heat_map(
    axes: Axes,
    table: pd.DataFrame,
    measure: str,
    *,
    rows: str,
    columns: str,
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw a table as colours, with a scale beside it and, where there is room, the numbers in the cells.

    Args:
        axes: of matplotlib.
        table: such as `kser.analysis.grid.similarity_table` gives, or a pivoted `drift_table`. The first row
            is at the bottom, as layers are drawn; NaN stays blank.
        measure: what the values are.
        rows: what the rows are ("Layer").
        columns: what the columns are ("Update").
        limits: the values of the darkest and the brightest colour, so that figures can be compared; without
            them the lowest and the highest of the table.
    """
    values = table.to_numpy(dtype=np.float64)
    low, high = limits or (float(np.nanmin(values)), float(np.nanmax(values)))
    image = axes.imshow(values, cmap=_COLOUR_MAP, vmin=low, vmax=high, origin="lower", aspect="auto")
    for axis, names, title in ((axes.xaxis, table.columns, columns), (axes.yaxis, table.index, rows)):
        axis.set_ticks(range(len(names)), [str(name) for name in names], parse_math=False)
        axis.set_label_text(title)
    axes.tick_params(length=0, labelsize=8)
    if max(map(len, map(str, table.columns))) * table.shape[1] > 60:
        axes.tick_params(axis="x", rotation=90)
    axes.spines[:].set_visible(False)
    if values.size <= _MOST_NUMBERED_CELLS:
        bright = luminance(np.asarray(image.to_rgba(np.nan_to_num(values)))[..., :3]) >= 0.3
        for row, column in np.argwhere(np.isfinite(values)):
            colour = "black" if bright[row, column] else "white"
            text = f"{round(values[row, column], 2) + 0.0:.2f}"  # never -0.00
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    scale = axes.figure.colorbar(image, ax=axes)
    scale.set_label(measure)
    scale.outline.set_visible(False)


def probe_curve(probes: pd.DataFrame) -> LayerCurve:
    """The scores of probes over layers, to be drawn by `kser.evaluation.layer_plots.draw_layer_bands`.

    Args:
        probes: of one target, as `kser.analysis.grid.probe_table` gives them, layers as numbers.

    Returns:
        Of one seed the scores with their intervals over speakers, if they have any; of several the mean with
        its 95% interval over seeds.
    """
    by_layer = probes.pivot(index="layer", columns="seed").sort_index()
    states = by_layer.index.to_numpy()
    if by_layer["score"].shape[1] > 1:
        return LayerCurve(states, *seed_band(by_layer["score"].to_numpy().T))
    score = by_layer["score"].to_numpy()[:, 0]
    blank = np.full_like(score, np.nan)
    low, high = (by_layer[name].to_numpy()[:, 0] if name in probes else blank for name in ("low", "high"))
    return LayerCurve(states, score, low, high)


def draw_points(
    axes: Axes,
    points: np.ndarray,
    labels: Sequence[object] | np.ndarray | pd.Series,
    *,
    with_legend: bool = True,
) -> None:
    """Draw utterances of a map, each label with a colour and a mark of its own.

    Args:
        axes: of matplotlib.
        points: (utterances, 2), as `kser.analysis.maps` gives them.
        labels: one an utterance.
        with_legend: whether it stands beside the points.
    """
    names = np.array([str(label) for label in labels])
    for number, name in enumerate(np.unique(names)):
        chosen = points[names == name]
        # Beyond seven labels each round of colours has other marks.
        marker = _MARKERS[(number + number // len(COLOURS)) % len(_MARKERS)]
        colour = COLOURS[number % len(COLOURS)]
        axes.scatter(
            chosen[:, 0], chosen[:, 1], s=12, color=colour, marker=marker, alpha=0.7, linewidths=0, label=name
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="box")
    if with_legend:
        legend = axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        for text in legend.get_texts():
            text.set_parse_math(False)
