"""The emotion regressor: arousal, valence, dominance, or other numbers."""

from typing import ClassVar

import keras

from kser.models.emotion_task import EmotionTask, checked_names
from kser.models.original_units import OriginalUnits, unit_arguments

DIMENSIONS = ("arousal", "valence", "dominance")


@keras.saving.register_keras_serializable(package="kser")
class EmotionRegressor(EmotionTask):
    """Rates an utterance: one number for each of `targets`, in the units of the corpus.

    The network works on standardised values; its last layer gives `offset + scale × standardised value`. With
    mean and standard deviation of the training part as offsets and scales a new model predicts the mean, and
    no target outweighs the others by its unit.

    Args:
        backbone: a `SpeechBackbone`.
        targets: list of str, in the order of the values; they travel with the model.
        preprocessor: an `UtterancePreprocessor`, or `None` to give the model its inputs ready-made.
        offsets: list of float, one a target in its unit: the mean of the training part; `None` for zeros.
        scales: list of float, one a target in its unit: the standard deviation; `None` for ones.
        **kwargs: pooling and head, see `EmotionTask`.

    Raises:
        ValueError: as `EmotionTask`, or targets, offsets and scales differ in length, or a scale is not
            above 0.

    Input: as the backbone's. Output: float32 values (batch, len(targets)).

    Source of the three dimensions as targets: [Wagner et al., 2023](https://arxiv.org/abs/2203.07378).

    Examples:

        regressor = EmotionRegressor.from_preset(
            "facebook/wav2vec2-base", targets=["arousal", "valence"], offsets=[4.0, 4.1], scales=[1.0, 0.9]
        )
        regressor.predict(np.zeros((1, 16000), "float32"))   # (1, 2)
    """

    new_head_arguments: ClassVar = {"targets": ("offsets", "scales")}
    problem_type = "regression"
    output_layer = "standardized_values"

    def __init__(self, backbone, targets=DIMENSIONS, preprocessor=None, offsets=None, scales=None, **kwargs):
        targets = checked_names("targets", targets)
        offsets, scales = unit_arguments(targets, offsets, scales)
        super().__init__(
            backbone,
            lambda dense: values_layers(dense, offsets, scales),
            preprocessor=preprocessor,
            **kwargs,
        )
        self.targets = targets
        self.offsets = offsets
        self.scales = scales

    def get_config(self):
        return {
            **super().get_config(),
            "targets": self.targets,
            "offsets": self.offsets,
            "scales": self.scales,
        }


def values_layers(dense, offsets, scales):
    """The last layers of a head that gives values in their units, see `EmotionTask`."""
    standardized = dense(len(scales), "standardized_values")
    original_units = OriginalUnits(offsets, scales, name="values", dtype="float32")
    return lambda x: original_units(standardized(x))
