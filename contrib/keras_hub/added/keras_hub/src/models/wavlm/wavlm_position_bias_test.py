import numpy as np
from keras import ops
from keras_hub.src.models.wavlm.wavlm_position_bias import WavLMPositionBias
from keras_hub.src.tests.test_case import TestCase


class WavLMPositionBiasTest(TestCase):
    def test_layer_basics(self):
        self.run_layer_test(
            cls=WavLMPositionBias,
            init_kwargs={"num_heads": 2, "num_buckets": 8, "max_distance": 6},
            input_data=ops.ones((2, 5, 8)),
            expected_output_shape=(1, 2, 5, 5),
            expected_num_trainable_weights=1,
            # Its output has no batch, on which `fit()` insists.
            run_training_check=False,
        )

    def test_buckets(self):
        buckets = WavLMPositionBias(num_heads=1, num_buckets=8, max_distance=6).bucket_of_distance()
        self.assertEqual(buckets[6], 0)
        self.assertAllEqual(buckets[:6], buckets[:6:-1] - 4)
        self.assertTrue((np.diff(buckets[7:]) >= 0).all())

    def test_a_quarter_of_the_buckets_is_below_the_maximum(self):
        with self.assertRaisesRegex(ValueError, "`num_buckets` must be"):
            WavLMPositionBias(num_heads=1, num_buckets=8, max_distance=2)
