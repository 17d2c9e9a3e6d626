"""Every pooling leaves the padding out."""

import numpy as np
import pytest
from keras import ops

from kser.models.pooling import POOLINGS, MaskedMeanPooling


def pooled(pooling, frames: np.ndarray, frame_mask: np.ndarray) -> np.ndarray:
    return ops.convert_to_numpy(pooling(frames, frame_mask))


@pytest.mark.parametrize("pooling", POOLINGS.values(), ids=POOLINGS)
def test_padding_is_left_out(pooling) -> None:
    frames = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    alone = pooled(pooling(), frames, np.ones((2, 5), bool))
    padded = np.pad(frames, [(0, 0), (0, 4), (0, 0)], constant_values=1e3)
    result = pooled(pooling(), padded, np.tile(np.arange(9) < 5, (2, 1)))
    np.testing.assert_allclose(result, alone, atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS.values(), ids=POOLINGS)
def test_row_without_a_valid_frame_gives_zeros(pooling) -> None:
    frames = np.ones((2, 5, 3), "float32")
    result = pooled(pooling(), frames, np.array([[False] * 5, [True] * 5]))
    assert not result[0].any()
    assert result[1].all()


def test_mean_is_the_mean() -> None:
    frames = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    result = pooled(MaskedMeanPooling(), frames, np.ones((2, 5), bool))
    np.testing.assert_allclose(result, frames.mean(axis=1), atol=1e-6)


def test_mean_of_many_frames_is_exact_enough_in_half_precision() -> None:
    frames = np.full((1, 3000, 1), 0.5, "float16")
    layer = MaskedMeanPooling(dtype="float16")
    assert pooled(layer, frames, np.ones((1, 3000), bool)).item() == 0.5
