"""From a recording to its segments, in memory of bounded size."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from kser.audio.voice_activity import BandPowers, voice_spans
from kser.errors import UserError
from kser.serving.prediction import Unusable
from kser.serving.segments.judging import judged
from kser.serving.segments.pieces import Piece, spans_in, windows_in
from kser.serving.segments.segment import SegmentedRecording
from kser.serving.segments.settings import Cutting, Windows
from kser.serving.segments.source import Source

if TYPE_CHECKING:
    from kser.serving.predictor import Predictor


def segmented(predictor: "Predictor", source: Source, cutting: Cutting) -> SegmentedRecording:
    """What models say of the segments of a recording.

    Args:
        predictor: the models.
        source: the recording.
        cutting: how it is cut.

    Raises:
        UserError: it cannot be read, or the models do not take such segments.
    """
    length = _Length()
    segments = tuple(judged(predictor, source.name, _pieces(predictor, source, cutting, length)))
    return SegmentedRecording(source.name, length.samples / predictor.sampling_rate, segments)


def segmented_files(
    predictor: "Predictor", cutting: Cutting, paths: Iterable[str]
) -> Iterator[SegmentedRecording | Unusable]:
    """The segments of files, one file after another.

    Args:
        predictor: the models.
        cutting: how they are cut; the models take such segments.
        paths: of the files; `-` is standard input.

    Yields:
        For each file, in order, its segments, or an `Unusable` with the reason.
    """
    for path in paths:
        try:
            result: SegmentedRecording | Unusable = segmented(
                predictor, Source.of(path, predictor.sampling_rate), cutting
            )
        except UserError as error:
            result = Unusable(path, str(error))
        yield result


class _Length:
    """Counts the samples of a waveform as its blocks pass."""

    def __init__(self) -> None:
        self.samples = 0

    def of(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.samples += len(block)
            yield block


def _pieces(predictor: "Predictor", source: Source, cutting: Cutting, length: _Length) -> Iterator[Piece]:
    rate = predictor.sampling_rate
    if isinstance(cutting, Windows):
        window, hop = cutting.in_samples(predictor)
        with source.waveform(rate) as blocks:
            yield from windows_in(length.of(blocks), window, hop)
        return
    settings, bands = cutting.for_models(predictor), BandPowers(rate)
    # What is noise shows only in what comes later: the recording is decoded once more for its samples.
    with source.waveform(rate) as blocks:
        for block in length.of(blocks):
            bands.add(block)
    frames = voice_spans(bands.powers, settings)
    spans = [(start * bands.hop, end * bands.hop) for start, end in frames]
    with source.waveform(rate) as blocks:
        yield from spans_in(blocks, spans)
