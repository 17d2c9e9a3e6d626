"""Segments as RTTM (Rich Transcription Time Marked, NIST), which tools for diarisation read."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kser.audio.segments import file_of
from kser.serving.segments.segment import Segment, SegmentedRecording

_EMPTY = "<NA>"


def rttm_of(recordings: Sequence[SegmentedRecording]) -> str:
    """A line for each segment with a label, and of a tagger for each label of a segment.

    The fields are `SPEAKER`, the file, the channel (1), begin and duration in seconds, two that are empty,
    the label in the place of a speaker, its probability as confidence, and one that is empty. In names a
    blank, which would end a field, is an underscore.

    Args:
        recordings: a file is called by its name without suffix, or by its whole path where two would be
            called alike.
    """
    names = {each.recording: Path(file_of(each.recording)).stem for each in recordings}
    used = Counter(names.values())
    lines = []
    for each in recordings:
        name = names[each.recording] if used[names[each.recording]] == 1 else each.recording
        lines += [_line(name, segment, *said) for segment in each.segments for said in _labels(segment)]
    return "".join(f"{line}\n" for line in lines)


def _labels(segment: Segment) -> list[tuple[str, float]]:
    if segment.label is not None and segment.probability is not None:
        return [(segment.label, segment.probability)]
    return [(label, segment.probabilities[label]) for label in segment.labels or ()]


def _line(name: str, segment: Segment, label: str, probability: float) -> str:
    times = f"{segment.start_s:.3f} {segment.end_s - segment.start_s:.3f}"
    return f"SPEAKER {_field(name)} 1 {times} {_EMPTY} {_EMPTY} {_field(label)} {probability:.3f} {_EMPTY}"


def _field(text: str) -> str:
    return "_".join(text.split()) or _EMPTY
