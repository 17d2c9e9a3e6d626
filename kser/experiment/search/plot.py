"""A figure of a search: the objective of every trial, by trial and by each searched value."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from kser.experiment.config.search_rules import value_in_words
from kser.experiment.config.search_space import Choice, Dimension, SearchSpace
from kser.experiment.search.trials import Trial
from kser.files import replacing
from kser.training.objectives import ValidationMetric

# Okabe & Ito's palette for all colour visions; shapes say the same as colours.
_COMPLETED: dict[str, Any] = {"marker": "o", "color": "#0072B2", "s": 36}
_BEST: dict[str, Any] = {"marker": "*", "color": "#D55E00", "s": 190, "zorder": 3}
_FAILED: dict[str, Any] = {"marker": "x", "color": "#000000", "s": 44}
_PANEL_INCHES = (4.2, 3.2)
_COLUMNS = 3
_DPI = 200
_MOST_NAMED_VALUES = 12


def plot_search(
    path: Path, trials: Sequence[Trial], best: Trial, space: SearchSpace, metric: ValidationMetric, title: str
) -> None:
    """Draw trials to a PNG; failed ones are crosses at the foot.

    Args:
        path: the file; an older one is replaced whole.
        trials: all of the search.
        best: one of them.
        space: what was searched.
        metric: what the objective is.
        title: a line above.
    """
    panels = 1 + len(space.dimensions)
    columns = min(panels, _COLUMNS)
    rows = -(-panels // columns)
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(columns * width, rows * height + 0.7), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).flatten()
    better = "higher" if metric.higher_is_better else "lower"
    figure.suptitle(f"{title}: hyper-parameter search")
    figure.supylabel(f"best validation {metric.name} ({better} is better)")
    _draw(axes[0], trials, best, lambda trial: trial.number)
    axes[0].set_xlabel("trial")
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    _draw_best_so_far(axes[0], trials, metric)
    for panel, dimension in zip(axes[1:], space.dimensions, strict=False):
        _draw_dimension(panel, trials, best, dimension)
    for unused in axes[panels:]:
        unused.set_visible(False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=_DPI)


def _draw(axes: Axes, trials: Sequence[Trial], best: Trial, place: Callable[[Trial], float]) -> None:
    """Every trial at its place."""
    failed = [trial for trial in trials if trial.status == "failed"]
    others = [trial for trial in trials if trial.status == "completed" and trial.number != best.number]
    objectives = [_objective(trial) for trial in others]
    axes.scatter([place(trial) for trial in others], objectives, label="trial", **_COMPLETED)
    axes.scatter([place(best)], [_objective(best)], label="best trial", **_BEST)
    if failed:
        foot = axes.get_xaxis_transform()
        axes.scatter(
            [place(trial) for trial in failed],
            [0.04] * len(failed),
            transform=foot,
            label="failed",
            **_FAILED,
        )
    axes.margins(y=0.15)  # room for them
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_best_so_far(axes: Axes, trials: Sequence[Trial], metric: ValidationMetric) -> None:
    completed = [trial for trial in trials if trial.status == "completed"]
    objectives = np.asarray([_objective(trial) for trial in completed])
    so_far = (np.maximum if metric.higher_is_better else np.minimum).accumulate(objectives)
    numbers = [trial.number for trial in completed]
    axes.step(numbers, so_far, where="post", color="#999999", linewidth=1.2, zorder=0, label="best so far")


def _draw_dimension(axes: Axes, trials: Sequence[Trial], best: Trial, dimension: Dimension) -> None:
    """The objective by one searched value: numbers on their scale, others side by side."""
    field = dimension.field
    axes.set_xlabel(field)
    if isinstance(dimension, Choice) and not dimension.is_grid:
        names = [value_in_words(value) for value in dimension.values]
        places = {repr(value): place for place, value in enumerate(dimension.values)}
        _draw(axes, trials, best, lambda trial: places[repr(trial.values[field])])
        slanted: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(len(names)), names, **(slanted if max(map(len, names)) > 6 else {}))
        axes.set_xlim(-0.5, len(names) - 0.5)
        return
    _draw(axes, trials, best, lambda trial: trial.values[field])
    ends = (min(dimension.corners), max(dimension.corners))
    if dimension.sampling == "log":
        axes.set_xscale("log")
        pad = max((ends[1] / ends[0]) ** 0.05, 1.01)
        axes.set_xlim(ends[0] / pad, ends[1] * pad)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if ends[1] / ends[0] < 200 else (1,)))
        axes.xaxis.set_major_formatter(lambda value, _: value_in_words(float(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        pad = 0.05 * (ends[1] - ends[0]) or 1.0
        axes.set_xlim(ends[0] - pad, ends[1] + pad)
    if isinstance(dimension, Choice) and len(dimension.values) <= _MOST_NAMED_VALUES:
        axes.set_xticks(dimension.values, [value_in_words(value) for value in dimension.values])
        axes.minorticks_off()


def _objective(trial: Trial) -> float:
    """Of a completed trial."""
    assert trial.objective is not None
    return trial.objective
