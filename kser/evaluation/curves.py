"""Training curves of one or many models, mean and band over seeds."""

from collections.abc import Sequence
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

Band = Literal["sd", "ci"]
BANDS = {"sd": "± 1 SD", "ci": "95% confidence interval (t, from 3 seeds on)"}
FORMATS = (".png", ".svg", ".pdf")
PREFERRED_METRICS = ("val_uar", "val_accuracy", "val_f1score", "val_ccc", "val_mse")

_NAMES = {"uar": "UAR", "accuracy": "accuracy (WA)", "f1score": "macro F1", "ccc": "CCC", "mse": "MSE"}
_LOSSES = {"val_loss": "-", "loss": "--"}
# Okabe & Ito's palette for all colour visions, without its yellow, which a white ground swallows.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = ("", "o", "s", "^", "D", "v", "P")
_DPI = 200


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
    seeds is their mean with a band, see `mean_over_seeds`; runs whose logs have other steps are read off
    between their own.

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
        UserError: there is no display, or no run has the metric.
    """
    import matplotlib
    from matplotlib import pyplot
    from matplotlib.backends import BackendFilter, backend_registry

    figure = pyplot.figure(layout="constrained")
    draw_training_curves(figure, curves, metric=metric, band=band, title=title)
    backend = matplotlib.get_backend()
    if backend.lower() in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE):
        pyplot.close(figure)
        raise UserError(f"--show: no window can be opened here (matplotlib: {backend}); use --output_path")
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
    for axes, names in zip(all_axes, panels, strict=True):
        for model, style in styles.items():
            for name in names:
                runs = curves[curves["model"] == model]
                _draw_curve(axes, runs, name, band, style | {"linestyle": _LOSSES.get(name, "-")})
        axes.set_ylabel("Loss" if len(names) > 1 else _title_of(names[0]))
        axes.grid(alpha=0.3, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[-1].set_xlabel("Training step (updates of the weights)")
    all_axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    if _seeds(curves).max() > 1:
        all_axes[0].set_title(f"mean over seeds, band: {BANDS[band]}", fontsize=9, loc="left")
    if title is not None:
        figure.suptitle(title, fontsize=12, parse_math=False)
    _add_legend(figure, styles, _seeds(curves), losses)


def find_metric(curves: pd.DataFrame, metric: str | None = None) -> str:
    """The column that a metric's name means, see `plot_training_curves`.

    Raises:
        UserError: no run has it; says which curves there are.
    """
    there = [
        name
        for name in curves.columns.drop(["model", "seed", "step"])
        if curves[name].notna().any() and name != "epoch"
    ]
    if metric is None:
        wanted = [*PREFERRED_METRICS, *(name for name in there if name.startswith("val_")), *there]
    else:
        bare = metric.replace("/", "_").removeprefix("eval_").removeprefix("val_")
        wanted = [metric, f"val_{bare}", metric.replace("/", "_")]
    for name in wanted:
        if name in there:
            return name
    raise UserError(f"--metric {metric}: no run has it; there are: {', '.join(there) or 'no curves'}")


def runs_without(curves: pd.DataFrame, metric: str) -> list[str]:
    """The runs that have no value of a metric, as "MODEL, seed N"."""
    has_any = curves.groupby(["model", "seed"], sort=False)[metric].count() > 0
    return [f"{model}, seed {seed}" if seed else model for model, seed in has_any.index[~has_any]]


def mean_over_seeds(
    runs: Sequence[tuple[np.ndarray, np.ndarray]], band: Band = "sd"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of curves with steps of their own, and half the width of a band.

    Between its steps a curve is read off linearly; before its first and after its last it has no value. The
    mean is taken where at least half of the curves (and not a single one of several) have a value, so that
    the last of 20 runs to stop early does not pass for their mean.

    Args:
        runs: steps (n,), ascending, and values (n,) of each curve, no NaN.
        band: "sd": one standard deviation (of a sample, ddof = 1); "ci": the 95% interval of the mean by
            Student's t distribution.

    Returns:
        steps (m,), means (m,) and half widths (m,); NaN where there is one
        curve, or two for "ci".
    """
    steps = np.unique(np.concatenate([of for of, _ in runs]))
    values = np.stack([np.interp(steps, of, value, left=np.nan, right=np.nan) for of, value in runs])
    number = (~np.isnan(values)).sum(axis=0)
    enough = number >= max(min(2, len(runs)), len(runs) / 2)
    steps, values, number = steps[enough], values[:, enough], number[enough]
    mean = np.nansum(values, axis=0) / number
    if len(runs) == 1:
        return steps, mean, np.full(len(steps), np.nan)
    width = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / (number - 1))
    if band == "ci":
        # Of two values it is nine standard deviations to each side: that would be the whole figure.
        t = np.where(number > 2, stats.t.ppf(0.975, number - 1), np.nan)
        width = width * t / np.sqrt(number)
    return steps, mean, width


def _draw_curve(axes: Axes, runs: pd.DataFrame, name: str, band: Band, style: dict[str, Any]) -> None:
    known = runs.dropna(subset=[name]) if name in runs else runs.head(0)
    if known.empty:
        return
    by_run = [
        (run["step"].to_numpy(dtype=float), run[name].to_numpy(dtype=float))
        for _, run in known.sort_values("step").groupby("seed")
    ]
    steps, mean, width = mean_over_seeds(by_run, band)
    if len(steps) == 1 and not style["marker"]:
        style = style | {"marker": "o"}  # a line through one point is invisible
    axes.plot(steps, mean, linewidth=1.6, **style)
    if len(by_run) > 1:
        axes.fill_between(steps, mean - width, mean + width, color=style["color"], alpha=0.18, linewidth=0)


def _styles(curves: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Colours by model; beyond seven models they come again, with a marker."""
    return {
        model: {
            "color": _COLOURS[number % len(_COLOURS)],
            "marker": _MARKERS[number // len(_COLOURS) % len(_MARKERS)],
            "markersize": 4,
            "markevery": 0.12,
        }
        for number, model in enumerate(curves["model"].unique())
    }


def _seeds(curves: pd.DataFrame) -> pd.Series:
    return curves.groupby("model")["seed"].nunique()


def _title_of(metric: str) -> str:
    bare = metric.removeprefix("val_")
    name = _NAMES.get(bare, bare)
    if metric.startswith("val_"):
        return f"Validation {name}"
    return "Training loss" if metric == "loss" else name


def _add_legend(
    figure: Figure, styles: dict[str, dict[str, Any]], seeds: pd.Series, losses: Sequence[str]
) -> None:
    """Below the figure: there is no data."""
    handles = [
        Line2D([], [], label=f"{model} ({seeds[model]} {'seed' if seeds[model] == 1 else 'seeds'})", **style)
        for model, style in styles.items()
    ]
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
