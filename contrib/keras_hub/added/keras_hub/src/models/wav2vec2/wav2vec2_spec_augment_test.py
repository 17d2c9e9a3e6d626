import numpy as np
from keras import ops
from keras_hub.src.models.wav2vec2.wav2vec2_spec_augment import Wav2Vec2SpecAugment
from keras_hub.src.tests.test_case import TestCase


class Wav2Vec2SpecAugmentTest(TestCase):
    def setUp(self):
        self.input_data = {
            "frames": ops.ones((2, 20, 8)),
            "frame_mask": ops.convert_to_tensor(np.arange(20) < np.array([[20], [8]])),
        }

    def test_layer_basics(self):
        self.run_layer_test(
            cls=Wav2Vec2SpecAugment,
            init_kwargs={"mask_time_prob": 0.5, "mask_time_length": 2},
            input_data=self.input_data,
            expected_output_shape=(2, 20, 8),
            expected_num_trainable_weights=1,
            expected_num_non_trainable_variables=1,
            # Its model does not say that it trains: nothing is masked, and the weight gets no gradient.
            run_training_check=False,
        )

    def test_only_valid_frames_are_masked_and_only_in_training(self):
        layer = Wav2Vec2SpecAugment(mask_time_prob=0.5, mask_time_length=2)
        self.assertAllEqual(layer(**self.input_data), self.input_data["frames"])
        output = ops.convert_to_numpy(layer(**self.input_data, training=True))
        masked = (output != 1.0).any(axis=-1)
        self.assertAllEqual(masked[1, 8:], np.zeros(12, bool))
        self.assertTrue((masked.sum(axis=1) >= 2).all())
        embedding = ops.convert_to_numpy(layer.mask_embedding)
        self.assertAllClose(output[masked], np.tile(embedding, (masked.sum(), 1)))
