"""Figures of an analysis, from its tables alone."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kser.analysis.plots import draw_heat_map, draw_points
from kser.evaluation.curves import COLOURS
from kser.evaluation.layer_plots import draw_layer_bands
from kser.representations.analysing.checkpoints import stage_in_words
from kser.representations.analysing.summary_curves import (
    end_curves,
    ends_of,
    over_stages,
    stages_of,
    telling_layers,
)

Tables = Mapping[str, pd.DataFrame]
_COLUMNS = 3
# More colours and marks than that nobody tells apart.
_MOST_LABELS = 20
_PANEL = (3.6, 2.9)
_LAYER = "Hidden state"
_MEASURES = {
    "cka": "CKA",
    "speaker_cka": "CKA between speakers",
    "rbf_cka": "CKA, Gaussian kernels",
    "svcca": "SVCCA",
    "pwcca": "PWCCA",
    "procrustes": "Procrustes distance",
    "rsa": "RSA",
    "uar": "UAR",
    "r2": "R²",
    "participation_ratio": "participation ratio",
    "effective_rank": "effective rank",
    "rankme": "RankMe",
    "rearranged": "rearranged: 1 − CKA",
    "turned": "turned: 1 − cosine",
    "moved": "moved: relative change",
}


@dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: of its files.
        caption: what it shows and how, for its readers.
        figure: of matplotlib.
    """

    name: str
    caption: str
    figure: Figure


def drawings(tables: Tables, summary: pd.DataFrame) -> Iterator[Drawing]:
    """The figures that the tables are enough for.

    Args:
        tables: by name, as an analysis writes them; those that are missing are not drawn.
        summary: see `kser.representations.analysing.seed_summary`.
    """
    if "probes" in tables:
        yield from _probes(tables["probes"], summary[summary["table"] == "probes"])
    if "features" in tables:
        yield from _features(tables["features"], summary[summary["table"] == "features"])
    if "drift" in tables:
        yield from _drift(summary[summary["table"] == "drift"])
    if len(of_geometry := summary[summary["table"] == "geometry"]):
        yield _geometry(of_geometry)
    if "similarity" in tables:
        yield from _similarity(tables["similarity"])
    if "maps" in tables:
        yield from _maps(tables["maps"])


def _probes(table: pd.DataFrame, summary: pd.DataFrame) -> Iterator[Drawing]:
    scores = summary[summary["measure"] != "selectivity"]
    targets = list(dict.fromkeys(table["target"]))

    def draw(axes: Axes, target: str) -> None:
        rows, own = scores[scores["of"] == target], table[table["target"] == target]
        measure = _named(rows["measure"].iloc[0])
        chance = sorted(set(own["chance"]))
        curves = end_curves(rows, own if "low" in own else None)
        draw_layer_bands(axes, curves, measure, chance)
        if measure == "UAR":  # bands of few seeds reach beyond what it can be
            bottom, top = axes.get_ylim()
            axes.set_ylim(max(bottom, -0.02), min(top, 1.02))
        axes.set_title(target, fontsize=10, parse_math=False)

    yield Drawing(
        "probes",
        "What linear probes read from each hidden state, of speakers whom they do not know (the speaker: "
        f"from other sentences), where each model began and where it ended. {_BAND} Dashed: chance.",
        _panels(targets, draw),
    )
    yield from _over_training(
        "probes_over_training",
        "The same at every stage, {model}: mean over seeds.",
        scores,
        {target: scores[scores["of"] == target] for target in targets},
    )


def _features(table: pd.DataFrame, summary: pd.DataFrame) -> Iterator[Drawing]:
    measure = "speaker_cka" if (table["measure"] == "speaker_cka").any() else "cka"
    chosen, own = summary[summary["measure"] == measure], table[table["measure"] == measure]
    groups = list(dict.fromkeys(own["features"]))

    def draw(axes: Axes, group: str) -> None:
        curves = end_curves(chosen[chosen["of"] == group], own[own["features"] == group])
        draw_layer_bands(axes, curves, _named(measure), [0.0])
        axes.set_title(group, fontsize=10, parse_math=False)

    yield Drawing(
        "features",
        f"How far each hidden state arranges utterances as groups of features do ({_named(measure)}; 0: no "
        f"relation), where each model began and where it ended. {_BAND}",
        _panels(groups, draw),
    )
    of_group = {group: chosen[chosen["of"] == group] for group in groups}
    yield from _over_training(
        "features_over_training", "The same at every stage, {model}: mean over seeds.", chosen, of_group
    )
    for model in chosen["model"].unique():
        if len(stages := stages_of(chosen, model)) > 2:
            yield Drawing(
                f"features_trajectories_{model}",
                f"{model}: the same from stage to stage, in the first, the middle and the last hidden state.",
                _trajectories(chosen[chosen["model"] == model], groups, stages, _named(measure)),
            )


def _trajectories(
    summary: pd.DataFrame, groups: Sequence[str], stages: Sequence[str], measure: str
) -> Figure:
    def draw(axes: Axes, layer: int) -> None:
        for number, group in enumerate(groups):
            rows = summary[(summary["of"] == group) & (summary["layer"] == layer)].set_index("stage")
            values = rows.reindex(list(stages))
            colour = COLOURS[number % len(COLOURS)]
            axes.plot(stages, values["mean"], color=colour, marker="os^DvPX"[number % 7], ms=4, label=group)
            axes.fill_between(stages, values["low"], values["high"], color=colour, alpha=0.15, linewidth=0)
        axes.set_title(f"Hidden state {layer}", fontsize=10)
        axes.set_xlabel("Updates")
        axes.set_ylabel(measure)
        axes.tick_params(axis="x", rotation=60, labelsize=8)
        axes.grid(alpha=0.3, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)

    return _panels(telling_layers(summary["layer"].tolist()), draw)


def _drift(summary: pd.DataFrame) -> Iterator[Drawing]:
    for model in summary["model"].unique():
        own = summary[summary["model"] == model]

        def draw(axes: Axes, measure: str, own: pd.DataFrame = own, model: str = model) -> None:
            table = over_stages(own[own["measure"] == measure], model)
            draw_heat_map(axes, table, _named(measure), rows=_LAYER, columns="Updates")

        yield Drawing(
            f"drift_{model}",
            f"{model}: how far each hidden state is from what it was before training, mean over seeds. "
            "1 − CKA sees only what is more than shift, scale and rotation.",
            _panels(["rearranged", "turned", "moved"], draw, with_legend=False),
        )


def _geometry(summary: pd.DataFrame) -> Drawing:
    def draw(axes: Axes, measure: str) -> None:
        name = _named(measure.replace("silhouette_", "silhouette by "))
        draw_layer_bands(axes, end_curves(summary[summary["measure"] == measure]), name)

    return Drawing(
        "geometry",
        "How many directions each hidden state uses, and whether utterances of a label lie together (from −1 "
        "to 1; 0: the label does not matter), where each model began and where it ended. Bands: 95% over "
        "seeds.",
        _panels(list(dict.fromkeys(summary["measure"])), draw),
    )


def _similarity(table: pd.DataFrame) -> Iterator[Drawing]:
    places = ["model", "seed", "stage", "other_model", "other_seed", "other_stage"]
    for measure, of_measure in table.groupby("measure", sort=False):
        squares = {
            place: square
            for place, rows in of_measure.groupby(places, sort=False)
            if (square := _square(rows, place[:3] == place[3:])) is not None
        }
        if not squares:
            continue

        def draw(
            axes: Axes, place: tuple[str, ...], squares: dict = squares, measure: str = str(measure)
        ) -> None:
            rows, columns = (f"{each[0]}{stage_in_words(each[2])}" for each in (place[:3], place[3:]))
            limits = None if measure == "procrustes" else (0.0, 1.0)
            draw_heat_map(axes, squares[place], _named(measure), rows=rows, columns=columns, limits=limits)

        yield Drawing(
            f"similarity_{measure}",
            f"{_named(str(measure))} of hidden states with each other, of the first seed of each model.",
            _panels(list(squares), draw, with_legend=False),
        )


def _square(rows: pd.DataFrame, is_symmetric: bool) -> pd.DataFrame | None:
    """Layers × layers; `None` where only equal layers were compared."""
    square = rows.pivot(index="layer", columns="other_layer", values="value")
    if len(square) > 1 and len(rows) == len(square):
        return None
    return square.combine_first(square.T) if is_symmetric else square


def _maps(table: pd.DataFrame) -> Iterator[Drawing]:
    labels = [name for name in table if name not in ("model", "seed", "stage", "layer", "path", "x", "y")]
    for model in table["model"].unique():
        own = table[table["model"] == model]
        panels = [
            (stage, layer) for stage in ends_of(own, model) for layer in telling_layers(own["layer"].tolist())
        ]
        for label in labels:
            if own[label].nunique() > _MOST_LABELS:
                continue

            def draw(
                axes: Axes, panel: tuple[str, int], own: pd.DataFrame = own, label: str = str(label)
            ) -> None:
                stage, layer = panel
                rows = own[(own["stage"] == stage) & (own["layer"] == layer) & (own[label] != "")]
                draw_points(axes, rows[["x", "y"]].to_numpy(), rows[label], with_legend=False)
                words = stage_in_words(stage).removeprefix(", ")
                axes.set_title(f"hidden state {layer}, {words}", fontsize=10)

            yield Drawing(
                f"map_{model}_by_{label}",
                f"{model}: utterances as points of a plane by {label}, in the first, the middle and the last "
                "hidden state.",
                _panels(panels, draw),
            )


def _over_training(
    name: str, caption: str, summary: pd.DataFrame, panels: Mapping[str, pd.DataFrame]
) -> Iterator[Drawing]:
    """Heat maps of layers × stages, of each model that has more stages than its ends."""
    for model in summary["model"].unique():
        if len(stages_of(summary, model)) < 3:
            continue

        def draw(axes: Axes, panel: str, model: str = model) -> None:
            measure = _named(panels[panel]["measure"].iloc[0])
            draw_heat_map(axes, over_stages(panels[panel], model), measure, rows=_LAYER, columns="Updates")
            axes.set_title(panel, fontsize=10, parse_math=False)

        figure = _panels(list(panels), draw, with_legend=False)
        yield Drawing(f"{name}_{model}", caption.format(model=model), figure)


def _panels(panels: Sequence, draw: Callable, *, with_legend: bool = True) -> Figure:
    """A grid of panels with one legend for all."""
    # Four in a square leave no gap.
    columns = 2 if len(panels) == 4 else min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(0.4 + _PANEL[0] * columns, 0.5 + _PANEL[1] * rows), layout="constrained")
    all_axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(all_axes, panels, strict=False):
        draw(axes, panel)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    if with_legend:
        entries: dict[str, Artist] = {}
        for axes in all_axes[: len(panels)]:
            handles, names = axes.get_legend_handles_labels()
            entries |= dict(zip(names, handles, strict=True))
        legend = figure.legend(
            list(entries.values()),
            list(entries),
            loc="outside lower center",
            ncols=4,
            frameon=False,
            fontsize=9,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure


_BAND = "Bands: 95%, over seeds, or over speakers where there is one seed."


def _named(measure: str) -> str:
    return _MEASURES.get(measure, measure)
