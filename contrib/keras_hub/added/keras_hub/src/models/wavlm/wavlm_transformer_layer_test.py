import numpy as np
from keras import ops
from keras_hub.src.models.wavlm.wavlm_transformer_layer import WavLMSelfAttention, WavLMTransformerLayer
from keras_hub.src.tests.test_case import TestCase


class WavLMTransformerLayerTest(TestCase):
    def setUp(self):
        self.input_data = {
            "frames": ops.ones((2, 5, 8)),
            "frame_mask": ops.convert_to_tensor(np.arange(5) < np.array([[5], [3]])),
            # As many as utterances: `fit()` divides its inputs into batches.
            "position_bias": ops.ones((2, 2, 5, 5)),
        }

    def test_layer_basics(self):
        self.run_layer_test(
            cls=WavLMTransformerLayer,
            init_kwargs={"num_heads": 2, "intermediate_dim": 12},
            input_data=self.input_data,
            expected_output_shape=(2, 5, 8),
            expected_num_trainable_weights=16 + 3,
        )

    def test_self_attention(self):
        self.run_layer_test(
            cls=WavLMSelfAttention,
            init_kwargs={"num_heads": 2},
            input_data=self.input_data,
            expected_output_shape=(2, 5, 8),
            expected_num_trainable_weights=8 + 3,
        )
