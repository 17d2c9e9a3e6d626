"""Recordings that are longer than a model can take: it hears their beginning only, which is told."""

from collections.abc import Mapping, Sequence
from typing import Any

from kser.pipeline.waveform_format import WaveformFormat


def count_cut(lengths: Sequence[int], backbone: Any) -> int:
    """How many recordings a backbone cuts.

    Args:
        lengths: samples of each.
        backbone: a `SpeechBackbone`.
    """
    longest = backbone.maximum_samples
    return 0 if longest is None else sum(length > longest for length in lengths)


def cut_notes(
    parts: Mapping[str, Sequence[int]], backbone: Any, waveform_format: WaveformFormat
) -> list[str]:
    """A line for each part of which a backbone cuts recordings.

    Args:
        parts: samples of each recording, by what people call the part: "training part".
        backbone: a `SpeechBackbone`.
        waveform_format: of its audio.
    """
    return [
        f"{count} of {len(lengths)} recordings of the {part} are longer than the "
        f"{backbone.maximum_samples / waveform_format.sampling_rate:g} s that "
        f"{type(backbone).__name__} takes: it hears only their beginning; cut them into shorter ones"
        for part, lengths in parts.items()
        if (count := count_cut(lengths, backbone))
    ]
