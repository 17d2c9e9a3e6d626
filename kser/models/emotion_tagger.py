"""The emotion tagger: any number of several emotions."""

from typing import ClassVar

import keras

from kser.models.emotion_task import EmotionTask, checked_names


@keras.saving.register_keras_serializable(package="kser")
class EmotionTagger(EmotionTask):
    """Names the emotions of an utterance, none or several: a logit for each of `labels` on its own.

    The sigmoid of a logit is the probability of its label; a positive logit stands for yes. A class of
    its own and not an option of `EmotionClassifier`, because everything that is done with the same logits
    differs: loss, probabilities, metrics.

    Args:
        backbone: a `SpeechBackbone`.
        labels: list of str, in the order of the logits; they travel with the model.
        preprocessor: an `UtterancePreprocessor`, or `None` to give the model its inputs ready-made.
        **kwargs: pooling and head, see `EmotionTask`.

    Raises:
        ValueError: as `EmotionTask`, or `labels` is empty or has duplicates.

    Input: as the backbone's. Output: float32 logits (batch, len(labels)).

    Examples:

        tagger = EmotionTagger.from_preset("facebook/wav2vec2-base", labels=["anger", "disgust", "joy"])
        probabilities = keras.ops.sigmoid(tagger.predict(np.zeros((1, 16000), "float32")))   # (1, 3)
    """

    new_head_arguments: ClassVar = {"labels": ()}
    problem_type = "multi_label_classification"
    output_layer = "logits"

    def __init__(self, backbone, labels, preprocessor=None, **kwargs):
        labels = checked_names("labels", labels)
        super().__init__(
            backbone, lambda dense: dense(len(labels), "logits"), preprocessor=preprocessor, **kwargs
        )
        self.labels = labels

    def get_config(self):
        return {**super().get_config(), "labels": self.labels}
