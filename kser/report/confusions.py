"""Confusion matrices averaged over runs, as tables that a screen reader can read, and the top confusions."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex

from kser.evaluation.averaging import AveragedConfusion, average_confusions
from kser.evaluation.figure_files import luminance
from kser.evaluation.statistics.tables import number
from kser.report.markup import Html, element, join, paragraph
from kser.report.numbers import share
from kser.report.study_folder import Study
from kser.report.tables import scrolling, table
from kser.words import counted

MOST_CONFUSIONS = 4
_STEPS = 20
_LIGHT = colormaps["Blues"]
_DARK = LinearSegmentedColormap.from_list("dark blues", ["#1b2027", "#1f4f7d", "#8cc8f4"])


def confusions_section(study: Study, file: str) -> Html:
    """The matrix of each model on each test set, then the most frequent confusions.

    Args:
        study: of one kind of report.
        file: name of the matrices' files, to say which are missing.
    """
    averaged = averaged_confusions(study)
    if not averaged:
        return paragraph(f"The evaluations hold no {file}.")
    matrices = [_matrix(model, dataset, confusion) for (model, dataset), confusion in averaged.items()]
    return join(
        [
            paragraph(
                "A cell shows the share of a true class (row) that was predicted as a class (column): the "
                "mean over runs, and below it the standard deviation in percentage points. Every run has the "
                "same weight."
            ),
            element("div", *matrices, class_="matrices"),
            _top_confusions(averaged),
        ]
    )


def averaged_confusions(study: Study) -> dict[tuple[str, str], AveragedConfusion]:
    """The averaged matrix of each model on each test set that has any."""
    matrices = {
        condition: [run.confusion for run in runs if run.confusion is not None]
        for condition, runs in study.conditions.items()
    }
    return {condition: average_confusions(found) for condition, found in matrices.items() if found}


def confused_pairs(averaged: AveragedConfusion) -> list[tuple[str, str, float, float]]:
    """Which classes are confused with which.

    Returns:
        `(true, predicted, mean count, mean share of the true class)`, most frequent first.
    """
    counts, shares = averaged.counts.to_numpy(), averaged.shares.to_numpy()
    true, predicted = list(map(str, averaged.counts.index)), list(map(str, averaged.counts.columns))
    pairs = [
        (true[i], predicted[j], float(counts[i, j]), float(shares[i, j]))
        for i, j in np.argwhere(counts > 0)
        if true[i] != predicted[j]
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], -pair[3]))


def _matrix(model: str, dataset: str, averaged: AveragedConfusion) -> Html:
    shares, sd = averaged.shares.to_numpy(), averaged.sd.to_numpy()
    true, predicted = list(averaged.counts.index), list(averaged.counts.columns)
    sizes = averaged.counts.to_numpy().sum(axis=1)
    head = element(
        "tr",
        element("th", "true ↓ predicted →", scope="col", class_="corner"),
        *(element("th", label, scope="col") for label in predicted),
    )
    rows = [
        element(
            "tr",
            element("th", label, element("small", f"n = {sizes[i]:.4g}"), scope="row"),
            *(_cell(shares[i, j], sd[i, j], right=label == predicted[j]) for j in range(len(predicted))),
        )
        for i, label in enumerate(true)
    ]
    name = f"{model} on {dataset}, {counted(averaged.runs, 'run')}"
    whole = element(
        "table",
        element("caption", name),
        element("thead", head),
        element("tbody", *rows),
        class_="matrix",
    )
    return scrolling(whole, f"Confusion matrix: {name}")


def _cell(mean: float, spread: float, right: bool) -> Html:
    if np.isnan(mean):
        return element("td", "–")
    below = "" if np.isnan(spread) else element("small", f"± {number(100 * spread, 1)}")
    step = f"s{round(mean * _STEPS)}"
    return element("td", share(mean), below, class_=f"{step} right" if right else step)


def _top_confusions(averaged: Mapping[tuple[str, str], AveragedConfusion]) -> Html:
    rows: list[list[object]] = []
    for (model, dataset), confusion in averaged.items():
        cells = [
            join([f"{true} → {predicted}", element("small", f"{share(part)}, {number(count, 1)} per run")])
            for true, predicted, count, part in confused_pairs(confusion)[:MOST_CONFUSIONS]
        ]
        rows.append([model, dataset, *cells, *["–"] * (MOST_CONFUSIONS - len(cells))])
    return table(
        "Most frequent confusions: share of the true class, mean number of utterances",
        ["model", "tested on", *(f"{place}." for place in range(1, MOST_CONFUSIONS + 1))],
        rows,
        text_columns=2 + MOST_CONFUSIONS,
        row_headings=2,
    )


def heat_style() -> str:
    """Style of the classes s0 … s20 of cells, for a light and a dark page.

    Text is black or white, whichever has the higher contrast: at least 4.58:1 on any ground.
    """
    light = "\n".join(_rule(step, _LIGHT) for step in range(_STEPS + 1))
    dark = "\n".join(_rule(step, _DARK) for step in range(_STEPS + 1))
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def _rule(step: int, colours: Colormap) -> str:
    red, green, blue, _ = colours(step / _STEPS)
    ground = float(luminance(np.array([red, green, blue])))
    text = "#000" if (ground + 0.05) / 0.05 > 1.05 / (ground + 0.05) else "#fff"
    return f".s{step} {{ background: {to_hex((red, green, blue))}; color: {text}; }}"
