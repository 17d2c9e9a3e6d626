import numpy as np
from absl.testing import parameterized
from keras import ops
from keras_hub.src.models.wav2vec2.wav2vec2_transformer_layer import (
    Wav2Vec2SelfAttention,
    Wav2Vec2TransformerLayer,
)
from keras_hub.src.tests.test_case import TestCase


class Wav2Vec2TransformerLayerTest(TestCase):
    def setUp(self):
        rng = np.random.default_rng(0)
        self.input_data = {
            "frames": ops.convert_to_tensor(rng.normal(size=(2, 5, 8)), "float32"),
            "frame_mask": ops.convert_to_tensor(np.arange(5) < np.array([[5], [3]])),
        }

    @parameterized.parameters(True, False)
    def test_layer_basics(self, norm_first):
        self.run_layer_test(
            cls=Wav2Vec2TransformerLayer,
            init_kwargs={"num_heads": 2, "intermediate_dim": 12, "norm_first": norm_first},
            input_data=self.input_data,
            expected_output_shape=(2, 5, 8),
            expected_num_trainable_weights=16,
        )

    def test_self_attention(self):
        self.run_layer_test(
            cls=Wav2Vec2SelfAttention,
            init_kwargs={"num_heads": 2},
            input_data=self.input_data,
            expected_output_shape=(2, 5, 8),
            expected_num_trainable_weights=8,
        )

    def test_masked_frames_are_not_attended_to(self):
        layer = Wav2Vec2SelfAttention(num_heads=2)
        frames = ops.convert_to_numpy(self.input_data["frames"])
        output = layer(frames, self.input_data["frame_mask"])
        alone = layer(frames[1:, :3], ops.ones((1, 3), dtype="bool"))
        self.assertAllClose(output[1:, :3], alone, atol=1e-6)
