"""A family of backbones that is no part of kser, as somebody else's package would add it."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from kser.models import SpeechBackbone
from kser.models.families import FAMILIES, backbone_family
from kser.models.wav2vec2.feature_encoder import FrameMask


@keras.saving.register_keras_serializable(package="tests")
class OutsideBackbone(SpeechBackbone):
    """One convolution over the waveform, one frame every 320 samples."""

    model_types = ("outside-model",)
    normalizes_audio = False

    def __init__(self, hidden_dim=4, dtype=None, **kwargs):
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        padding_mask = keras.Input((None,), dtype="bool", name="padding_mask")
        sound = keras.layers.Reshape((-1, 1), name="sound")(waveform)
        frames = keras.layers.Conv1D(hidden_dim, 320, 320, activation="relu", dtype=dtype, name="frames")(
            sound
        )
        frame_mask = FrameMask([320], [320], name="frame_mask")(frames, padding_mask)
        super().__init__(
            inputs={"waveform": waveform, "padding_mask": padding_mask},
            outputs={"sequence_output": frames, "frame_mask": frame_mask},
            dtype=dtype,
            **kwargs,
        )
        self.hidden_states = (frames,)

    @classmethod
    def convert_config(cls, checkpoint):
        return {"hidden_dim": checkpoint.config["channels"]}

    def convert_weights(self, checkpoint):
        self.get_layer("frames").kernel.assign(checkpoint.tensor("frames.weight"))
        self.get_layer("frames").bias.assign(checkpoint.tensor("frames.bias"))

    @property
    def minimum_samples(self):
        return 320

    def get_config(self):
        return {**super().get_config(), "hidden_dim": self.hidden_dim}


@contextmanager
def outside_family() -> Iterator[type[OutsideBackbone]]:
    """The family while the block runs; a package of its own would have `@backbone_family` at the class."""
    backbone_family("outside")(OutsideBackbone)
    try:
        yield OutsideBackbone
    finally:
        del FAMILIES["outside"]
