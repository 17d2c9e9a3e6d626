import numpy as np
from keras_hub.src.models.wavlm.wavlm_audio_converter import WavLMAudioConverter
from keras_hub.src.tests.test_case import TestCase


class WavLMAudioConverterTest(TestCase):
    def test_audio_converter_basics(self):
        rng = np.random.default_rng(0)
        self.run_preprocessing_layer_test(
            cls=WavLMAudioConverter,
            init_kwargs={},
            input_data=rng.normal(size=(2, 200)).astype("float32"),
        )
