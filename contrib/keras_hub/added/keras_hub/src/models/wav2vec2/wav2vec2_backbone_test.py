import numpy as np
import pytest
from keras import ops
from keras_hub.src.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from keras_hub.src.tests.test_case import TestCase


class Wav2Vec2BackboneTest(TestCase):
    def setUp(self):
        # One frame every 20 samples; 45 samples for the first.
        self.init_kwargs = {
            "num_layers": 2,
            "num_heads": 2,
            "hidden_dim": 16,
            "intermediate_dim": 24,
            "filters": [8, 8, 8],
            "kernel_sizes": [10, 4, 3],
            "strides": [5, 2, 2],
            "position_kernel_size": 6,
            "position_groups": 2,
        }
        rng = np.random.default_rng(0)
        self.input_data = {
            "waveform": ops.convert_to_tensor(rng.normal(size=(2, 125)), "float32"),
            "padding_mask": ops.ones((2, 125), dtype="bool"),
        }
        self.expected_output_shape = {"sequence_output": (2, 5, 16), "frame_mask": (2, 5)}

    def test_backbone_basics(self):
        self.run_backbone_test(
            cls=Wav2Vec2Backbone,
            init_kwargs=self.init_kwargs,
            input_data=self.input_data,
            expected_output_shape=self.expected_output_shape,
        )

    def test_large_backbone_basics(self):
        large = {"feature_norm": "layer", "norm_first": True, "use_conv_bias": True}
        self.run_backbone_test(
            cls=Wav2Vec2Backbone,
            init_kwargs={**self.init_kwargs, **large},
            input_data=self.input_data,
            expected_output_shape=self.expected_output_shape,
        )

    def test_padding_changes_nothing(self):
        backbone = Wav2Vec2Backbone(**self.init_kwargs)
        outputs = backbone(self.input_data)
        waveform = ops.convert_to_numpy(self.input_data["waveform"])
        padded = {
            "waveform": np.pad(waveform, ((0, 0), (0, 60)), constant_values=7.0),
            "padding_mask": np.tile(np.arange(185) < 125, (2, 1)),
        }
        padded_outputs = backbone(padded)
        self.assertAllEqual(padded_outputs["frame_mask"][0], np.arange(8) < 5)
        self.assertAllClose(padded_outputs["sequence_output"][:, :5], outputs["sequence_output"], atol=1e-5)

    def test_training(self):
        random = {
            "feature_dropout": 0.1,
            "dropout": 0.1,
            "attention_dropout": 0.1,
            "activation_dropout": 0.1,
            "layer_drop": 0.1,
            "spec_augment": {"mask_time_prob": 0.5, "mask_time_length": 2, "mask_feature_prob": 0.5},
        }
        backbone = Wav2Vec2Backbone(**{**self.init_kwargs, **random})
        backbone.compile(optimizer="sgd", loss={"sequence_output": "mse", "frame_mask": None})
        inputs = {name: ops.convert_to_numpy(value) for name, value in self.input_data.items()}
        history = backbone.fit(inputs, {"sequence_output": np.zeros((2, 5, 16))}, verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))

    @pytest.mark.large
    def test_saved_model(self):
        self.run_model_saving_test(
            cls=Wav2Vec2Backbone, init_kwargs=self.init_kwargs, input_data=self.input_data
        )

    @pytest.mark.extra_large
    def test_all_presets(self):
        for preset in Wav2Vec2Backbone.presets:
            self.run_preset_test(cls=Wav2Vec2Backbone, preset=preset, input_data=self.long_input())

    def long_input(self):
        """Audio for the published convolutions, of 400 samples for the first frame."""
        return {
            "waveform": ops.zeros((1, 1600)),
            "padding_mask": ops.ones((1, 1600), dtype="bool"),
        }
