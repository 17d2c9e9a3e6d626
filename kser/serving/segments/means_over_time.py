"""Segments of a long recording as means over equal times, as many as a reader can tell apart."""

import math
from collections.abc import Sequence

from kser.serving.segments.segment import Segment, SegmentedRecording


def means_over_time(recording: SegmentedRecording, step_s: float) -> SegmentedRecording:
    """What is said of a recording on average in each of equal times.

    Segments are weighed by what they share with a time. A mean is of the class with the highest mean
    probability, and sure where the greater part of what it is made of is; times without a segment of which
    something is said have none.

    Args:
        recording: with its segments.
        step_s: seconds of each time, above 0; the last one may be shorter.
    """
    sharing: list[list[tuple[float, Segment]]] = [[] for _ in range(math.ceil(recording.duration_s / step_s))]
    for segment in recording.segments:
        if segment.is_empty:
            continue
        for number in range(int(segment.start_s // step_s), len(sharing)):
            shared_s = min(segment.end_s, (number + 1) * step_s) - max(segment.start_s, number * step_s)
            if shared_s <= 0:
                break
            sharing[number].append((shared_s, segment))
    means = [
        _mean(recording, shares, number * step_s, min((number + 1) * step_s, recording.duration_s))
        for number, shares in enumerate(sharing)
        if shares
    ]
    return SegmentedRecording(recording.recording, recording.duration_s, tuple(means))


def _mean(
    recording: SegmentedRecording, shares: Sequence[tuple[float, Segment]], start_s: float, end_s: float
) -> Segment:
    first, whole_s = shares[0][1], sum(shared_s for shared_s, _ in shares)

    def mean(field: str) -> dict[str, float]:
        return {
            name: sum(shared_s * getattr(each, field)[name] for shared_s, each in shares) / whole_s
            for name in getattr(first, field)
        }

    probabilities = mean("probabilities")
    label = None if first.label is None else max(probabilities, key=probabilities.__getitem__)
    sure_s = sum(shared_s for shared_s, each in shares if each.is_sure)
    return Segment(
        recording.recording,
        end_s - start_s,
        label,
        None if label is None else probabilities[label],
        probabilities,
        None if first.is_sure is None else sure_s >= whole_s / 2,
        values=mean("values"),
        start_s=start_s,
        end_s=end_s,
    )
