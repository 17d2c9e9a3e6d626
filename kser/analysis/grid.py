"""The measures over layers, checkpoints, feature groups and models: tables with every number of a figure.

Vectors come as a mapping from a name (a layer's number, a model, a feature group) to an array; arrays that
are mapped from files are read one or two at a time.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kser.analysis.cka import linear_cka
from kser.analysis.drift import layer_drift
from kser.analysis.geometry import effective_rank, participation_ratio, rankme, silhouette
from kser.analysis.probes import PROBE, Groups, ProbeSettings, control_scores, probe, score_interval
from kser.analysis.speaker_cka import speaker_cka
from kser.analysis.targets import Target
from kser.analysis.uncertainty import speaker_band

NamedVectors = Mapping[Hashable, ArrayLike]
Similarity = Callable[[ArrayLike, ArrayLike], float]
SpeakerSimilarity = Callable[[ArrayLike, ArrayLike, np.ndarray], float]


def similarity_table(
    rows: NamedVectors, columns: NamedVectors, measure: Similarity = linear_cka
) -> pd.DataFrame:
    """A measure of each two sets of vectors: layers × feature groups, or the layers of two models.

    Args:
        rows: vectors (utterances, channels) by name.
        columns: the same utterances, by name.
        measure: takes one of the rows and one of the columns.

    Returns:
        float64, one row and one column a name, in their order.
    """
    values = [[measure(first, second) for second in columns.values()] for first in rows.values()]
    return pd.DataFrame(values, index=list(rows), columns=list(columns), dtype=np.float64)


def similarity_bands(
    rows: NamedVectors,
    columns: NamedVectors,
    speakers: Groups,
    measure: SpeakerSimilarity = speaker_cka,
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """A measure of each two sets of vectors, with its interval for other speakers.

    Args:
        rows: see `similarity_table`.
        columns: see `similarity_table`.
        speakers: one an utterance; takes as many times longer as there are of them.
        measure: takes one of the rows, one of the columns, and their speakers:
            `lambda first, second, _: procrustes_distance(first, second)` where it needs none.
        level: of the intervals.

    Returns:
        One row a pair: `row`, `column`, and `estimate`, `low`, `high` as
        `kser.analysis.uncertainty.speaker_band` gives them.
    """

    names = np.array([str(speaker) for speaker in speakers])  # type: ignore[union-attr]

    def band_of(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
        def statistic(chosen: np.ndarray) -> float:
            return measure(first[chosen], second[chosen], names[chosen])

        band = speaker_band(statistic, speakers, level=level)
        return {"estimate": float(band.estimate), "low": float(band.low), "high": float(band.high)}

    return pd.DataFrame(
        {"row": row, "column": column, **band_of(np.asanyarray(first), np.asanyarray(second))}
        for row, first in rows.items()
        for column, second in columns.items()
    )


def trajectory_table(
    checkpoints: Mapping[Hashable, NamedVectors], features: NamedVectors, measure: Similarity = linear_cka
) -> pd.DataFrame:
    """A measure of each layer and feature group, from checkpoint to checkpoint.

    Args:
        checkpoints: by name (updates so far), the layers by name.
        features: groups of features of the same utterances, by name.
        measure: takes a layer and a feature group.

    Returns:
        One row a checkpoint, layer and feature group: `checkpoint`, `layer`, `features`, `value`.
    """
    return pd.DataFrame(
        {
            "checkpoint": checkpoint,
            "layer": layer,
            "features": name,
            "value": measure(vectors, group),
        }
        for checkpoint, layers in checkpoints.items()
        for layer, vectors in layers.items()
        for name, group in features.items()
    )


def drift_table(checkpoints: Mapping[Hashable, NamedVectors]) -> pd.DataFrame:
    """How far each layer is from what it was at the first checkpoint.

    Args:
        checkpoints: by name (updates so far), the layers by name; all with the layers of the first.

    Returns:
        One row a later checkpoint and layer: `checkpoint`, `layer`, `rearranged`, `turned`, `moved`, see
        `kser.analysis.drift.Drift`.
    """

    def drift_of(before: ArrayLike, after: ArrayLike) -> dict[str, float]:
        drift = layer_drift(before, after)
        return {"rearranged": drift.rearranged, "turned": drift.turned, "moved": drift.moved}

    (_, start), *later = checkpoints.items()
    return pd.DataFrame(
        {"checkpoint": checkpoint, "layer": layer, **drift_of(before, layers[layer])}
        for checkpoint, layers in later
        for layer, before in start.items()
    )


def geometry_table(layers: NamedVectors, labels: Mapping[str, Groups] | None = None) -> pd.DataFrame:
    """Ranks of each layer, and silhouettes by each of several labels.

    Args:
        layers: vectors (utterances, channels) by name.
        labels: by name ("emotion", "speaker"), one an utterance.

    Returns:
        One row a layer: `layer`, `participation_ratio`, `effective_rank`, `rankme`, and `silhouette_NAME` of
        each name, see `kser.analysis.geometry`.
    """
    ranks = (participation_ratio, effective_rank, rankme)
    return pd.DataFrame(
        {
            "layer": layer,
            **{rank.__name__: rank(vectors) for rank in ranks},
            **{f"silhouette_{name}": silhouette(vectors, values) for name, values in (labels or {}).items()},
        }
        for layer, vectors in layers.items()
    )


def probe_table(
    layers: NamedVectors,
    target: Target,
    groups: Groups | None,
    *,
    speakers: Groups | None = None,
    units: Groups | None = None,
    draws: int = 0,
    seeds: Sequence[int] = (0,),
    settings: ProbeSettings = PROBE,
) -> pd.DataFrame:
    """Probes of one target in each layer.

    Args:
        layers: vectors (utterances, channels) by name.
        target: see `kser.analysis.probes.probe`.
        groups: see `kser.analysis.probes.probe`.
        speakers: one an utterance; with them come intervals for other speakers.
        units: see `kser.analysis.probes.control_scores`.
        draws: of random targets; 0 for no control.
        seeds: of the folds, each a row; the same ones for all layers.
        settings: of the probes, whose seed gives way to `seeds`.

    Returns:
        One row a layer and seed: `layer`, `seed`, `measure`, `score`, `chance`, `penalties` chosen, and folds
        that are `unfinished`; with speakers `low` and `high`; with a control its mean, `control`, and the
        `selectivity`, score less control.
    """

    def row_of(layer: Hashable, vectors: ArrayLike, seed: int) -> dict[str, Any]:
        seeded = replace(settings, seed=seed)
        found = probe(vectors, target, groups, seeded)
        row = {"layer": layer, "seed": seed, **vars(found)}
        del row["predicted"]
        if speakers is not None:
            row["low"], row["high"] = score_interval(found, target, speakers)
        if draws:
            controls = control_scores(vectors, target, groups, units, draws=draws, settings=seeded)
            row |= {"control": controls.mean(), "selectivity": found.score - controls.mean()}
        return row

    return pd.DataFrame(row_of(layer, vectors, seed) for layer, vectors in layers.items() for seed in seeds)
