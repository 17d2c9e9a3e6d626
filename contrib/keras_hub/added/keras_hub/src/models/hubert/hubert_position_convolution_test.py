import numpy as np
from keras import ops
from keras_hub.src.models.hubert.hubert_position_convolution import HubertPositionConvolution
from keras_hub.src.tests.test_case import TestCase


class HubertPositionConvolutionTest(TestCase):
    def test_layer_basics(self):
        self.run_layer_test(
            cls=HubertPositionConvolution,
            init_kwargs={"kernel_size": 6, "groups": 2},
            input_data={
                "frames": ops.ones((2, 5, 8)),
                "frame_mask": ops.convert_to_tensor(np.arange(5) < np.array([[5], [3]])),
            },
            expected_output_shape=(2, 5, 8),
            expected_num_trainable_weights=4,
            expected_num_non_trainable_weights=2,
            expected_num_non_trainable_variables=2,
        )
