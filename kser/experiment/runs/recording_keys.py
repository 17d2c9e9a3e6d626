"""What a model knows recordings by: the bytes of their files and, as these may change, their sound."""

from collections.abc import Iterable, Sequence

from kser.audio.known_sounds import known_sounds
from kser.corpora.metadata import content_keys
from kser.errors import UserError

RecordingKeys = list[str]
"""What one recording is known by; it is known again by any of them."""

_SOUND = "sound:"


def recording_keys(paths: Iterable[str], by_sound: bool) -> list[RecordingKeys]:
    """The keys of recordings: `content_key`, and "sound:" with their `sound_digest`, where they have one.

    Args:
        paths: audio files.
        by_sound: whether those that no process has decoded yet are decoded; without, their sound is left out
            if it is not known.

    Raises:
        UserError: a file is missing.
    """
    paths = list(paths)
    with known_sounds.recalled(paths):
        keys = zip(content_keys(paths), paths, strict=True)
        return [[key, *_sound_key(path, by_sound)] for key, path in keys]


def all_keys(paths: Iterable[str]) -> list[str]:
    """The keys of recordings that were decoded already, one after the other."""
    return [key for keys in recording_keys(paths, by_sound=True) for key in keys]


def count_known(recordings: Sequence[RecordingKeys], known: Iterable[str]) -> int:
    """How many recordings have a key among those known."""
    keys = set(known)
    return sum(not keys.isdisjoint(own) for own in recordings)


def _sound_key(path: str, by_sound: bool) -> list[str]:
    try:
        facts = known_sounds.of(path) if by_sound else known_sounds.get(path)
    except UserError:  # reading it has the words for it
        return []
    return [f"{_SOUND}{facts.digest}"] if facts is not None and facts.digest else []
