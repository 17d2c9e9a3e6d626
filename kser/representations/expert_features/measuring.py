"""Features of many recordings, measured in several processes."""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from kser.audio.loading import waveform_of
from kser.errors import UserError
from kser.processes import end_with_parent
from kser.representations.expert_features.feature_set import FeatureSet
from kser.serving.decoding import Decoded, decoded_chunks

# Of audio between two times that progress is kept.
_CHUNK_SECONDS = 120

Named = tuple[str, np.ndarray]
Measured = np.ndarray | UserError
Mapper = Callable[[Callable[[Named], Measured], Iterable[Named]], Iterator[Measured]]


@dataclass(frozen=True)
class MeasuredChunk:
    """Some recordings.

    Attributes:
        features: float64 (recordings that can be used, columns of the set).
        unusable: why the others cannot, by their places among all.
        recordings: how many they are together.
    """

    features: np.ndarray
    unusable: dict[int, str]
    recordings: int


def measured(
    features: FeatureSet,
    recordings: Iterable[tuple[str, Any]],
    workers: int,
    report: Callable[[int], None] = lambda recordings: None,
) -> Iterator[MeasuredChunk]:
    """Measure recordings in their order, some at a time.

    Args:
        features: what to measure.
        recordings: of each its name, for messages, and what was given as audio, see
            `kser.serving.given_audio.sound_of`.
        workers: processes; with 1, this one. They change no number.
        report: gets how many recordings of those that are measured together are done, after each.

    Raises:
        UserError: a process was ended from outside.
    """
    measure = partial(_measured, features.measure)
    with _mapper(workers) as mapped:
        for chunk in decoded_chunks(recordings, features.sampling_rate, _CHUNK_SECONDS):
            prepared = [_waveform(each, features.sampling_rate) for each in chunk]
            waveforms = [each for each in prepared if not isinstance(each, UserError)]
            results = mapped(measure, waveforms)
            found: list[Measured] = []
            for each in prepared:
                found.append(each if isinstance(each, UserError) else next(results))
                report(len(found))
            rows = [each for each in found if not isinstance(each, UserError)]
            yield MeasuredChunk(
                np.array(rows, np.float64).reshape(len(rows), len(features.columns)),
                {place: str(each) for place, each in enumerate(found) if isinstance(each, UserError)},
                len(chunk),
            )


def _waveform(decoded: Decoded, rate: int) -> Named | UserError:
    name, sound = decoded
    if isinstance(sound, UserError):
        return sound
    try:
        return name, waveform_of(name, sound, rate)
    except UserError as error:
        return error


def _measured(measure: Callable[[np.ndarray], np.ndarray], named: Named) -> Measured:
    name, waveform = named
    try:
        values = measure(waveform)
    except UserError as error:
        return UserError(f"{name}: {error}")
    return np.where(np.isfinite(values), values, np.nan)


@contextmanager
def _mapper(workers: int) -> Iterator[Mapper]:
    """`map`, in so many processes."""
    if workers == 1:
        with threadpool_limits(1):
            yield map
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin_work)
    try:
        yield pool.map
    except BrokenProcessPool:
        raise UserError(
            "a worker process was ended from outside, for memory perhaps; the same command continues, with "
            "fewer --workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_work() -> None:
    # Ctrl-C reaches all processes of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    # As many processes as processors; and sums of several threads would depend on their number.
    threadpool_limits(1)
