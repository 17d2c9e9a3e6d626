"""The abstract task: one decision an utterance."""

from contextlib import contextmanager

import keras
import keras_hub

from kser.models.preset_loader import preset_loader
from kser.models.speech_audio_converter import SpeechAudioConverter
from kser.models.speech_backbone import SpeechBackbone


@keras.saving.register_keras_serializable(package="kser")
class AudioClassifierPreprocessor(keras_hub.models.Preprocessor):
    """Raw utterances → model inputs, for `fit`, `evaluate` and `predict` on arrays.

    Args:
        audio_converter: a `SpeechAudioConverter`.

    Call arguments:
        x: what `SpeechAudioConverter` takes.
        y: labels, passed through.
        sample_weight: passed through.
    """

    backbone_cls = SpeechBackbone
    audio_converter_cls = SpeechAudioConverter

    def __init__(self, audio_converter, **kwargs):
        super().__init__(**kwargs)
        self.audio_converter = audio_converter

    def call(self, x, y=None, sample_weight=None):
        return keras.utils.pack_x_y_sample_weight(self.audio_converter(x), y, sample_weight)

    @classmethod
    def from_preset(cls, preset, **kwargs):
        """The preprocessor of a preset folder or published checkpoint."""
        return preset_loader(preset).load_preprocessor(cls, **kwargs)


class AudioClassifier(keras_hub.models.Task):
    """Base class of tasks that give each utterance one output vector."""

    backbone_cls = SpeechBackbone
    preprocessor_cls = AudioClassifierPreprocessor

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Load a task that was saved with `save_to_preset`, or put a new head on a backbone.

        Args:
            preset: a preset folder, Hugging Face id or folder, or KerasHub handle.
            load_weights: bool, `False` for random weights.
            **kwargs: arguments of the task. Where `labels` are given the head is a new one, also if the
                preset has its own.
        """
        loader = preset_loader(preset)
        return loader.load_task(cls, load_weights, "labels" not in kwargs, **kwargs)

    @contextmanager
    def ready_made_inputs(self):
        """Within this block `fit`, `evaluate` and `predict` take inputs that a pipeline has prepared."""
        preprocessor = self._preprocessor
        self.preprocessor = None
        try:
            yield self
        finally:
            self.preprocessor = preprocessor

    def save_task_weights(self, filepath):
        """Save the weights that are not the backbone's, and no optimizer state."""
        skipped = [*self.backbone._flatten_layers()]
        if self.compiled:
            skipped.append(self.optimizer)
        keras.saving.save_weights(self, filepath, objects_to_skip=skipped)
