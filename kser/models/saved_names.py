"""Names of classes in earlier versions, so that models saved by these still load."""

import keras

from kser.models.utterance_task import UtterancePreprocessor

keras.saving.get_custom_objects().update(
    {
        "kser>AudioClassifierPreprocessor": UtterancePreprocessor,  # 0.1.0
    }
)
