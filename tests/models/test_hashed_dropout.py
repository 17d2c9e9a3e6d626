"""Dropout by a hash: what it drops is as random as it should be."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from kser.models.hashed_dropout import HashedDropout, mixed, random_bits

COUNT = 2**16
needs_hash = pytest.mark.skipif(keras.config.backend() == "torch", reason="PyTorch has its own")


def bits(seed: int = 7, call: int = 0, count: int = COUNT) -> np.ndarray:
    return ops.convert_to_numpy(random_bits(np.array([seed, call]), count))


def mixed_in_numpy(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x735A2D97)
    return x ^ (x >> np.uint32(15))


@needs_hash
def test_hash_is_the_published_one() -> None:
    x = np.random.default_rng(0).integers(2**32, size=1000, dtype=np.uint32)
    np.testing.assert_array_equal(ops.convert_to_numpy(mixed(ops.convert_to_tensor(x))), mixed_in_numpy(x))


@needs_hash
@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_every_byte_is_uniform(shift: int) -> None:
    counts = np.bincount((bits() >> np.uint32(shift)) & np.uint32(255), minlength=256)
    assert stats.chisquare(counts).pvalue > 1e-3


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Of the bits of two series of numbers, in standard deviations from none."""
    agree = np.unpackbits(~(one ^ other).view(np.uint8)).mean()
    return abs(2 * agree - 1) * np.sqrt(32 * len(one))


@needs_hash
def test_calls_and_seeds_have_nothing_in_common() -> None:
    series = [bits(seed, call) for seed in (0, 1, 2, 2**31, 1_000_003) for call in (0, 1, 2, 1000)]
    pairs = [correlation(a, b) for i, a in enumerate(series) for b in series[:i]]
    assert max(pairs) < 5  # of 190 pairs
    assert np.mean(np.square(pairs)) == pytest.approx(1, abs=0.5)


@needs_hash
@pytest.mark.parametrize("lag", [1, 2, 3, 16, 64, 199, 768, 1024, 3072])
def test_neighbours_in_a_tensor_have_nothing_in_common(lag: int) -> None:
    series = bits(count=2**18)
    assert correlation(series[lag:], series[:-lag]) < 4.5
    # Nor do triples: the third is not the first two's.
    assert correlation(series[2 * lag :], series[lag:-lag] ^ series[: -2 * lag]) < 4.5


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 0.9])
def test_drops_its_share_and_keeps_the_mean(rate: float) -> None:
    layer = HashedDropout(rate, seed=1)
    x = np.full((64, 1024), 2.0, "float32")
    shares = []
    for _ in range(5):
        y = ops.convert_to_numpy(layer(x, training=True))
        np.testing.assert_allclose(y[y != 0], 2.0 / (1 - rate), rtol=1e-6)
        shares.append((y == 0).mean())
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    np.testing.assert_allclose(shares, rate, atol=5 * deviation)
    assert len(set(shares)) > 1


def test_passes_through_in_inference_and_for_rate_zero() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(HashedDropout(0.5, seed=1)(x)), x)
    np.testing.assert_array_equal(ops.convert_to_numpy(HashedDropout(0.0)(x, training=True)), x)


def test_rows_and_channels_are_dropped_independently() -> None:
    dropped = ops.convert_to_numpy(HashedDropout(0.5, seed=4)(np.ones((512, 512), "float32"), training=True))
    signs = np.where(dropped == 0, -1.0, 1.0)
    for rows in (signs, signs.T):
        others = (rows @ rows.T)[np.triu_indices(512, 1)] / np.sqrt(512)  # standard normal each
        assert np.abs(others).max() < 6
        assert others.std() == pytest.approx(1, abs=0.02)


@needs_hash
def test_half_precision_keeps_its_type_and_drops_the_same() -> None:
    x = np.ones((8, 32))
    full = HashedDropout(0.3, seed=2, dtype="float32")(x, training=True)
    half = HashedDropout(0.3, seed=2, dtype="bfloat16")(x, training=True)
    assert keras.backend.standardize_dtype(half.dtype) == "bfloat16"
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ops.cast(half, "float32")) == 0, ops.convert_to_numpy(full) == 0
    )


def test_saved_and_loaded_drops_the_same() -> None:
    layer = HashedDropout(0.5, seed=9)
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    x = np.ones((16, 16), "float32")
    results = [ops.convert_to_numpy(dropout(x, training=True)) for dropout in (layer, loaded)]
    np.testing.assert_array_equal(*results)
    assert not np.array_equal(results[0], ops.convert_to_numpy(layer(x, training=True)))
