"""Decoding every recording of a corpus once: whether it can be, how long it is, whether it occurs twice."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from kser.audio.decoding import decode
from kser.corpora.progress_bar import progress_bar
from kser.errors import UserError
from kser.grouping import grouped


@dataclass(frozen=True)
class Recording:
    """What decoding a file showed; of one that cannot be decoded, only the `problem`."""

    path: str
    duration_s: float = 0.0
    sampling_rate_hz: int = 0
    channels: int = 0
    digest: str = ""
    """Of the decoded samples: equal for the same recording under another name or in another container."""
    problem: str = ""
    """Why the file cannot be used; empty when it can."""


def check_recordings(paths: Sequence[str], console: Console | None = None) -> list[Recording]:
    """Decode files from end to end, in parallel.

    Args:
        paths: audio files.
        console: where to show the progress.

    Returns:
        A recording for each path, in their order; one that cannot be decoded has a `problem`.
    """
    checked = []
    with (
        progress_bar(console, "decoding the recordings", len(paths), "files") as show,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        try:
            for recording in threads.map(_check, paths):
                checked.append(recording)
                show(len(checked))
        except BaseException:
            threads.shutdown(cancel_futures=True)  # Ctrl-C ends it now, not after the last file
            raise
    return checked


def _check(path: str) -> Recording:
    try:
        sound = decode(path)
    except UserError as error:
        return Recording(path, problem=str(error).removeprefix(f"{path}: "))
    samples, channels = sound.samples.shape
    digest = hashlib.blake2b(np.ascontiguousarray(sound.samples), digest_size=16).hexdigest()
    return Recording(path, samples / sound.sampling_rate, sound.sampling_rate, channels, digest)


def same_recordings(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """Groups of recordings that sound the same, sample by sample, in the order of their first one."""
    groups = grouped(
        ((each.digest, each.sampling_rate_hz, each.channels), each) for each in recordings if not each.problem
    )
    return [group for group in groups.values() if len(group) > 1]
