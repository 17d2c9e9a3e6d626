"""Recordings that `min_seconds` and `max_seconds` are about: counted, and what becomes of them in words."""

from collections.abc import Iterable, Mapping

from kser.audio.known_sounds import known_sounds
from kser.audio.processing import AudioProcessing
from kser.errors import UserError
from kser.pipeline.reading import LeftOutError

_NAMED = 3
_BECOMES = {"crop": "only their beginning is used", "split": "each is used as parts of one length"}


def count_long(paths: Iterable[str], processing: AudioProcessing) -> dict[str, int]:
    """How many recordings that were decoded before are cropped or split, by what becomes of them."""
    longest, rule = processing.max_seconds, processing.too_long or "crop"
    if longest is None or rule not in _BECOMES:
        return {}
    known = (known_sounds.get(path) for path in paths)
    count = sum(facts is not None and facts.duration_s > longest for facts in known)
    return {rule: count} if count else {}


def in_words(counts: Mapping[str, int]) -> list[str]:
    """A line for what becomes of how many long recordings."""
    return [
        f"{count} recordings are longer than max_seconds: {_BECOMES[rule]}" for rule, count in counts.items()
    ]


def length_notes(lengths: Mapping[str, int | UserError], processing: AudioProcessing) -> list[str]:
    """What becomes of recordings that are too short or too long, a line each.

    Args:
        lengths: samples of each recording, or why it is not used.
        processing: of the model.
    """
    notes = in_words(count_long(lengths, processing))
    left_out = [str(found) for found in lengths.values() if isinstance(found, LeftOutError)]
    if left_out:
        more = f"; and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
        notes.append(f"left out, {len(left_out)} recordings: {'; '.join(left_out[:_NAMED])}{more}")
    return notes
