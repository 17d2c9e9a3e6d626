"""Recordings decoded a little ahead of what is computed of them, however many they are."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from os import cpu_count
from typing import Any

from kser.audio.decoding import Sound
from kser.audio.sound_faults import Fault, sound_faults
from kser.errors import UserError
from kser.serving.given_audio import sound_of

# Recordings in memory at a time: so many, or so long together.
MOST_RECORDINGS, MOST_SECONDS = 256, 1800


@dataclass(frozen=True)
class UsableSound(Sound):
    """A recording of which something can be said.

    Attributes:
        faults: what is wrong with it all the same, see `sound_faults`.
    """

    faults: tuple[Fault, ...] = ()


Decoded = tuple[str, UsableSound | UserError]
"""The name of a recording, and its sound or why it cannot be used."""


def decoded_chunks(
    recordings: Iterable[tuple[str, Any]], rate: int, most_seconds: float | None = None
) -> Iterator[list[Decoded]]:
    """Recordings in their order, some at a time.

    Args:
        recordings: of each its name, for messages, and what was given as audio, see `sound_of`.
        rate: Hz of arrays that are given without one.
        most_seconds: of audio after which no more is added; `None` for `MOST_SECONDS`.
    """
    longest = MOST_SECONDS if most_seconds is None else most_seconds
    chunk: list[Decoded] = []
    seconds = 0.0
    for name, sound in _decoded(recordings, rate):
        chunk.append((name, sound))
        seconds += 0 if isinstance(sound, UserError) else len(sound.samples) / sound.sampling_rate
        if len(chunk) == MOST_RECORDINGS or seconds >= longest:
            yield chunk
            chunk, seconds = [], 0.0
    if chunk:
        yield chunk


def usable(name: str, sound: Sound) -> UsableSound:
    """A recording, unless nothing can be said of it.

    Raises:
        UserError: it is silent, say.
    """
    faults = sound_faults(sound)
    if problem := next((fault.words for fault in faults if fault.unusable), ""):
        raise UserError(f"{name}: {problem}")
    return UsableSound(sound.samples, sound.sampling_rate, sound.unannounced, faults)


def _decoded(recordings: Iterable[tuple[str, Any]], rate: int) -> Iterator[Decoded]:
    def decoded(named: tuple[str, Any]) -> Decoded:
        name, audio = named
        try:
            return name, usable(name, sound_of(name, audio, rate))
        except UserError as error:
            return name, error

    waiting, threads = iter(recordings), cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        # No more than is being decoded: recordings may be hours long.
        ahead = deque(pool.submit(decoded, named) for named in islice(waiting, threads))
        while ahead:
            found = ahead.popleft().result()
            ahead.extend(pool.submit(decoded, named) for named in islice(waiting, 1))
            yield found
