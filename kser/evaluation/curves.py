"""Training curves of one or many models, mean and band over seeds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy import stats

from kser.errors import UserError
from kser.files import replacing
from kser.words import counted

Band = Literal["sd", "ci"]
BANDS = {"sd": "± 1 SD", "ci": "95% confidence interval (t, from 3 seeds on)"}
FORMATS = (".png", ".svg", ".pdf")
PREFERRED_METRICS = ("val_uar", "val_accuracy", "val_f1score", "val_ccc", "val_mse")

_NAMES = {"uar": "UAR", "accuracy": "accuracy (WA)", "f1score": "macro F1", "ccc": "CCC", "mse": "MSE"}
_LOSSES = {"val_loss": "-", "loss": "--"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe & Ito's palette for all colour visions, without its yellow, which a white ground swallows."""
_MARKERS = ("", "o", "s", "^", "D", "v", "P")
_DPI = 200
# Runs whose ends differ by less than this share of the longest are of one length to the reader.
_NOTED_DIFFERENCE = 0.05

Curve = tuple[np.ndarray, np.ndarray]
"""Steps (n,), ascending, and values (n,) of a run, no NaN."""


def plot_training_curves(
    curves: pd.DataFrame,
    path: str | Path,
    *,
    metric: str | None = None,
    band: Band = "sd",
    title: str | None = None,
) -> None:
    """Draw training curves to a PNG, SVG or PDF file.

    Above the validation metric, below the losses: validation as a line, training dashed. A model with several
    seeds is their mean with a band as far as all of them go, see `mean_over_seeds`, and beyond that the faint
    lines of the runs that go on; the legend says how many end where.

    Args:
        curves: one row a run and update, with `model`, `seed`, `step` and a column a curve, as
            `kser.evaluation.curve_files.read_training_curves` gives them.
        path: the file to write, its ending says the format; an older one is replaced whole.
        metric: the curve above, "val_uar", also written "uar", "eval_uar" or "eval/uar". Without one, the
            first of `PREFERRED_METRICS` that a run has.
        band: "sd", the standard deviation over seeds, or "ci", the 95% interval of the mean.
        title: a line above the figure.

    Raises:
        UserError: no run has the metric, or the ending is none of `FORMATS`.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path}: the file's ending must be one of {', '.join(FORMATS)}")
    figure = Figure(layout="constrained")
    draw_training_curves(figure, curves, metric=metric, band=band, title=title)
    with replacing(path) as draft:
        figure.savefig(draft, format=path.suffix[1:].lower(), dpi=_DPI, bbox_inches="tight", pad_inches=0.1)


def show_training_curves(
    curves: pd.DataFrame, *, metric: str | None = None, band: Band = "sd", title: str | None = None
) -> None:
    """Show training curves in a window until it is closed. Arguments as `plot_training_curves` takes them.

    Raises:
        UserError: no window can be opened, or no run has the metric.
    """
    import matplotlib
    from matplotlib import pyplot
    from matplotlib.backends import BackendFilter, backend_registry

    figure = pyplot.figure(layout="constrained")
    draw_training_curves(figure, curves, metric=metric, band=band, title=title)
    backend = matplotlib.get_backend()
    if backend.lower() in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE):
        pyplot.close(figure)
        raise UserError(f"--show: no window can be opened here (matplotlib: {backend}); use --output-path")
    pyplot.show()


def draw_training_curves(
    figure: Figure,
    curves: pd.DataFrame,
    *,
    metric: str | None = None,
    band: Band = "sd",
    title: str | None = None,
) -> None:
    """Draw into a figure of matplotlib. Arguments as `plot_training_curves` takes them."""
    metric = find_metric(curves, metric)
    losses = [name for name in _LOSSES if name in curves and curves[name].notna().any()]
    panels = [[metric]] * (metric not in _LOSSES) + [losses] * bool(losses)
    figure.set_size_inches(7.0, 0.9 + 2.9 * len(panels))
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    styles = _styles(curves)
    described: dict[str, Sequence[Curve]] = {}
    has_band = has_single_runs = False
    for axes, names in zip(all_axes, panels, strict=True):
        for (model, style), name in product(styles.items(), names):
            runs = _runs(curves[curves["model"] == model], name)
            if not runs:
                continue
            described.setdefault(model, runs)
            line_style = style | {"linestyle": _LOSSES[name] if len(names) > 1 else "-"}
            has_band |= _draw_mean(axes, runs, band, line_style)
            has_single_runs |= _draw_single_runs(axes, runs, line_style)
        axes.set_ylabel("Loss" if len(names) > 1 else _title_of(names[0]))
        axes.grid(alpha=0.3, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[-1].set_xlabel("Training step (updates of the weights)")
    all_axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    subtitle = "mean over seeds" if any(len(runs) > 1 for runs in described.values()) else ""
    if has_band:
        subtitle += f", band: {BANDS[band]}"
    if has_single_runs:
        subtitle += "\nthin lines: single runs, where others have ended"
    all_axes[0].set_title(subtitle, fontsize=9, loc="left")
    if title is not None:
        figure.suptitle(title, fontsize=12, parse_math=False)
    _add_legend(figure, {_label(model, runs): styles[model] for model, runs in described.items()}, losses)


def find_metric(curves: pd.DataFrame, metric: str | None = None) -> str:
    """The column that a metric's name means, see `plot_training_curves`.

    Raises:
        UserError: no run has it; the message lists the curves of the runs.
    """
    known = [
        name
        for name in curves.columns.drop(["model", "seed", "step"])
        if curves[name].notna().any() and name != "epoch"
    ]
    if metric is None:
        wanted = [*PREFERRED_METRICS, *(name for name in known if name.startswith("val_")), *known]
    else:
        bare = metric.replace("/", "_").removeprefix("eval_").removeprefix("val_")
        wanted = [metric, f"val_{bare}", metric.replace("/", "_")]
    for name in wanted:
        if name in known:
            return name
    raise UserError(f"--metric {metric}: no run has it; the curves are: {', '.join(known) or 'none'}")


def runs_without(curves: pd.DataFrame, metric: str) -> list[str]:
    """The runs that have no value of a metric, as "MODEL, seed N"."""
    has_any = curves.groupby(["model", "seed"], sort=False)[metric].count() > 0
    return [f"{model}, seed {seed}" if seed else model for model, seed in has_any.index[~has_any]]


def mean_over_seeds(runs: Sequence[Curve], band: Band = "sd") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of curves with steps of their own, and half the width of a band.

    Between its steps a curve is interpolated linearly. The mean is taken only where all curves have a value:
    with the end of a run it would jump to the mean of the others.

    Args:
        runs: the curves.
        band: "sd": one standard deviation (of a sample, ddof = 1); "ci": the 95% interval of the mean by
            Student's t distribution.

    Returns:
        steps (m,), means (m,) and half widths (m,), which are NaN for a single curve, and of two for "ci".
    """
    start, end = _shared_range(runs)
    steps = np.unique(np.concatenate([steps for steps, _ in runs]))
    steps = steps[(steps >= start) & (steps <= end)]
    values = np.stack([np.interp(steps, *run) for run in runs])
    mean = values.mean(axis=0)
    number = len(runs)
    if number == 1 or (band == "ci" and number == 2):
        # Of two values the interval is nine standard deviations to each side: that would be the whole figure.
        return steps, mean, np.full(len(steps), np.nan)
    width = values.std(axis=0, ddof=1)
    if band == "ci":
        width = width * stats.t.ppf(0.975, number - 1) / np.sqrt(number)
    return steps, mean, width


def _shared_range(runs: Sequence[Curve]) -> tuple[float, float]:
    """The first and the last step at which all curves have a value."""
    return max(steps[0] for steps, _ in runs), min(steps[-1] for steps, _ in runs)


def _runs(curves: pd.DataFrame, name: str) -> list[Curve]:
    """The curve of that name of each run of a model that has it."""
    if name not in curves:
        return []
    known = curves.dropna(subset=[name]).sort_values("step")
    return [
        (run["step"].to_numpy(dtype=float), run[name].to_numpy(dtype=float))
        for _, run in known.groupby("seed")
    ]


def _draw_mean(axes: Axes, runs: Sequence[Curve], band: Band, style: dict[str, Any]) -> bool:
    """Draw the mean of runs, and say whether it has a band."""
    steps, mean, width = mean_over_seeds(runs, band)
    if len(steps) == 1 and not style["marker"]:
        style = style | {"marker": "o"}  # a line through one point is invisible
    axes.plot(steps, mean, linewidth=1.8, **style)
    has_band = len(steps) > 1 and bool(np.isfinite(width).all())
    if has_band:
        axes.fill_between(steps, mean - width, mean + width, color=style["color"], alpha=0.18, linewidth=0)
    return has_band


def _draw_single_runs(axes: Axes, runs: Sequence[Curve], style: dict[str, Any]) -> bool:
    """Draw runs where others have ended or not begun, with a dot at their ends; say whether any is drawn."""
    start, end = _shared_range(runs)
    alpha = float(np.clip(1.0 / np.sqrt(len(runs)), 0.25, 0.6))
    thin = style | {"linewidth": 0.9, "alpha": alpha, "marker": ""}
    drawn = False
    for steps, values in runs:
        for first, last in ((steps[0], min(start, steps[-1])), (max(end, steps[0]), steps[-1])):
            if first < last:
                between = np.unique([first, *steps[(steps >= first) & (steps <= last)], last])
                axes.plot(between, np.interp(between, steps, values), **thin)
                drawn = True
        if steps[-1] > end:
            axes.plot(steps[-1], values[-1], ".", color=style["color"], alpha=alpha)
    return drawn


def _styles(curves: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Colours by model; beyond seven models they come again, with a marker."""
    return {
        model: {
            "color": COLOURS[number % len(COLOURS)],
            "marker": _MARKERS[number // len(COLOURS) % len(_MARKERS)],
            "markersize": 4,
            "markevery": 0.12,
        }
        for number, model in enumerate(curves["model"].unique())
    }


def _label(model: str, runs: Sequence[Curve]) -> str:
    """A model in the legend, with how many of its runs end where, if that differs."""
    count = counted(len(runs), "seed")
    ends = sorted(int(steps[-1]) for steps, _ in runs)
    if ends[-1] - ends[0] <= _NOTED_DIFFERENCE * ends[-1]:
        return f"{model} ({count})"
    (first, number), *others = sorted(Counter(ends).items())
    if len(others) < 3:
        listed = ", ".join(f"{number} at {step}" for step, number in others)
        return f"{model} ({count}; {number} {'ends' if number == 1 else 'end'} at {first}, {listed})"
    half = ends[(len(ends) - 1) // 2]
    return f"{model} ({count}; the first ends at {first}, half by {half}, all by {ends[-1]})"


def _title_of(metric: str) -> str:
    bare = metric.removeprefix("val_")
    name = _NAMES.get(bare, bare)
    if metric.startswith("val_"):
        return f"Validation {name}"
    return "Training loss" if metric == "loss" else name


def _add_legend(figure: Figure, models: Mapping[str, dict[str, Any]], losses: Sequence[str]) -> None:
    """Add a legend below the figure, where it covers no data."""
    handles = [Line2D([], [], label=label, **style) for label, style in models.items()]
    if len(losses) > 1:
        handles += [
            Line2D([], [], color="0.3", linestyle="-", label="validation"),
            Line2D([], [], color="0.3", linestyle="--", label="training"),
        ]
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, min(len(handles), 88 // (longest + 8)))
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=9
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
