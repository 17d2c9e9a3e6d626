import numpy as np
from keras_hub.src.models.hubert.hubert_audio_converter import HubertAudioConverter
from keras_hub.src.tests.test_case import TestCase


class HubertAudioConverterTest(TestCase):
    def test_audio_converter_basics(self):
        rng = np.random.default_rng(0)
        self.run_preprocessing_layer_test(
            cls=HubertAudioConverter,
            init_kwargs={},
            input_data=rng.normal(size=(2, 200)).astype("float32"),
        )
