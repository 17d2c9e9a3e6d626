"""Decoding every recording of a corpus once: whether it can be, how long it is, whether it occurs twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from kser.audio.known_sounds import known_sounds
from kser.audio.sound_facts import SoundFacts
from kser.audio.sound_faults import Fault
from kser.errors import UserError
from kser.grouping import grouped
from kser.progress_bar import progress_bar


@dataclass(frozen=True)
class Recording:
    """What decoding a file showed; of one that cannot be decoded, only the `problem`."""

    path: str
    duration_s: float = 0.0
    sampling_rate_hz: int = 0
    channels: int = 0
    digest: str = ""
    """See `kser.audio.sound_facts.sound_digest`: equal for the same recording in another file."""
    faults: tuple[Fault, ...] = ()
    """What is wrong with its sound, whether or not it can be used."""
    problem: str = ""
    """Why the file cannot be used; empty when it can."""


def check_recordings(paths: Sequence[str], console: Console | None = None) -> list[Recording]:
    """Decode files from end to end, in parallel; those that were decoded before and did not change are known.

    Args:
        paths: audio files.
        console: where to show the progress.

    Returns:
        A recording for each path, in their order; one that cannot be used has a `problem`.
    """
    checked = []
    with progress_bar(console, "decoding the recordings", len(paths), "files") as show:
        for path, facts in zip(paths, known_sounds.of_all(paths), strict=True):
            checked.append(_recording(path, facts))
            show(len(checked))
    return checked


def _recording(path: str, facts: SoundFacts | UserError) -> Recording:
    if isinstance(facts, UserError):
        return Recording(path, problem=str(facts).removeprefix(f"{path}: "))
    return Recording(
        path, facts.duration_s, facts.sampling_rate, facts.channels, facts.digest, facts.faults, facts.problem
    )


def same_recordings(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """Groups of recordings that sound the same, sample by sample, in the order of their first one."""
    groups = grouped((each.digest, each) for each in recordings if each.digest and not each.problem)
    return [group for group in groups.values() if len(group) > 1]
