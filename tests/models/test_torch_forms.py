"""PyTorch's own functions give what the plain ones give: attention, dense layers, half precision, exports."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.models.wav2vec2.transformer_layer import (
    apply_dense,
    dense,
    fused_attention,
    masked_score,
)
from tests.models.small_models import wav2vec2, waveforms

pytestmark = pytest.mark.skipif(keras.config.backend() != "torch", reason="the forms are PyTorch's")


def draws(*shape: int):
    return ops.convert_to_tensor(np.random.default_rng(sum(shape)).normal(size=shape).astype("float32"))


@pytest.mark.parametrize("biased", [True, False])
def test_fused_attention_is_the_softmax_of_the_scores(biased: bool) -> None:
    query, key, value = (draws(2, 3, 7, 4) + i for i in range(3))
    bias = draws(2, 3, 7, 7) if biased else None
    attendable = ops.convert_to_tensor(np.arange(7) < np.array([[7], [4]]))[:, None, None]
    scores = 0.5 * ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
    scores = scores if bias is None else scores + bias
    weights = ops.softmax(ops.where(attendable, scores, masked_score(query)))
    found = fused_attention(query, key, value, attendable, bias, 0.5, 0.0)
    np.testing.assert_allclose(found, ops.matmul(weights, value), atol=1e-5)


def test_fused_attention_drops_its_share_and_keeps_the_mean() -> None:
    frames = 64
    query, value = ops.zeros((8, 4, frames, 2)), ops.ones((8, 4, frames, 2))
    attendable = ops.ones((8, 1, 1, frames), dtype="bool")
    found = ops.convert_to_numpy(fused_attention(query, query, value, attendable, None, 1.0, 0.25))
    # Each is a mean of 64 ones of which a quarter is dropped and the others are 4/3.
    assert found.mean() == pytest.approx(1.0, abs=0.01)
    assert found.std() == pytest.approx((0.25 / 0.75 / frames) ** 0.5, rel=0.1)


@pytest.mark.parametrize("adapted", [True, False])
def test_dense_layers_are_what_keras_makes_of_them(adapted: bool) -> None:
    layer = dense(5, None, "dense")
    layer.build((None, None, 4))
    layer.bias.assign(draws(5))
    if adapted:
        layer.enable_lora(2)
        layer.lora_kernel_b.assign(draws(2, 5))
    frames = draws(2, 3, 4)
    found, expected = apply_dense(layer, frames), layer(frames)
    np.testing.assert_allclose(found.detach(), expected.detach(), atol=1e-6)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16"])
def test_half_precision_is_close_where_nothing_is_learned(norm: str, dtype: str) -> None:
    exact, rough = wav2vec2(norm), wav2vec2(norm, dtype=dtype)
    rough.set_weights(exact.get_weights())
    audio = np.stack(waveforms(400, 400))
    batch = {"waveform": audio, "padding_mask": np.arange(400) < np.array([[400], [233]])}
    outputs = [model.predict_on_batch(batch) for model in (exact, rough)]
    expected, found = (states["sequence_output"].astype("float32") for states in outputs)
    assert 0 < np.linalg.norm(found - expected) < 2e-2 * np.linalg.norm(expected)
    rough.freeze_feature_encoder()
    learned = rough(batch, training=True)["sequence_output"]
    ops.sum(learned).backward()


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_backbone_is_exported_by_pytorch(norm: str) -> None:
    import torch

    class Frames(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = wav2vec2(norm)

        def forward(self, waveform, padding_mask):
            return self.backbone({"waveform": waveform, "padding_mask": padding_mask})["sequence_output"]

    model = Frames().eval()
    model.requires_grad_(False)
    waveform = torch.from_numpy(np.stack(waveforms(400, 400)))
    padding_mask = torch.arange(400) < torch.tensor([[400], [233]])
    exported = torch.export.export(model, (waveform, padding_mask), strict=False)
    found = exported.module()(waveform, padding_mask)
    np.testing.assert_allclose(found.detach(), model(waveform, padding_mask).detach(), atol=1e-5)
