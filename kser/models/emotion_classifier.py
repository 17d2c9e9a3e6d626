"""The emotion classifier: one of several emotions."""

from typing import ClassVar

import keras
from keras import ops

from kser.models.emotion_task import EmotionTask, checked_names


@keras.saving.register_keras_serializable(package="kser")
class EmotionClassifier(EmotionTask):
    """Names the emotion of an utterance: logits over `labels`, of which one is right.

    Args:
        backbone: a `SpeechBackbone`.
        labels: list of str, the classes in the order of the logits; they travel with the model.
        preprocessor: an `UtterancePreprocessor`, or `None` to give the model its inputs ready-made.
        **kwargs: pooling and head, see `EmotionTask`.

    Raises:
        ValueError: as `EmotionTask`, or `labels` is empty or has duplicates.

    Input: as the backbone's. Output: float32 logits (batch, len(labels)).

    Examples:

        classifier = EmotionClassifier.from_preset("facebook/wav2vec2-base", labels=["anger", "joy"])
        logits = classifier.predict(np.zeros((1, 16000), "float32"))   # (1, 2)
        classifier.save_to_preset("my_model")
        EmotionClassifier.from_preset("my_model").labels               # ["anger", "joy"]
    """

    new_head_arguments: ClassVar = {"labels": ()}
    problem_type = "single_label_classification"
    output_layer = "logits"

    def __init__(self, backbone, labels, preprocessor=None, **kwargs):
        labels = checked_names("labels", labels)
        super().__init__(
            backbone, lambda dense: dense(len(labels), "logits"), preprocessor=preprocessor, **kwargs
        )
        self.labels = labels

    def rename_labels(self, names):
        """Give the classes other names, and their logits another order.

        Args:
            names: dict, the new name of each label by the present one, in the new order of the logits.
        """
        order = [self.labels.index(label) for label in names]
        layer = self.get_layer(self.output_layer)
        for weight in (layer.kernel, layer.bias):
            weight.assign(ops.take(weight, order, axis=-1))
        self.labels = checked_names("labels", names.values())

    def get_config(self):
        return {**super().get_config(), "labels": self.labels}
