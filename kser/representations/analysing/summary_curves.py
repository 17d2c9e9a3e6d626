"""Numbers of an analysis as curves over layers and as tables of layers × stages, ready to be drawn."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kser.evaluation.layer_plots import LayerCurve
from kser.representations.analysing.checkpoints import stage_in_words, stage_order


def stages_of(table: pd.DataFrame, model: str) -> list[str]:
    """The stages of a model in their order."""
    return sorted(table.loc[table["model"] == model, "stage"].unique(), key=stage_order)


def ends_of(table: pd.DataFrame, model: str) -> list[str]:
    """The first and the last stage of a model; one if there is one."""
    stages = stages_of(table, model)
    return list(dict.fromkeys((stages[0], stages[-1])))


def end_curves(summary: pd.DataFrame, intervals: pd.DataFrame | None = None) -> dict[str, LayerCurve]:
    """Over layers, of where each model began and where it ended.

    Args:
        summary: rows of one quantity, see `kser.representations.analysing.seed_summary`.
        intervals: rows of the same quantity with `low` and `high` over speakers, which a single seed's curve
            has in place of those over seeds.
    """
    curves = {}
    for model in summary["model"].unique():
        for stage in ends_of(summary, model):
            rows = _of(summary, model, stage).sort_values("layer")
            low, high = rows["low"].to_numpy(), rows["high"].to_numpy()
            if intervals is not None and rows["seeds"].max() == 1:
                means = _of(intervals, model, stage).groupby("layer")[["low", "high"]].mean()
                low, high = means.reindex(rows["layer"]).to_numpy(dtype=np.float64).T
            curves[f"{model}{stage_in_words(stage)}"] = LayerCurve(
                rows["layer"].to_numpy(), rows["mean"].to_numpy(), low, high
            )
    return curves


def over_stages(summary: pd.DataFrame, model: str) -> pd.DataFrame:
    """Layers × stages of one quantity of a model, means over seeds."""
    table = summary[summary["model"] == model].pivot(index="layer", columns="stage", values="mean")
    return table[stages_of(summary, model)].sort_index()


def telling_layers(layers: Sequence[int]) -> list[int]:
    """The first, the middle and the last of layers."""
    ordered = sorted(set(layers))
    return list(dict.fromkeys((ordered[0], ordered[len(ordered) // 2], ordered[-1])))


def _of(table: pd.DataFrame, model: str, stage: str) -> pd.DataFrame:
    return table[(table["model"] == model) & (table["stage"] == stage)]
