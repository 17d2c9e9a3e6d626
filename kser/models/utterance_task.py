"""The abstract task: one decision an utterance."""

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import keras
import keras_hub

from kser.errors import UserError
from kser.keras_internals import layers_within
from kser.models.preset_loader import preset_loader, trained_head
from kser.models.speech_audio_converter import SpeechAudioConverter
from kser.models.speech_backbone import SpeechBackbone
from kser.models.utterance_inputs import as_inputs, is_loose, is_tf_dataset, prepared_tf_dataset

logger = logging.getLogger(__name__)


@keras.saving.register_keras_serializable(package="kser")
class UtterancePreprocessor(keras_hub.models.Preprocessor):
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
        self.built = True  # as the converter is

    def call(self, x, y=None, sample_weight=None):
        return keras.utils.pack_x_y_sample_weight(self.audio_converter(x), y, sample_weight)

    @classmethod
    def from_preset(cls, preset, **kwargs):
        """The preprocessor of a preset folder or published checkpoint."""
        return preset_loader(preset).load_preprocessor(cls, **kwargs)


class UtteranceTask(keras_hub.models.Task):
    """Base class of tasks that say something about each utterance as a whole.

    Subclasses name in `new_head_arguments` those of their arguments that say what a new head is for, each
    with the arguments that mean nothing without it; those for which there are published heads also say for
    which, by their `problem_type`, and which of their layers is the last linear one.
    """

    backbone_cls = SpeechBackbone
    preprocessor_cls = UtterancePreprocessor
    preprocessor: UtterancePreprocessor | None  # KerasHub's property has no type
    new_head_arguments: ClassVar[dict[str, tuple[str, ...]]] = {}
    problem_type: ClassVar[str] = ""
    output_layer: ClassVar[str] = ""

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Load a task with its trained head, or put a new head on a backbone.

        Trained heads are those of tasks that were saved with `save_to_preset`, and of published checkpoints,
        see `kser.models.published_heads`.

        Args:
            preset: a preset folder, Hugging Face id or folder, or KerasHub handle.
            load_weights: bool, `False` for random weights.
            **kwargs: arguments of the task. If its `labels` or `targets` are given, the head is a new one,
                even if the preset has its own, which is logged.

        Raises:
            UserError: the preset holds no task of this class, and the arguments do not say what a new head is
                for.
        """
        loader = preset_loader(preset)
        given = [name for name in cls.new_head_arguments if name in kwargs]
        if (len(given) < len(cls.new_head_arguments) or not given) and not loader.saved_task(cls):
            required = " and ".join(f"`{name}`" for name in cls.new_head_arguments)
            hint = f"; a new head on its backbone requires {required}" if required else ""
            other = loader.saved_task(UtteranceTask)
            held = f" but a trained {other.__name__}" if other else ""
            raise UserError(f"{preset}: holds no {cls.__name__}{held}{hint}")
        if given and load_weights and (replaced := trained_head(loader, UtteranceTask)):
            logger.warning("%s: its trained head (%s) is replaced by a new one", preset, replaced)
        for name in given:
            kwargs = {**dict.fromkeys(cls.new_head_arguments[name]), **kwargs}
        return loader.load_task(cls, load_weights, not given, **kwargs)

    def fit(self, x=None, y=None, validation_data=None, **kwargs):
        """As Keras' `fit`; `x` may also be what `predict` takes, and so may that of `validation_data`."""
        given = validation_data if isinstance(validation_data, tuple) else (validation_data,)
        if not self._are_to_be_prepared(x, given[0]):
            return super().fit(x, y, validation_data=validation_data, **kwargs)
        if validation_data is not None:
            validation_data = (self._prepared(given[0]), *given[1:])
            validation_data = validation_data if len(given) > 1 else validation_data[0]
        if is_tf_dataset(x):
            kwargs.setdefault("shuffle", False)  # the data set decides it, and Keras would warn
        x = self._prepared(x)
        with self.ready_made_inputs():
            return keras.Model.fit(self, x, y, validation_data=validation_data, **kwargs)

    def evaluate(self, x=None, y=None, **kwargs):
        """As Keras' `evaluate`; `x` may also be what `predict` takes."""
        if not self._are_to_be_prepared(x):
            return super().evaluate(x, y, **kwargs)
        x = self._prepared(x)
        with self.ready_made_inputs():
            return keras.Model.evaluate(self, x, y, **kwargs)

    def predict(self, x=None, **kwargs):
        """As Keras' `predict`, on every backend.

        Args:
            x: a batch of waveforms (batch, samples) at the model's rate; a list of waveforms of any lengths,
                or of pairs of a waveform and its rate in Hz; one of them; a `tf.data.Dataset` or Grain data
                set of batches.
            **kwargs: as Keras'.

        Raises:
            UserError: an utterance is too short for the model's first frame.
        """
        if not self._are_to_be_prepared(x):
            return super().predict(x, **kwargs)
        x = self._prepared(x)
        with self.ready_made_inputs():
            return keras.Model.predict(self, x, **kwargs)

    def _are_to_be_prepared(self, *given):
        """Whether the preprocessor makes the inputs here: KerasHub maps it over arrays and Grain alone."""
        return self.preprocessor is not None and any(is_loose(x) or is_tf_dataset(x) for x in given)

    def _prepared(self, x):
        if x is None or self.preprocessor is None:
            return x
        prepare = prepared_tf_dataset if is_tf_dataset(x) else as_inputs
        return prepare(x, self.preprocessor.audio_converter, self.backbone.minimum_samples)

    @contextmanager
    def ready_made_inputs(self):
        """Within this block `fit`, `evaluate` and `predict` take inputs that a pipeline has prepared."""
        preprocessor = self.preprocessor
        self.preprocessor = None
        try:
            yield self
        finally:
            self.preprocessor = preprocessor

    def save_task_weights(self, filepath):
        """Save the weights that are not the backbone's, and no optimizer state.

        A file that stands there is removed first, see `SpeechBackbone.save_to_preset`.
        """
        Path(filepath).unlink(missing_ok=True)
        skipped = layers_within(self.backbone)
        if self.compiled:
            skipped.append(self.optimizer)
        keras.saving.save_weights(self, filepath, objects_to_skip=skipped)
