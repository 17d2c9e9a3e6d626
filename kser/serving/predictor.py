"""`kser.load_model`: what recordings express, by one trained model or the mean of several."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kser.errors import UserError
from kser.experiment.runs.model_folders import model_folders
from kser.serving.decoding import UsableSound, decoded_chunks
from kser.serving.ensemble import Ensemble, Said
from kser.serving.prediction import Prediction, Unusable
from kser.serving.segments.segment import Segment
from kser.serving.segments.segmenting import segmented
from kser.serving.segments.settings import Windows, cutting_of
from kser.serving.segments.source import Source
from kser.serving.segments.stream import SegmentStream

Result = Prediction | Unusable


def load_model(*models: str | Path, threshold: float | None = None) -> "Predictor":
    """Load trained models to predict with.

    Args:
        *models: see `kser.experiment.runs.model_folders.model_folders`; of several, probabilities and numbers
            are averaged.
        threshold: the probability below which a prediction is not sure, 0 to 1; `None` for the one that the
            validation part gave.

    Raises:
        UserError: one cannot be loaded, or they say different things.

    Examples:

        model = kser.load_model("results/my_study/wavlm/seed_0/model")
        prediction = model.predict("call.wav")
        prediction.label, prediction.probability         # ("anger", 0.81)
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"threshold: must be from 0 to 1, got {threshold:g}")
    return Predictor(Ensemble(model_folders(models)), threshold)


class Predictor:
    """Says what recordings express.

    Args:
        ensemble: the models.
        threshold: see `load_model`.

    Attributes:
        ensemble: as given.
        threshold: the one that counts, `None` where there is none.
    """

    def __init__(self, ensemble: Ensemble, threshold: float | None = None):
        self.ensemble = ensemble
        self.threshold = ensemble.threshold if threshold is None else threshold

    @property
    def sampling_rate(self) -> int:
        """Hz of arrays that are given without a rate."""
        return self.ensemble.first.format.sampling_rate

    @property
    def labels(self) -> list[str]:
        """The names of all that is said: classes, labels, numbers."""
        return self.ensemble.first.vocabulary.all_names

    @property
    def names_labels(self) -> bool:
        """Whether it names classes or labels, and not only numbers."""
        model = self.ensemble.first
        said = [
            target.evaluation.said(np.zeros(len(model.names(target))), model.names(target))
            for target in model.task.targets
        ]
        return any("label" in fields or "labels" in fields for fields in said)

    def predict(self, audio: Any) -> Any:
        """Say what a recording expresses, or each of several.

        Args:
            audio: a file (str or path); a waveform, float (samples,), at `sampling_rate`; a pair of a
                waveform, (samples,) or (samples, channels), full scale ±1, and its rate in Hz; or a list of
                such, or a batch of waveforms (recordings, samples).

        Returns:
            A `Prediction`; of a list or batch, a list of them.

        Raises:
            UserError: recordings cannot be used, a line each.
        """
        if isinstance(audio, list) or (isinstance(audio, np.ndarray) and audio.ndim == 2):
            given = [(_name(each, f"recording {place}"), each) for place, each in enumerate(audio, 1)]
            return _without_mistakes(self._results(given))
        return _without_mistakes(self._results([(_name(audio, "recording"), audio)]))[0]

    def predict_files(
        self, paths: Iterable[str], report: Callable[[float], None] = lambda files: None
    ) -> Iterator[Result]:
        """Say what files express, one after another, however many they are; `-` is standard input.

        Args:
            paths: of the files.
            report: gets how many files are done, with the share of those that are computed together.

        Yields:
            For each file, in order, a `Prediction`, or an `Unusable` with the reason.
        """
        return self._results(((path, path) for path in paths), report)

    def predict_sounds(
        self,
        sounds: Sequence[tuple[str, UsableSound]],
        places: int | None = None,
        report: Callable[[float], None] = lambda share: None,
    ) -> list[Result]:
        """Say what decoded recordings express, all of them at once.

        Args:
            sounds: of each its name, for messages, and what decoding it gave, see `usable`.
            places: of a batch, see `Ensemble.say`.
            report: gets the share that is done, 0 to 1.

        Returns:
            For each a `Prediction`, or an `Unusable` with the reason, such as that it is too short.
        """
        said = self.ensemble.say(sounds, places, report) if sounds else []
        return [
            Unusable(name, str(answer))
            if isinstance(answer, UserError)
            else self._prediction(name, sound, answer)
            for (name, sound), answer in zip(sounds, said, strict=True)
        ]

    def predict_segments(
        self,
        audio: Any,
        segments: str = "voice",
        *,
        window_seconds: float | None = None,
        hop_seconds: float | None = None,
    ) -> list[Segment]:
        """Say what a long recording expresses when.

        Args:
            audio: one recording, see `predict`; a file may last for hours, in memory of bounded size.
            segments: "voice", stretches in which somebody speaks, by their energy; or "windows", overlapping
                ones over the whole recording, the last of which ends with it.
            window_seconds: length of a window, or the longest stretch of voice; `None` for 4 s and 8 s, or
                as much as the model takes.
            hop_seconds: from the start of a window to that of the next; `None` for half a window.

        Returns:
            The segments in order. Each is judged as a recording of its own: what the model does to
            recordings, trimming and loudness say, it does to each.

        Raises:
            UserError: the recording cannot be read, or the model does not take such segments.
        """
        cutting = cutting_of(segments, window_seconds, hop_seconds)
        return list(segmented(self, Source.of(audio, self.sampling_rate), cutting).segments)

    def predict_windows(
        self, audio: Any, *, window_seconds: float | None = None, hop_seconds: float | None = None
    ) -> list[Segment]:
        """As `predict_segments`, of overlapping windows."""
        return self.predict_segments(audio, "windows", window_seconds=window_seconds, hop_seconds=hop_seconds)

    def stream(
        self, rate: int, *, window_seconds: float | None = None, hop_seconds: float | None = None
    ) -> SegmentStream:
        """Say what a recording expresses while it is still coming.

        Args:
            rate: Hz of the samples that will come.
            window_seconds, hop_seconds: of windows, see `predict_segments`, which says the same of the whole.

        Raises:
            UserError: the model does not take such windows, or the rate is no whole number.

        Examples:

            stream = model.stream(48_000, window_seconds=3, hop_seconds=1)
            for chunk in microphone:
                for segment in stream.feed(chunk):
                    print(segment.start_s, segment.label)
            stream.close()
        """
        return SegmentStream(self, rate, Windows(window_seconds, hop_seconds))

    def _results(
        self,
        recordings: Iterable[tuple[str, Any]],
        report: Callable[[float], None] = lambda recordings: None,
    ) -> Iterator[Result]:
        done = 0
        for chunk in decoded_chunks(recordings, self.sampling_rate):

            def report_of_all(share: float, before: int = done, here: int = len(chunk)) -> None:
                report(before + share * here)

            sounds = [(name, sound) for name, sound in chunk if isinstance(sound, UsableSound)]
            results = iter(self.predict_sounds(sounds, report=report_of_all))
            done += len(chunk)
            report(done)
            for name, sound in chunk:
                yield next(results) if isinstance(sound, UsableSound) else Unusable(name, str(sound))

    def _prediction(self, name: str, sound: UsableSound, said: Said) -> Prediction:
        model = self.ensemble.first
        fields: dict[str, Any] = {}
        for target in model.task.targets:
            fields |= target.evaluation.said(said[target.output], model.names(target))
        if "probability" in fields and self.threshold is not None:
            fields["is_sure"] = bool(fields["probability"] >= self.threshold)
        duration_s = len(sound.samples) / sound.sampling_rate
        notes = [fault.words for fault in sound.faults]
        _, longest_s = self.ensemble.heard_seconds
        if duration_s / model.format.processing.parts(duration_s) > longest_s:
            notes.append(f"only its first {longest_s:g} s were heard: the model takes no more")
        return Prediction(name, duration_s, **fields, notes=tuple(notes))


def _without_mistakes(results: Iterable[Result]) -> list[Prediction]:
    predictions, mistakes = [], []
    for result in results:
        if isinstance(result, Unusable):
            mistakes.append(result.reason)
        else:
            predictions.append(result)
    if mistakes:
        raise UserError("\n".join(mistakes))
    return predictions


def _name(audio: Any, otherwise: str) -> str:
    return str(audio) if isinstance(audio, str | Path) else otherwise
