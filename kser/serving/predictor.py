"""`kser.load_model`: what recordings express, by one trained model or the mean of several."""

import numbers
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from kser.audio.decoding import Sound, decode, decode_bytes
from kser.audio.sound_faults import sound_faults
from kser.errors import UserError
from kser.serving.ensemble import Ensemble, Said
from kser.serving.model_folders import model_folders
from kser.serving.prediction import Prediction, Unusable
from kser.serving.recordings import STANDARD_INPUT, standard_input

# Recordings in memory at a time: so many, or so long together.
MOST_RECORDINGS, MOST_SECONDS = 256, 1800

Result = Prediction | Unusable
_Decoded = tuple[str, Sound | UserError]


def load_model(*models: str | Path, threshold: float | None = None) -> "Predictor":
    """Load trained models to predict with.

    Args:
        *models: see `kser.serving.model_folders.model_folders`; of several, probabilities and numbers are
            averaged.
        threshold: the probability below which a prediction is not sure, 0 to 1; `None` for the one that the
            validation part gave.

    Raises:
        UserError: one cannot be loaded, or they say different things.

    Example:

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
        return [name for names in self.ensemble.names.values() for name in names]

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

    def predict_files(self, paths: Iterable[str]) -> Iterator[Result]:
        """Say what files express, one after another, however many they are; `-` is standard input.

        Yields:
            For each file, in order, a `Prediction`, or an `Unusable` with the reason.
        """
        return self._results((path, path) for path in paths)

    def _results(self, recordings: Iterable[tuple[str, Any]]) -> Iterator[Result]:
        for chunk in _chunks(self._decoded(recordings)):
            sounds = [(name, sound) for name, sound in chunk if isinstance(sound, Sound)]
            said = iter(self.ensemble.say(sounds)) if sounds else iter(())
            for name, sound in chunk:
                answer = next(said) if isinstance(sound, Sound) else sound
                if isinstance(answer, UserError) or isinstance(sound, UserError):
                    yield Unusable(name, str(answer))
                else:
                    yield self._prediction(name, sound, answer)

    def _decoded(self, recordings: Iterable[tuple[str, Any]]) -> Iterator[_Decoded]:
        """Recordings as they are, decoded in threads that are a little ahead."""

        def decoded(named: tuple[str, Any]) -> _Decoded:
            name, audio = named
            try:
                return name, self._usable(name, audio)
            except UserError as error:
                return name, error

        waiting, threads = iter(recordings), cpu_count() or 1
        with ThreadPoolExecutor(threads) as pool:
            while group := list(islice(waiting, 4 * threads)):
                yield from pool.map(decoded, group)

    def _usable(self, name: str, audio: Any) -> Sound:
        """A recording with one channel.

        Raises:
            UserError: it cannot be read, or is not to be used: silent, say.
        """
        sound = _sound(name, audio, self.sampling_rate)
        if problem := next((fault.words for fault in sound_faults(sound) if fault.unusable), ""):
            raise UserError(f"{name}: {problem}")
        return sound

    def _prediction(self, name: str, sound: Sound, said: Said) -> Prediction:
        model = self.ensemble.first
        fields: dict[str, Any] = {}
        for target in model.task.targets:
            fields |= target.evaluation.said(said[target.output], model.names(target))
        if "probability" in fields and self.threshold is not None:
            fields["is_sure"] = bool(fields["probability"] >= self.threshold)
        duration_s = len(sound.samples) / sound.sampling_rate
        notes = [fault.words for fault in sound_faults(sound)]
        longest_s = None if model.maximum_samples is None else model.maximum_samples / self.sampling_rate
        if longest_s is not None and duration_s > longest_s:
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


def _chunks(decoded: Iterator[_Decoded]) -> Iterator[list[_Decoded]]:
    chunk: list[_Decoded] = []
    seconds = 0.0
    for name, sound in decoded:
        chunk.append((name, sound))
        seconds += 0 if isinstance(sound, UserError) else len(sound.samples) / sound.sampling_rate
        if len(chunk) == MOST_RECORDINGS or seconds >= MOST_SECONDS:
            yield chunk
            chunk, seconds = [], 0.0
    if chunk:
        yield chunk


def _name(audio: Any, otherwise: str) -> str:
    return str(audio) if isinstance(audio, str | Path) else otherwise


def _sound(name: str, audio: Any, rate: int) -> Sound:
    """What a user gave as decoded audio."""
    if isinstance(audio, str | Path):
        if str(audio) == STANDARD_INPUT:
            return decode_bytes(standard_input(), "standard input")
        return decode(audio)
    if isinstance(audio, tuple) and len(audio) == 2 and isinstance(audio[1], numbers.Real):
        audio, rate = audio[0], _whole_rate(name, audio[1])
    try:
        samples = np.asarray(audio, dtype=np.float32)
    except (TypeError, ValueError):
        raise UserError(f"{name}: is neither a file nor an array of samples") from None
    if samples.ndim not in (1, 2) or not samples.size:
        raise UserError(
            f"{name}: an array must be (samples,) or (samples, channels) with at least one sample, got "
            f"{samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise UserError(f"{name}: has samples that are NaN or infinite")
    return Sound(samples[:, None] if samples.ndim == 1 else samples, rate)


def _whole_rate(name: str, rate: Any) -> int:
    if rate != int(rate) or rate < 1:
        raise UserError(f"{name}: its sampling rate must be a whole number of Hz, got {rate}")
    return int(rate)
