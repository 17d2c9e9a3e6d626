"""WavLM's buckets of distances, their bias, and the gate on it."""

import numpy as np
import pytest
from keras import ops

from kser.models.wavlm.gated_transformer_layer import GatedSelfAttention
from kser.models.wavlm.relative_position_bias import RelativePositionBias


def test_buckets_of_the_published_models() -> None:
    layer = RelativePositionBias(num_heads=1)
    bucket = dict(zip(range(-800, 801), layer.bucket_of_distance().tolist(), strict=True))
    assert [bucket[-d] for d in range(81)] == [*range(80), 80]  # one each, then ranges
    assert bucket[1] == 161
    assert bucket[79] == 239
    assert bucket[800] == 319
    assert bucket[-800] == 159
    later = [bucket[d] for d in range(80, 801)]
    assert later == sorted(later)
    assert set(later) == set(range(240, 320))
    # 80 · 10^(k / 80) frames and more: bucket 240 + k
    assert [d for d in range(80, 801) if bucket[d] == 280] == [
        d for d in range(80, 801) if 80 * 10**0.5 <= d < 80 * 10 ** (41 / 80)
    ]


@pytest.mark.parametrize(("num_buckets", "max_distance"), [(320, 800), (32, 128), (8, 5), (16, 12)])
def test_buckets_are_those_of_transformers(num_buckets: int, max_distance: int) -> None:
    torch = pytest.importorskip("torch")
    modeling = pytest.importorskip("transformers.models.wavlm.modeling_wavlm")
    attention = modeling.WavLMAttention(8, 2, num_buckets=num_buckets, max_distance=max_distance)
    length = max_distance + 20
    bias = RelativePositionBias(2, num_buckets, max_distance)
    frames = np.zeros((1, length, 8), "float32")
    bias.build(frames.shape)
    bias.embedding.assign(attention.rel_attn_embed.weight.detach().numpy())
    with torch.no_grad():
        expected = attention.compute_bias(length, length).numpy()
    np.testing.assert_array_equal(ops.convert_to_numpy(bias(frames))[0], expected)


def test_bias_depends_on_the_signed_distance_alone() -> None:
    layer = RelativePositionBias(num_heads=3, num_buckets=8, max_distance=6)
    bias = ops.convert_to_numpy(layer(np.zeros((2, 12, 4), "float32")))
    assert bias.shape == (1, 3, 12, 12)
    for offset in range(-11, 12):
        diagonal = np.diagonal(bias[0], offset, axis1=1, axis2=2)
        np.testing.assert_array_equal(diagonal, np.repeat(diagonal[:, :1], diagonal.shape[1], axis=1))
    assert len(np.unique(bias[0, 0])) == 7  # no frame is after another and at its place
    assert (bias[0, :, 0, 1] != bias[0, :, 1, 0]).all()  # key after the query, and before


@pytest.mark.parametrize(("num_buckets", "max_distance"), [(10, 800), (0, 800), (320, 80)])
def test_buckets_that_cannot_be_are_refused(num_buckets: int, max_distance: int) -> None:
    with pytest.raises(ValueError, match=f"num_buckets={num_buckets}, max_distance={max_distance}"):
        RelativePositionBias(2, num_buckets, max_distance)


def test_gate_is_a_function_of_each_query_and_head() -> None:
    layer = GatedSelfAttention(num_heads=2)
    frames = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    layer.build(frames.shape, (1, 5), (1, 2, 5, 5))
    rng = np.random.default_rng(1)
    kernel, bias, scale = rng.normal(size=(4, 8)), rng.normal(size=8), rng.normal(size=2)
    layer.gate_projection.kernel.assign(kernel)
    layer.gate_projection.bias.assign(bias)
    layer.gate_scale.assign(scale.reshape(1, 2, 1, 1))
    gate = ops.convert_to_numpy(layer.gate(ops.convert_to_tensor(frames)))
    for head in range(2):
        projected = frames[0, :, 4 * head : 4 * head + 4] @ kernel + bias
        update, reset = (1 / (1 + np.exp(-projected[:, part].sum(axis=1))) for part in np.s_[:4, 4:])
        expected = update * (reset * scale[head] - 1) + 2
        np.testing.assert_allclose(gate[0, head, :, 0], expected, rtol=1e-5)
