"""Measures label by label, drawn without a display and without pyplot's global state."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kser.evaluation.figure_files import write_png

# Okabe & Ito's blue, orange and green, distinct with any colour vision, and by hatches in a grey print.
_BARS = {"precision": ("#56B4E9", ""), "recall": ("#E69F00", "////"), "f1": ("#0072B2", "")}
_NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def plot_label_measures(
    per_label: Sequence[Mapping[str, Any]], path: str | Path, title: str | None = None
) -> None:
    """Draw precision, recall and F1 of each label as bars, and its AUC as a mark, to a PNG file.

    Args:
        per_label: as `kser.evaluation.multi_label.multi_label_report` gives it.
        path: the PNG file to write; an older one is replaced whole.
        title: a line above the figure.
    """
    figure = Figure(figsize=(5.6, 0.9 + 0.62 * len(per_label)))
    draw_label_measures(figure.subplots(), per_label)
    if title is not None:
        figure.axes[0].set_title(title, fontsize=11, pad=8, parse_math=False)
    write_png(figure, path)


def draw_label_measures(axes: Axes, per_label: Sequence[Mapping[str, Any]]) -> None:
    """Draw into axes of matplotlib. Arguments as `plot_label_measures` takes them."""
    places, height = np.arange(len(per_label)), 0.25
    for number, (measure, (colour, hatch)) in enumerate(_BARS.items()):
        # A measure that is not defined has no bar.
        values = [np.nan if entry[measure] is None else entry[measure] for entry in per_label]
        axes.barh(
            places + (number - 1) * height,
            values,
            height,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.6,
            label=_NAMES[measure],
        )
    aucs = [np.nan if entry["auc"] is None else entry["auc"] for entry in per_label]
    axes.plot(
        aucs, places, "D", color="black", markersize=6, markeredgecolor="white", label="AUC (0.5: chance)"
    )
    names = [f"{entry['label']} (n = {entry['support']:.0f})" for entry in per_label]
    axes.set_yticks(places, names, parse_math=False)
    axes.set(xlim=(0, 1.02), ylim=(len(per_label) - 0.5, -0.5), xticks=np.linspace(0, 1, 6))
    axes.grid(axis="x", alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)
    # Below the picture, where no bar can be under it.
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=2.2,
        ncols=4,
        fontsize=8,
        frameon=False,
        columnspacing=1.2,
    )
