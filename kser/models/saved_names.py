"""What classes were called in earlier versions, so that the models these saved go on loading."""

import keras

from kser.models.utterance_task import UtterancePreprocessor

keras.saving.get_custom_objects().update(
    {
        "kser>AudioClassifierPreprocessor": UtterancePreprocessor,  # 0.1.0
    }
)
