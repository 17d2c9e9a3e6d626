"""Emotion and its dimensions at once, from one trunk."""

from typing import ClassVar

import keras

from kser.models.emotion_regressor import DIMENSIONS, values_layers
from kser.models.emotion_task import EmotionTask, checked_names
from kser.models.original_units import unit_arguments


@keras.saving.register_keras_serializable(package="kser")
class MultiTaskEmotionModel(EmotionTask):
    """Names the emotion of an utterance and rates it: `EmotionClassifier` and `EmotionRegressor` in one.

    Args:
        backbone: a `SpeechBackbone`.
        labels: list of str, see `EmotionClassifier`.
        targets: list of str, see `EmotionRegressor`.
        preprocessor: an `UtterancePreprocessor`, or `None` to give the model its inputs ready-made.
        offsets: list of float, see `EmotionRegressor`.
        scales: list of float, see `EmotionRegressor`.
        **kwargs: pooling and head, see `EmotionTask`.

    Raises:
        ValueError: as `EmotionClassifier` and `EmotionRegressor`.

    Input: as the backbone's. Output: a dict, `"logits"`: float32 (batch, len(labels)) and `"values"`: float32
    (batch, len(targets)).

    Examples:

        model = MultiTaskEmotionModel.from_preset(
            "facebook/wav2vec2-base", labels=["anger", "joy"], targets=["arousal"]
        )
        model.predict(np.zeros((1, 16000), "float32"))["values"]   # (1, 1)
    """

    new_head_arguments: ClassVar = {"labels": (), "targets": ("offsets", "scales")}

    def __init__(
        self, backbone, labels, targets=DIMENSIONS, preprocessor=None, offsets=None, scales=None, **kwargs
    ):
        labels, targets = checked_names("labels", labels), checked_names("targets", targets)
        offsets, scales = unit_arguments(targets, offsets, scales)
        super().__init__(
            backbone,
            lambda dense: _both(dense(len(labels), "logits"), values_layers(dense, offsets, scales)),
            preprocessor=preprocessor,
            **kwargs,
        )
        self.labels = labels
        self.targets = targets
        self.offsets = offsets
        self.scales = scales

    def get_config(self):
        return {
            **super().get_config(),
            "labels": self.labels,
            "targets": self.targets,
            "offsets": self.offsets,
            "scales": self.scales,
        }


def _both(logits, values):
    return lambda x: {"logits": logits(x), "values": values(x)}
