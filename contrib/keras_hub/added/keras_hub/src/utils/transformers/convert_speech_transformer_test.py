import json
from pathlib import Path

import numpy as np
import pytest
from absl.testing import parameterized
from keras import ops
from keras_hub.src.layers.preprocessing.audio_converter import AudioConverter
from keras_hub.src.models.backbone import Backbone
from keras_hub.src.models.hubert.hubert_backbone import HubertBackbone
from keras_hub.src.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from keras_hub.src.models.wavlm.wavlm_backbone import WavLMBackbone
from keras_hub.src.tests.test_case import TestCase
from safetensors.numpy import save_file

FAMILIES = (
    ("wav2vec2", Wav2Vec2Backbone),
    ("hubert", HubertBackbone),
    ("wavlm", WavLMBackbone),
)
CONFIG = {
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "hidden_size": 8,
    "intermediate_size": 12,
    "conv_dim": [4, 4],
    "conv_kernel": [10, 4],
    "conv_stride": [5, 2],
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "num_buckets": 8,
    "max_bucket_distance": 6,
}


def tensor_shapes(model_type):
    """Shapes of the published tensors of a model of `CONFIG`, by name."""
    layer = "encoder.layers.0"
    position = "encoder.pos_conv_embed.conv"
    shapes = {
        "masked_spec_embed": (8,),
        "feature_extractor.conv_layers.0.conv.weight": (4, 1, 10),
        "feature_extractor.conv_layers.1.conv.weight": (4, 4, 4),
        f"{position}.bias": (8,),
        f"{position}.parametrizations.weight.original0": (1, 1, 4),
        f"{position}.parametrizations.weight.original1": (8, 4, 4),
    }
    dense = {
        "feature_projection.projection": (8, 4),
        f"{layer}.feed_forward.intermediate_dense": (12, 8),
        f"{layer}.feed_forward.output_dense": (8, 12),
    }
    dense.update({f"{layer}.attention.{name}_proj": (8, 8) for name in ("q", "k", "v", "out")})
    norms = {
        "feature_extractor.conv_layers.0.layer_norm": (4,),
        "feature_projection.layer_norm": (4,),
        "encoder.layer_norm": (8,),
        f"{layer}.layer_norm": (8,),
        f"{layer}.final_layer_norm": (8,),
    }
    if model_type == "wavlm":
        dense[f"{layer}.attention.gru_rel_pos_linear"] = (8, 4)
        shapes[f"{layer}.attention.gru_rel_pos_const"] = (1, 2, 1, 1)
        shapes[f"{layer}.attention.rel_attn_embed.weight"] = (8, 2)
    for name, shape in {**dense, **norms}.items():
        shapes[f"{name}.weight"] = shape
        shapes[f"{name}.bias"] = shape[:1]
    return shapes


class ConvertSpeechTransformerTest(TestCase):
    def write_checkpoint(self, model_type, prefix=""):
        """A small random checkpoint: its folder and its tensors."""
        folder = Path(self.get_temp_dir()) / f"{prefix}checkpoint"
        folder.mkdir()
        rng = np.random.default_rng(0)
        tensors = {
            name: rng.normal(size=shape).astype("float32")
            for name, shape in tensor_shapes(model_type).items()
        }
        save_file(
            {prefix + name: tensor for name, tensor in tensors.items()},
            folder / "model.safetensors",
        )
        config = {"model_type": model_type, **CONFIG}
        (folder / "config.json").write_text(json.dumps(config))
        extractor = {"sampling_rate": 8000, "do_normalize": False}
        (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
        return str(folder), tensors

    @parameterized.parameters(*FAMILIES)
    def test_every_weight_is_assigned(self, model_type, cls):
        folder, tensors = self.write_checkpoint(model_type)
        backbone = Backbone.from_preset(folder)
        self.assertIsInstance(backbone, cls)
        published = sorted(float(np.sum(tensor)) for tensor in tensors.values())
        assigned = sorted(float(ops.sum(weight)) for weight in backbone.trainable_weights)
        self.assertAllClose(assigned, published, atol=1e-4)

    @parameterized.parameters(*FAMILIES)
    def test_model_with_a_head(self, model_type, cls):
        plain = Backbone.from_preset(self.write_checkpoint(model_type)[0])
        folder, _ = self.write_checkpoint(model_type, prefix=f"{model_type}.")
        for weight, other in zip(cls.from_preset(folder).weights, plain.weights, strict=True):
            self.assertAllEqual(weight, other)

    @parameterized.parameters(*FAMILIES)
    def test_audio_converter(self, model_type, cls):
        folder, _ = self.write_checkpoint(model_type)
        converter = AudioConverter.from_preset(folder)
        self.assertIs(converter.backbone_cls, cls)
        self.assertEqual(converter.sampling_rate, 8000)
        self.assertFalse(converter.do_normalize)

    def test_adapters_are_refused(self):
        folder, _ = self.write_checkpoint("wav2vec2")
        config = {"model_type": "wav2vec2", **CONFIG, "add_adapter": True}
        (Path(folder) / "config.json").write_text(json.dumps(config))
        with self.assertRaisesRegex(ValueError, "adapters are not supported"):
            Backbone.from_preset(folder)

    @pytest.mark.extra_large
    def test_published_checkpoint(self):
        preset = "hf://facebook/wav2vec2-base-960h"
        backbone = Backbone.from_preset(preset, load_weights=False)
        self.assertIsInstance(backbone, Wav2Vec2Backbone)
        Backbone.from_preset(preset)
