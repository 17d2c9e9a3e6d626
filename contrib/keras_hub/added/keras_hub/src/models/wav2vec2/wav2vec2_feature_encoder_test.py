import numpy as np
from absl.testing import parameterized
from keras import ops
from keras_hub.src.models.wav2vec2.wav2vec2_feature_encoder import (
    Wav2Vec2FeatureEncoder,
    Wav2Vec2FrameMask,
    Wav2Vec2GroupNormalization,
    Wav2Vec2ZeroPaddedFrames,
)
from keras_hub.src.tests.test_case import TestCase


class Wav2Vec2FeatureEncoderTest(TestCase):
    def setUp(self):
        rng = np.random.default_rng(0)
        self.frames = ops.convert_to_tensor(rng.normal(size=(2, 6, 4)), "float32")
        self.frame_mask = ops.convert_to_tensor(np.arange(6) < np.array([[6], [3]]))

    @parameterized.parameters(("group", 3 + 2), ("layer", 3 + 3 * 2))
    def test_feature_encoder(self, norm, num_weights):
        self.run_layer_test(
            cls=Wav2Vec2FeatureEncoder,
            init_kwargs={"filters": [8] * 3, "kernel_sizes": [10, 4, 3], "strides": [5, 2, 2], "norm": norm},
            input_data={
                "waveform": ops.ones((2, 125)),
                "padding_mask": ops.ones((2, 125), dtype="bool"),
            },
            expected_output_shape=(2, 5, 8),
            expected_num_trainable_weights=num_weights,
        )

    def test_group_normalization(self):
        self.run_layer_test(
            cls=Wav2Vec2GroupNormalization,
            init_kwargs={},
            input_data={"frames": self.frames, "frame_mask": self.frame_mask},
            expected_output_shape=(2, 6, 4),
            expected_num_trainable_weights=2,
        )

    def test_group_normalization_leaves_padding_out(self):
        output = Wav2Vec2GroupNormalization()(self.frames, self.frame_mask)
        valid = ops.convert_to_numpy(self.frames)[1, :3]
        expected = (valid - valid.mean(axis=0)) / np.sqrt(valid.var(axis=0) + 1e-5)
        self.assertAllClose(output[1, :3], expected, atol=1e-5)

    def test_frame_mask(self):
        layer = Wav2Vec2FrameMask(kernel_sizes=[4], strides=[2])
        self.run_serialization_test(layer)
        mask = layer(self.frames, ops.convert_to_tensor(np.arange(14) < np.array([[14], [7]])))
        self.assertAllEqual(mask, np.arange(6) < np.array([[6], [2]]))

    def test_zero_padded_frames(self):
        frames = ops.convert_to_numpy(self.frames).copy()
        frames[1, 3:] = np.nan
        output = Wav2Vec2ZeroPaddedFrames()(ops.convert_to_tensor(frames), self.frame_mask)
        self.assertAllEqual(output, np.nan_to_num(frames))
