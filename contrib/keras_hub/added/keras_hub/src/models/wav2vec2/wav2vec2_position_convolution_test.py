import numpy as np
from keras import ops
from keras_hub.src.models.wav2vec2.wav2vec2_position_convolution import Wav2Vec2PositionConvolution
from keras_hub.src.tests.test_case import TestCase


class Wav2Vec2PositionConvolutionTest(TestCase):
    def test_layer_basics(self):
        self.run_layer_test(
            cls=Wav2Vec2PositionConvolution,
            init_kwargs={"kernel_size": 6, "groups": 2},
            input_data=ops.ones((2, 5, 8)),
            expected_output_shape=(2, 5, 8),
            expected_num_trainable_weights=3,
        )

    def test_groups_do_not_see_each_other(self):
        layer = Wav2Vec2PositionConvolution(kernel_size=3, groups=2)
        frames = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
        other = frames.copy()
        other[..., 4:] += 1.0
        self.assertAllClose(layer(frames)[..., :4], layer(other)[..., :4])
        self.assertNotAllClose(layer(frames)[..., 4:], layer(other)[..., 4:])

    def test_groups_must_divide_the_channels(self):
        with self.assertRaisesRegex(ValueError, "`groups` must divide"):
            Wav2Vec2PositionConvolution(kernel_size=3, groups=3)(ops.ones((1, 5, 8)))
