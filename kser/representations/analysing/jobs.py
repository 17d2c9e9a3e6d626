"""The pieces of an analysis: each gives some rows of one table, in any order and in any process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np

from kser.analysis.canonical_correlation import pwcca, svcca
from kser.analysis.cka import linear_cka, rbf_cka
from kser.analysis.drift import layer_drift
from kser.analysis.geometry import effective_rank, participation_ratio, rankme, silhouette
from kser.analysis.maps import pca_map, umap_map
from kser.analysis.procrustes import procrustes_distance
from kser.analysis.rsa import rsa
from kser.analysis.speaker_cka import speaker_cka
from kser.analysis.uncertainty import permutation_test, speaker_band
from kser.errors import UserError
from kser.representations.analysing.context import Context, Layer, drawn
from kser.representations.analysing.settings import AnalysisSettings, Measure

# Of more utterances, what takes time or memory with their square is of so many, drawn at random.
MOST_PAIRED = 5000
MOST_DRAWN = 2000
# Of CKA of Gaussian kernels, whose time is a square too, batches have so many.
_BATCH = 2000
# Of more speakers, the jackknife leaves out so many groups of them, one after the other.
_GROUPS = 20
# CKA between speakers needs four, and its interval leaves each of them out once.
_FEWEST_SPEAKERS = 5

Row = dict[str, Any]
Similarity = Callable[[np.ndarray, np.ndarray], float]


@dataclass
class Outcome:
    """What a job gives.

    Attributes:
        rows: of its table.
        notes: what could not be computed, and why, a line each.
    """

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def attempt(self, what: str, compute: Callable[[], Any], otherwise: Any = float("nan")) -> Any:
        """A value, or another one with a note where the data do not allow it."""
        try:
            return compute()
        except UserError as error:
            self.notes.append(f"{what}: {error}")
            return otherwise


class Job(Protocol):
    """A piece of an analysis.

    Attributes:
        table: the table whose rows it gives.
    """

    table: ClassVar[str]

    @property
    def key(self) -> str:
        """What it is told from others by, the same in each run of the command."""

    def outcome(self, context: Context) -> Outcome:
        """Compute the rows."""


@dataclass(frozen=True)
class SimilarityJob:
    """A layer beside layers of the same or another checkpoint."""

    table: ClassVar[str] = "similarity"
    layer: Layer
    others: tuple[Layer, ...]

    @property
    def key(self) -> str:
        return f"{self.table} {tuple(self.layer)} {[tuple(other) for other in self.others]}"

    def outcome(self, context: Context) -> Outcome:
        found = Outcome()
        own = context.compared(self.layer)
        for other in self.others:
            compared = context.compared(other)
            for name in context.settings.measures:
                value = found.attempt(name, partial(_measure(name, len(own)), own, compared))
                beside = {f"other_{column}": of for column, of in context.place(other).items()}
                found.rows.append({**context.place(self.layer), **beside, "measure": name, "value": value})
        return found


@dataclass(frozen=True)
class _LayerJob:
    """A job that is told from others of its table by its layer."""

    table: ClassVar[str]
    layer: Layer

    @property
    def key(self) -> str:
        return f"{self.table} {tuple(self.layer)}"


@dataclass(frozen=True)
class FeaturesJob(_LayerJob):
    """A layer beside each group of features: debiased CKA with its test, and CKA between speakers.

    Both the test and the interval compute it many times: the test takes `MOST_PAIRED` utterances at
    most, and the interval leaves out 20 groups of speakers at most.
    """

    table: ClassVar[str] = "features"

    def outcome(self, context: Context) -> Outcome:
        found = Outcome()
        for group, values in context.features.items():
            complete = np.flatnonzero(np.isfinite(values).all(axis=1))
            row = {**context.place(self.layer), "features": group, "utterances": len(complete)}
            columns = values[complete]
            columns = columns[:, np.ptp(columns, axis=0) > 0] if len(complete) else columns
            if not columns.size:
                found.notes.append(f"features {group}: no utterances that have them all, or no differences")
                continue
            spread = (columns - columns.mean(axis=0)) / columns.std(axis=0)
            vectors = context.compared(self.layer, complete)
            speakers = None if context.speakers is None else context.speakers[complete]
            if speakers is None and context.settings.permutations:
                found.notes.append(
                    f"features: not every speaker is named (column {context.settings.speaker}): their test "
                    "counts voices that both hold as similarity"
                )
            found.rows.append(row | _cka_with_test(found, context, vectors, spread, speakers))
            if speakers is not None and len(np.unique(speakers)) >= _FEWEST_SPEAKERS:
                found.rows.append(row | _cka_between_speakers(found, vectors, spread, speakers))
        return found


def _cka_with_test(
    found: Outcome, context: Context, vectors: np.ndarray, features: np.ndarray, speakers: np.ndarray | None
) -> Row:
    value = found.attempt("features", lambda: linear_cka(vectors, features))
    row = {"measure": "cka", "value": value, "low": np.nan, "high": np.nan, "p": np.nan}
    if context.settings.permutations and np.isfinite(value):
        some = drawn(len(vectors), MOST_PAIRED, context.settings.seed)
        within = None if speakers is None else speakers[some]
        row["p"] = found.attempt(
            "features", lambda: _chance(vectors[some], features[some], within, context.settings)
        )
    return row


def _chance(
    vectors: np.ndarray, features: np.ndarray, within: np.ndarray | None, settings: AnalysisSettings
) -> float:
    """The p-value of CKA when utterances change places within speakers."""
    return permutation_test(
        lambda order: linear_cka(vectors, features[order]),
        len(vectors),
        within=within,
        permutations=settings.permutations,
        seed=settings.seed,
    ).p


def _cka_between_speakers(
    found: Outcome, vectors: np.ndarray, features: np.ndarray, speakers: np.ndarray
) -> Row:
    def statistic(rows: np.ndarray) -> float:
        return speaker_cka(vectors[rows], features[rows], speakers[rows])

    missing = (np.nan, np.nan, np.nan)
    band = found.attempt("features", lambda: speaker_band(statistic, _left_out_together(speakers)), missing)
    value, low, high = map(float, band)
    return {"measure": "speaker_cka", "value": value, "low": low, "high": high, "p": np.nan}


def _left_out_together(speakers: np.ndarray) -> np.ndarray:
    """What the jackknife leaves out at a time: a speaker, or of many a group of them; one an utterance."""
    codes = np.unique(speakers, return_inverse=True)[1]
    return codes % min(_GROUPS, int(codes.max()) + 1)


@dataclass(frozen=True)
class DriftJob:
    """How far a layer has moved from what it was at another checkpoint."""

    table: ClassVar[str] = "drift"
    start: Layer
    layer: Layer

    @property
    def key(self) -> str:
        return f"{self.table} {tuple(self.start)} {tuple(self.layer)}"

    def outcome(self, context: Context) -> Outcome:
        found = Outcome()
        drift = found.attempt(
            "drift", lambda: layer_drift(context.vectors(self.start), context.vectors(self.layer)), None
        )
        if drift is not None:
            moved = {"rearranged": drift.rearranged, "turned": drift.turned, "moved": drift.moved}
            found.rows.append({**context.place(self.layer), **moved})
        return found


@dataclass(frozen=True)
class GeometryJob(_LayerJob):
    """Ranks of a layer, and silhouettes by each column of classes.

    RankMe is of the vectors as the store has them: of standardised ones it would be the effective rank again.
    """

    table: ClassVar[str] = "geometry"

    def outcome(self, context: Context) -> Outcome:
        found = Outcome()
        vectors = context.compared(self.layer)
        row: Row = {
            **context.place(self.layer),
            **{
                rank.__name__: found.attempt(rank.__name__, partial(rank, vectors))
                for rank in (participation_ratio, effective_rank)
            },
            "rankme": found.attempt("rankme", lambda: rankme(context.vectors(self.layer))),
        }
        sample = context.sample(MOST_PAIRED)
        for name in context.classes:
            labels = context.utterances.table[name].iloc[sample].to_numpy(dtype=str)
            known = labels != ""
            row[f"silhouette_{name}"] = found.attempt(
                f"silhouette by {name}", partial(silhouette, vectors[sample][known], labels[known])
            )
        found.rows.append(row)
        return found


@dataclass(frozen=True)
class MapJob(_LayerJob):
    """Utterances of a layer as points of a plane."""

    table: ClassVar[str] = "maps"

    def outcome(self, context: Context) -> Outcome:
        found = Outcome()
        sample = context.sample(MOST_DRAWN)
        vectors = context.compared(self.layer, sample)
        if context.settings.map_method == "umap":
            points = found.attempt("map", lambda: umap_map(vectors, seed=context.settings.seed), None)
        else:
            points = found.attempt("map", lambda: pca_map(vectors).points, None)
        if points is None:
            return found
        table = context.utterances.table.iloc[sample]
        labels = {name: table[name].tolist() for name in context.classes}
        for place, (path, (x, y)) in enumerate(zip(table["path"], points.tolist(), strict=True)):
            of_row = {name: values[place] for name, values in labels.items()}
            found.rows.append({**context.place(self.layer), "path": path, **of_row, "x": x, "y": y})
        return found


def _measure(name: Measure, n: int) -> Similarity:
    batch_size = _BATCH if n > MOST_PAIRED else None
    measures: dict[Measure, Similarity] = {
        "cka": linear_cka,
        "rbf_cka": partial(rbf_cka, batch_size=batch_size),
        "svcca": svcca,
        "pwcca": pwcca,
        "procrustes": procrustes_distance,
        "rsa": rsa,
    }
    return measures[name]
