"""Waveforms as users have them → the padded, normalised batch that speech backbones take."""

import logging
from functools import cache

import keras
import keras_hub
import numpy as np

from kser.audio.decoding import Sound
from kser.audio.loading import waveform_of
from kser.audio.processing import PROCESSING_STEPS, AudioProcessing
from kser.audio.waveform import model_inputs
from kser.checkpoints.published_checkpoint import (
    FEATURE_EXTRACTOR_FILE,
    PROCESSOR_FILE,
    PublishedCheckpoint,
)
from kser.errors import UserError
from kser.models.preset_loader import checkpoint_classes, preset_loader
from kser.models.speech_backbone import SpeechBackbone

logger = logging.getLogger(__name__)


@keras.saving.register_keras_serializable(package="kser")
class SpeechAudioConverter(keras_hub.layers.AudioConverter):
    """Trims and normalises utterances as the model was trained on them, pads them and marks the padding.

    Args:
        sampling_rate: int, Hz that the model was trained on, and of arrays that are given without a rate.
        do_normalize: bool, zero mean and unit variance for each utterance, padding left out.
        mask_padding: bool. `False` repeats the published recipe of models with `feat_extract_norm: group`
            (`return_attention_mask: false`): the model treats the padding as sound, and results
            depend on its length. See `kser.audio.waveform.model_inputs`.
        **kwargs: settings of `kser.audio.processing.AudioProcessing`, such as `trim_db` and
            `loudness_lufs`, applied first; and arguments of `keras_hub.layers.AudioConverter`.

    Call arguments:
        audio: one utterance (samples,), a pair of one and its rate in Hz, to be resampled, a batch (batch,
            samples), or a list of utterances of any lengths or of such pairs.
        padding_mask: bool array (batch, samples), for a batch that is padded already.

    Returns:
        `{"waveform": float32 (batch, samples), "padding_mask": bool (batch, samples)}`, NumPy arrays. One
        utterance gives a batch of one.

    Source: `Wav2Vec2FeatureExtractor` of transformers gives the same waveforms.
    """

    backbone_cls = SpeechBackbone

    def __init__(self, sampling_rate=16000, do_normalize=True, mask_padding=True, **kwargs):
        steps = {name: kwargs.pop(name, None) for name in PROCESSING_STEPS}
        if not isinstance(sampling_rate, int) or sampling_rate < 1:
            raise ValueError(
                f"`sampling_rate` must be a whole number of Hz. Received: sampling_rate={sampling_rate!r}"
            )
        super().__init__(**kwargs)
        self.sampling_rate = sampling_rate
        self.do_normalize = do_normalize
        self.mask_padding = mask_padding
        self.processing = AudioProcessing(**steps)
        # On JAX Keras runs a model with a layer that is not built once more, uncompiled, in each prediction.
        self.built = True

    @classmethod
    def from_preset(cls, preset, **kwargs):
        """The converter of a preset folder, or of a published checkpoint by the fields of its extractor."""
        return preset_loader(preset).load_audio_converter(cls, **kwargs)

    @classmethod
    def convert_config(cls, checkpoint) -> dict:
        """Constructor arguments for a `kser.checkpoints.PublishedCheckpoint`."""
        config, family = checkpoint.feature_extractor_config(), _family(checkpoint)
        if not config:
            _warn_of_assumption(checkpoint.name, assumed_format(checkpoint))
            return {
                "sampling_rate": family.sampling_rate,
                "do_normalize": family.assumes_normalized_audio(checkpoint),
            }
        return {
            "sampling_rate": config.get("sampling_rate", 16000),
            "do_normalize": config.get("do_normalize", family.normalizes_audio),
        }

    def call(self, audio, padding_mask=None):
        utterances = _utterances(audio, padding_mask, self.sampling_rate)
        batch, mask = model_inputs(
            [self.processing(utterance, self.sampling_rate) for utterance in utterances],
            do_normalize=self.do_normalize,
            mask_padding=self.mask_padding,
        )
        return {"waveform": batch, "padding_mask": mask}

    def get_config(self):
        return {
            **super().get_config(),
            "sampling_rate": self.sampling_rate,
            "do_normalize": self.do_normalize,
            "mask_padding": self.mask_padding,
            **vars(self.processing),
        }


def assumed_format(checkpoint: PublishedCheckpoint) -> str:
    """What is assumed of a checkpoint's audio where none of its files says it, in words; else empty."""
    if checkpoint.feature_extractor_config():
        return ""
    family = _family(checkpoint)
    normalized = (
        "of zero mean and unit variance" if family.assumes_normalized_audio(checkpoint) else "as it is"
    )
    return (
        f"has no {FEATURE_EXTRACTOR_FILE} and no {PROCESSOR_FILE}; assumed is audio at "
        f"{family.sampling_rate} Hz, {normalized}"
    )


def _family(checkpoint: PublishedCheckpoint) -> type[SpeechBackbone]:
    return checkpoint_classes(SpeechBackbone).get(checkpoint.model_type, SpeechBackbone)


@cache
def _warn_of_assumption(preset: str, assumption: str) -> None:
    """Log it once per process, for all seeds."""
    logger.warning("%s: %s", preset, assumption)


def is_with_rate(audio) -> bool:
    """Whether something is a pair of a waveform and its rate in Hz."""
    return (
        isinstance(audio, tuple)
        and len(audio) == 2
        and isinstance(audio[1], (int, np.integer))
        and not np.isscalar(audio[0])
    )


def _at_rate(audio, sampling_rate: int) -> np.ndarray:
    """One utterance, resampled where its own rate is given."""
    if not is_with_rate(audio):
        return np.asarray(audio, dtype=np.float32)
    waveform, rate = audio
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim != 1 or rate < 1:
        return samples
    return waveform_of("audio", Sound(samples[:, None], int(rate)), sampling_rate)


def _utterances(audio, padding_mask, sampling_rate: int) -> list[np.ndarray]:
    """The unpadded utterances in whatever the user gave."""
    if is_with_rate(audio):
        audio = [audio]
    if isinstance(audio, (list, tuple)) and audio and not np.isscalar(audio[0]):
        utterances = [_at_rate(utterance, sampling_rate) for utterance in audio]
    else:
        array = np.asarray(keras.ops.convert_to_numpy(audio), dtype=np.float32)
        utterances = [array] if array.ndim == 1 else list(array)
    if not utterances or any(utterance.ndim != 1 or not utterance.size for utterance in utterances):
        raise UserError(
            "audio: an utterance is a one-dimensional array with at least one sample (one channel)"
        )
    if padding_mask is None:
        return utterances
    lengths = np.asarray(padding_mask).astype(bool).sum(axis=1)
    return [utterance[:length] for utterance, length in zip(utterances, lengths, strict=True)]
