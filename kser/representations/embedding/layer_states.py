"""A backbone that gives the pooled hidden states of its layers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from kser.audio.decoding import Sound
from kser.errors import UserError
from kser.models import SpeechAudioConverter, SpeechBackbone
from kser.models.layers_digest import layers_digest
from kser.models.pooling import build_pooling
from kser.models.pooling.attentive_statistics_pooling import weighted_statistics
from kser.models.pooling.frame_pooling import equal_weights, valid_frames
from kser.pipeline.waveform_format import WaveformFormat
from kser.serving.model_audio import ModelAudio

MEAN_AND_DEVIATION = "mean+std"
POOLS = ("mean", "max", "first_last", MEAN_AND_DEVIATION)
"""How the frames of an utterance become a vector; of the last two, twice as many channels as a frame has."""


class LayerStates:
    """The hidden states of a model's backbone, pooled over the frames of an utterance.

    Padding never counts, also where the model takes it for sound.

    Args:
        model: folder of a trained model or of a checkpoint, or the name of a published one, with or without a
            head.
        layers: numbers of the hidden states, 0 for what enters the first layer; `None` for all of them.
        pool: one of `POOLS`.

    Attributes:
        name: the model, as given.
        pool: as given.
        layers: the numbers, ascending.
        audio: how recordings are given to the backbone.
        num_layers: of the backbone; it has one hidden state more.
        family: name of its class.
        fingerprint: a hash of its settings and weights, and of how recordings are read for it.

    Raises:
        UserError: the model cannot be loaded, or lacks a layer.
    """

    def __init__(self, model: str | Path, layers: Sequence[int] | None = None, pool: str = "mean"):
        if pool not in POOLS:
            raise UserError(f"pool: must be one of {', '.join(POOLS)}, got {pool}")
        backbone = SpeechBackbone.from_preset(str(model))
        self.name = str(model)
        self.pool = pool
        self.num_layers = len(backbone.hidden_states) - 1
        self.layers = _checked_layers(self.name, layers, self.num_layers)
        self.audio = _audio_of(self.name, backbone)
        self.family = type(backbone).__name__
        self.fingerprint = layers_digest([backbone], repr(self.audio.format))
        self._pooled = _pooled_states(backbone, self.layers, pool, self.audio.format.mask_padding)

    @property
    def channels(self) -> dict[int, int]:
        """Of the vectors of each layer."""
        return {layer: int(self._pooled.output[str(layer)].shape[-1]) for layer in self.layers}

    def vectors(
        self,
        recordings: Sequence[tuple[str, Sound]],
        batch_size: int,
        report: Callable[[float], None] = lambda share: None,
    ) -> tuple[dict[int, np.ndarray], dict[int, UserError]]:
        """The vectors of decoded recordings.

        Those of one do not depend on the others, beyond rounding. Of a long recording that the model is given
        in parts, they are the means of those of the parts.

        Args:
            recordings: of each its name, for messages, and its sound.
            batch_size: how many are computed at a time, of long ones fewer.
            report: gets the share of the audio that is done, 0 to 1, after each batch.

        Returns:
            By layer, float32 (recordings that can be used, channels), in their order; and why the others
            cannot, by their places.
        """
        heard: dict[int, list[np.ndarray]] = {}
        unusable: dict[int, UserError] = {}
        for place, (name, sound) in enumerate(recordings):
            try:
                heard[place] = self.audio.waveforms(name, sound)
            except UserError as error:
                unusable[place] = error
        waveforms = [part for parts in heard.values() for part in parts]
        vectors = self._of_waveforms(waveforms, batch_size, report)
        if any(len(parts) > 1 for parts in heard.values()):
            counts = [len(parts) for parts in heard.values()]
            vectors = {layer: _means(rows, counts) for layer, rows in vectors.items()}
        finite = np.all([np.isfinite(rows).all(axis=1) for rows in vectors.values()], axis=0)
        for place in np.array(list(heard), dtype=int)[~finite].tolist():
            unusable[place] = UserError(f"{recordings[place][0]}: the model gives no numbers for it")
        return {layer: rows[finite] for layer, rows in vectors.items()}, unusable

    def _of_waveforms(
        self, waveforms: Sequence[np.ndarray], batch_size: int, report: Callable[[float], None]
    ) -> dict[int, np.ndarray]:
        """By layer, float32 (waveforms, channels)."""
        vectors = {
            layer: np.zeros((len(waveforms), width), np.float32) for layer, width in self.channels.items()
        }
        done, total = 0, sum(map(len, waveforms))
        for batch in self.audio.batches(waveforms, batch_size) if waveforms else ():
            inputs = self.audio.inputs(waveforms, batch)
            if not self.audio.format.mask_padding:
                inputs["sound_mask"] = _sound_mask(waveforms, batch.indices, inputs["padding_mask"].shape)
            given = self._pooled.predict_on_batch(inputs)
            for layer, rows in vectors.items():
                rows[list(batch.indices)] = ops.convert_to_numpy(given[str(layer)])[: len(batch.indices)]
            done += sum(len(waveforms[index]) for index in batch.indices)
            report(done / total)
        return vectors


def _means(rows: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """The means of so many consecutive rows each, float32."""
    starts = np.cumsum([0, *counts])[:-1]
    sums = np.add.reduceat(rows.astype(np.float64), starts)
    return (sums / np.array(counts)[:, None]).astype(np.float32)


def _checked_layers(name: str, layers: Sequence[int] | None, num_layers: int) -> list[int]:
    if layers is None:
        return list(range(num_layers + 1))
    if unknown := [layer for layer in layers if not 0 <= layer <= num_layers]:
        listed = ", ".join(map(str, unknown))
        raise UserError(f"layers: must be from 0 to {num_layers}, the layers of {name}, got {listed}")
    if not layers:
        raise UserError("layers: none given")
    return sorted(set(layers))


def _audio_of(name: str, backbone: Any) -> ModelAudio:
    converter = SpeechAudioConverter.from_preset(name)
    waveform_format = WaveformFormat(
        sampling_rate=converter.sampling_rate,
        do_normalize=converter.do_normalize,
        mask_padding=converter.mask_padding,
        minimum_samples=backbone.minimum_samples,
        processing=converter.processing,
    )
    return ModelAudio(waveform_format, backbone.padded_samples)


def _pooled_states(backbone: Any, layers: Sequence[int], pool: str, mask_padding: bool) -> keras.Model:
    """A model of the backbone's inputs, and of `sound_mask` where these do not say what is padding."""
    inputs = dict(backbone.input)
    frame_mask = backbone.output["frame_mask"]
    if not mask_padding:
        sound_mask = keras.Input((None,), dtype="bool", name="sound_mask")
        inputs["sound_mask"] = sound_mask
        frames_of = keras.Model(backbone.input, frame_mask, name="frames_of_sound")
        frame_mask = frames_of({**backbone.input, "padding_mask": sound_mask})
    pooling = _pooling(pool)
    # By name: of a list with one member Keras' `predict_on_batch` gives only that.
    vectors = {str(layer): pooling(backbone.hidden_states[layer], frame_mask) for layer in layers}
    return keras.Model(inputs, vectors, name="pooled_states")


def _pooling(pool: str) -> Callable[[Any, Any], Any]:
    """From frames and their mask to vectors, float32."""
    return _mean_and_deviation if pool == MEAN_AND_DEVIATION else build_pooling(pool, None, "float32")


def _mean_and_deviation(frames: Any, frame_mask: Any) -> Any:
    frames = ops.cast(valid_frames(frames, frame_mask), "float32")
    return weighted_statistics(frames, equal_weights(frame_mask))


def _sound_mask(
    waveforms: Sequence[np.ndarray], indices: Sequence[int], shape: tuple[int, ...]
) -> np.ndarray:
    """True where a padded batch has sound."""
    lengths = np.zeros(shape[0], dtype=int)
    lengths[: len(indices)] = [len(waveforms[index]) for index in indices]
    return np.arange(shape[1]) < lengths[:, None]
