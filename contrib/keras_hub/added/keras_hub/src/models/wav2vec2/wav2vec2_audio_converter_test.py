import numpy as np
import tensorflow as tf
from keras_hub.src.models.wav2vec2.wav2vec2_audio_converter import Wav2Vec2AudioConverter
from keras_hub.src.tests.test_case import TestCase


class Wav2Vec2AudioConverterTest(TestCase):
    def setUp(self):
        rng = np.random.default_rng(0)
        self.utterances = [rng.normal(1.0, 2.0, length).astype("float32") for length in (200, 120)]

    def test_audio_converter_basics(self):
        self.run_preprocessing_layer_test(
            cls=Wav2Vec2AudioConverter,
            init_kwargs={},
            input_data=np.stack([self.utterances[0], 3.0 * self.utterances[0]]),
        )

    def test_without_normalization(self):
        self.run_preprocessing_layer_test(
            cls=Wav2Vec2AudioConverter,
            init_kwargs={"do_normalize": False},
            input_data=np.stack([self.utterances[0]] * 2),
            expected_output={
                "waveform": np.stack([self.utterances[0]] * 2),
                "padding_mask": np.ones((2, 200), bool),
            },
        )

    def test_padding_is_zero_and_left_out_of_the_statistics(self):
        output = Wav2Vec2AudioConverter()(self.utterances)
        alone = Wav2Vec2AudioConverter()(self.utterances[1])
        self.assertAllClose(output["waveform"][1, :120], alone["waveform"])
        self.assertAllEqual(output["waveform"][1, 120:], np.zeros(80))
        self.assertAllEqual(output["padding_mask"][1], np.arange(200) < 120)

    def test_padding_as_published(self):
        output = Wav2Vec2AudioConverter(mask_padding=False)(self.utterances)
        padded = np.pad(self.utterances[1], (0, 80))
        expected = (padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)
        self.assertAllClose(output["waveform"][1], expected, atol=1e-5)
        self.assertAllEqual(output["padding_mask"][1], np.ones(200, bool))

    def test_python_matches_tf(self):
        ragged = tf.ragged.constant([row.tolist() for row in self.utterances])
        for mask_padding in (True, False):
            converter = Wav2Vec2AudioConverter(mask_padding=mask_padding)
            self.assertAllClose(
                converter._call_python(self.utterances), converter._call_tf(ragged), atol=1e-5
            )

    def test_two_channels_are_refused(self):
        with self.assertRaisesRegex(ValueError, "must have one channel"):
            Wav2Vec2AudioConverter()(np.zeros((1, 200, 2)))
