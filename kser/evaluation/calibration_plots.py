"""The reliability diagram, drawn without a display and without pyplot's global state."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kser.evaluation.calibration import expected_calibration_error, maximum_calibration_error
from kser.evaluation.figure_files import write_png

# Okabe & Ito's blue and vermilion: distinct with any colour vision, and by lightness in a grey print.
_BARS, _GAP = "#0072B2", "#D55E00"


def plot_reliability_diagram(reliability: pd.DataFrame, path: str | Path, title: str | None = None) -> None:
    """Draw accuracy over confidence to a PNG file, and below it how many utterances each bin has.

    Args:
        reliability: as `kser.evaluation.calibration.reliability_bins` gives it (or a data frame of the entry
            `reliability` of a report).
        path: the PNG file to write; an older one is replaced whole.
        title: a line above the figure.
    """
    figure = Figure(figsize=(4.6, 5.6))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1), gridspec_kw={"hspace": 0.12})
    filled = reliability[reliability["n"] > 0].astype(float)
    _draw_accuracy(above, filled)
    _draw_numbers(below, filled)
    ece, mce = expected_calibration_error(reliability), maximum_calibration_error(reliability)
    above.set_title(f"ECE {ece:.1%}, MCE {mce:.1%}", fontsize=9, loc="left", pad=5)
    if title is not None:
        figure.suptitle(title, fontsize=11, parse_math=False, y=1.0)
    # Below the picture, where no bar can be under it.
    figure.legend(*above.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3)
    write_png(figure, path)


def _draw_accuracy(axes: Axes, bins: pd.DataFrame) -> None:
    left, width = bins["low"], bins["high"] - bins["low"]
    axes.bar(left, bins["accuracy"], width, align="edge", color=_BARS, edgecolor="white", label="accuracy")
    axes.bar(
        left,
        bins["confidence"] - bins["accuracy"],
        width,
        bottom=bins["accuracy"],
        align="edge",
        facecolor="none",
        edgecolor=_GAP,
        hatch="////",
        linewidth=1.0,
        label="gap to confidence",
    )
    axes.plot([0, 1], [0, 1], color="black", linewidth=1.0, linestyle="--", label="perfect calibration")
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="Accuracy (share of the bin)")
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1.0))


def _draw_numbers(axes: Axes, bins: pd.DataFrame) -> None:
    axes.bar(
        bins["low"], bins["n"], bins["high"] - bins["low"], align="edge", color="0.45", edgecolor="white"
    )
    axes.set(xlabel="Confidence (probability of the predicted label)", ylabel="Utterances")
    axes.set_ylim(0, max(1.0, 1.08 * float(bins["n"].max())))
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1.0))
