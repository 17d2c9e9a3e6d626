"""From a recording to its segments, in memory of bounded size."""

from collections.abc import Callable, Iterable, Iterator
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


def segmented(
    predictor: "Predictor",
    source: Source,
    cutting: Cutting,
    report: Callable[[float], None] = lambda share: None,
) -> SegmentedRecording:
    """What models say of the segments of a recording.

    Args:
        predictor: the models.
        source: the recording.
        cutting: how it is cut.
        report: gets the share of it that is done, 0 to 1, where its length is known before its end.

    Raises:
        UserError: it cannot be read, or the models do not take such segments.
    """
    length = _Length()

    def report_share(samples: float) -> None:
        if length.total:
            report(min(samples / length.total, 1.0))

    pieces = _pieces(predictor, source, cutting, length)
    segments = tuple(judged(predictor, source.name, pieces, report_share))
    return SegmentedRecording(source.name, length.samples / predictor.sampling_rate, segments)


def segmented_files(
    predictor: "Predictor",
    cutting: Cutting,
    paths: Iterable[str],
    report: Callable[[float], None] = lambda files: None,
) -> Iterator[SegmentedRecording | Unusable]:
    """The segments of files, one file after another.

    Args:
        predictor: the models.
        cutting: how they are cut; the models take such segments.
        paths: of the files; `-` is standard input.
        report: gets how many files are done, with the share of the one that is under way.

    Yields:
        For each file, in order, its segments, or an `Unusable` with the reason.
    """
    for done, path in enumerate(paths):

        def report_of_all(share: float, before: int = done) -> None:
            report(before + share)

        try:
            result: SegmentedRecording | Unusable = segmented(
                predictor, Source.of(path, predictor.sampling_rate), cutting, report_of_all
            )
        except UserError as error:
            result = Unusable(path, str(error))
        report(done + 1)
        yield result


class _Length:
    """Counts the samples of a waveform as its blocks pass.

    Attributes:
        samples: that have passed.
        total: how many there will be; 0 where that is not known.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.total = 0.0

    def of(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.samples += len(block)
            yield block


def _pieces(predictor: "Predictor", source: Source, cutting: Cutting, length: _Length) -> Iterator[Piece]:
    rate = predictor.sampling_rate
    if isinstance(cutting, Windows):
        window, hop = cutting.in_samples(predictor)
        length.total = (source.promised_s() or 0.0) * rate
        with source.waveform(rate) as blocks:
            yield from windows_in(length.of(blocks), window, hop)
        return
    settings, bands = cutting.for_models(predictor), BandPowers(rate)
    # What is noise shows only in what comes later: the recording is decoded once more for its samples.
    with source.waveform(rate) as blocks:
        for block in length.of(blocks):
            bands.add(block)
    length.total = length.samples
    frames = voice_spans(bands.powers, settings)
    spans = [(start * bands.hop, end * bands.hop) for start, end in frames]
    with source.waveform(rate) as blocks:
        yield from spans_in(blocks, spans)
