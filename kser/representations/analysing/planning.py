"""Which jobs an analysis is made of."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from kser.representations.analysing.checkpoints import Checkpoint, trajectories
from kser.representations.analysing.context import Context
from kser.representations.analysing.jobs import DriftJob, FeaturesJob, GeometryJob, Job, MapJob, SimilarityJob
from kser.representations.analysing.probe_jobs import ProbeJob, questions

Pair = tuple[int, int]


def planned_jobs(context: Context) -> list[Job]:
    """The jobs of the parts that are asked for.

    Similarity is between all layers of where each model began and where it ended, of its first seed; between
    all layers of the ends of each two models; and between the same layers of the ends of two seeds. Maps are
    of those beginnings and ends. Features, drift, geometry and probes are of every checkpoint.

    Raises:
        UserError: a column that was asked for is missing, or has cells that do not fit.
    """
    parts = context.settings.parts
    all_layers = [layer for place in range(len(context.checkpoints)) for layer in context.layers(place)]
    jobs: list[Job] = []
    if "similarity" in parts:
        jobs += _similarity_jobs(context)
    if "features" in parts and context.features:
        jobs += [FeaturesJob(layer) for layer in all_layers]
    if "drift" in parts:
        jobs += _drift_jobs(context)
    if "geometry" in parts:
        jobs += [GeometryJob(layer) for layer in all_layers]
    if "probes" in parts:
        jobs += [ProbeJob(layer, question) for question in questions(context) for layer in all_layers]
    if "maps" in parts:
        jobs += [MapJob(layer) for place in _drawn(context) for layer in context.layers(place)]
    return jobs


def similarity_pairs(checkpoints: Sequence[Checkpoint]) -> Iterator[Pair]:
    """Places of checkpoints whose layers are all compared with each other; the first of a pair is rows."""
    firsts = [(places[0], places[-1]) for places in _first_trajectories(checkpoints)]
    for start, end in firsts:
        yield start, start
        if end != start:
            yield start, end
            yield end, end
    yield from combinations([end for _, end in firsts], 2)


def _similarity_jobs(context: Context) -> Iterator[SimilarityJob]:
    for first, second in similarity_pairs(context.checkpoints):
        for layer in context.layers(first):
            others = context.layers(second)
            # A checkpoint beside itself is symmetric: but for PWCCA, whose first layer weighs.
            if first == second and "pwcca" not in context.settings.measures:
                others = [other for other in others if other.number >= layer.number]
            yield SimilarityJob(layer, tuple(others))
    for first, second in _seed_pairs(context.checkpoints):
        of_second = {layer.number: layer for layer in context.layers(second)}
        for layer in context.layers(first):
            if layer.number in of_second:
                yield SimilarityJob(layer, (of_second[layer.number],))


def _drift_jobs(context: Context) -> Iterator[DriftJob]:
    for start, *later in _places(context.checkpoints):
        for place in later:
            of_later = {layer.number: layer for layer in context.layers(place)}
            for layer in context.layers(start):
                if layer.number in of_later:
                    yield DriftJob(layer, of_later[layer.number])


def _drawn(context: Context) -> list[int]:
    found = [
        place for places in _first_trajectories(context.checkpoints) for place in (places[0], places[-1])
    ]
    return list(dict.fromkeys(found))


def _seed_pairs(checkpoints: Sequence[Checkpoint]) -> Iterator[Pair]:
    """The ends of each two seeds of a model."""
    ends = [places[-1] for places in _places(checkpoints)]
    for first, second in combinations(ends, 2):
        if checkpoints[first].model == checkpoints[second].model:
            yield first, second


def _first_trajectories(checkpoints: Sequence[Checkpoint]) -> list[list[int]]:
    """Of each model the places of its first seed's checkpoints."""
    first: dict[str, list[int]] = {}
    for places in _places(checkpoints):
        first.setdefault(checkpoints[places[0]].model, places)
    return list(first.values())


def _places(checkpoints: Sequence[Checkpoint]) -> list[list[int]]:
    place_of = {each.store.folder: place for place, each in enumerate(checkpoints)}
    return [[place_of[each.store.folder] for each in run] for run in trajectories(checkpoints)]
