"""SpecAugment: how many spans, where, and what is put in their place."""

import keras
import numpy as np
import pytest
from keras import ops

from kser.models.wav2vec2.spec_augment import SpecAugment, random_spans


def spans(lengths, places, probability, span_length, minimum=0, seed=0) -> np.ndarray:
    """`random_spans` of rows of those lengths."""
    valid = np.arange(places) < np.array(lengths)[:, None]
    drawn = random_spans(valid, probability, span_length, minimum, keras.random.SeedGenerator(seed))
    return ops.convert_to_numpy(drawn)


@pytest.mark.parametrize(
    ("length", "probability", "minimum", "expected"),
    [
        (100, 0.2, 0, {20}),
        (30, 0.15, 0, {4, 5}),  # 4.5, rounded by chance
        (30, 0.0, 2, {2}),
        (3, 0.5, 5, {3}),  # more do not fit
        (0, 0.5, 2, {0}),
    ],
)
def test_number_of_spans_of_one_place(
    length: int, probability: float, minimum: int, expected: set[int]
) -> None:
    masked = spans([length] * 100, 120, probability, 1, minimum)
    assert set(masked.sum(axis=1).tolist()) == expected
    assert not masked[:, length:].any()


@pytest.mark.parametrize(("length", "least", "most"), [(9, 0, 0), (10, 10, 10), (25, 11, 20), (30, 12, 30)])
def test_no_more_spans_than_fit(length: int, least: int, most: int) -> None:
    covered = spans([length] * 100, 120, 1.0, 10, minimum=7).sum(axis=1)
    assert least <= covered.min() <= covered.max() <= most


def test_rounding_and_places_are_as_likely_as_they_should_be() -> None:
    masked = spans([40] * 20_000, 50, 0.3, 5)  # 2.4 spans: two, or with a probability of 0.4 three
    starts = 36
    # a place is free if none of the starts that reach it is drawn
    reach = np.array([min(place, 4, 39 - place, starts - 1) + 1 for place in range(40)])

    def free(count: int) -> np.ndarray:
        return np.prod([(starts - reach - k) / (starts - k) for k in range(count)], axis=0)

    expected = 1 - (0.6 * free(2) + 0.4 * free(3))
    np.testing.assert_allclose(masked[:, :40].mean(axis=0), expected, atol=0.015)
    assert not masked[:, 40:].any()


@pytest.mark.thorough
def test_spans_are_unbroken() -> None:
    masked = spans([60] * 200, 60, 0.2, 6)
    edges = np.diff(np.pad(masked, [(0, 0), (1, 1)]).astype(int), axis=1)
    begins, ends = (np.argwhere(edges == sign) for sign in (1, -1))
    assert (ends[:, 1] - begins[:, 1] >= 6).all()


def test_rows_and_calls_differ_and_a_seed_repeats_them() -> None:
    first, again, other = (spans([100] * 4, 100, 0.3, 5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert len({row.tobytes() for row in first}) == 4


def frames_and_mask() -> tuple[np.ndarray, np.ndarray]:
    return np.full((3, 30, 12), 5, "float32"), np.arange(30) < np.array([30, 20, 0])[:, None]


def test_masked_frames_become_the_learned_vector_and_masked_channels_zero() -> None:
    layer = SpecAugment(0.3, 4, 1, 0.3, 2, 1)
    frames, mask = frames_and_mask()
    layer.build(frames.shape, mask.shape)
    layer.mask_embedding.assign(np.full(12, -1, "float32"))
    result = ops.convert_to_numpy(layer(frames, mask, training=True))
    assert set(np.unique(result)) == {-1, 0, 5}
    zero_channels = (result == 0).all(axis=1)
    assert ((result == 0) == zero_channels[:, None]).all()  # a channel is zero in all frames or in none
    assert (zero_channels.sum(axis=1) >= 2).all()
    masked = (result == -1).any(axis=-1)
    assert (masked.sum(axis=1)[:2] >= 4).all()
    assert not masked[~mask].any()


def test_inference_changes_nothing() -> None:
    layer = SpecAugment(0.5, 4, 2, 0.5, 2, 2)
    frames, mask = frames_and_mask()
    for arguments in ({}, {"training": False}):
        np.testing.assert_array_equal(ops.convert_to_numpy(layer(frames, mask, **arguments)), frames)


def test_channels_alone_need_no_learned_vector() -> None:
    layer = SpecAugment(mask_time_prob=0.0, mask_feature_prob=0.5, mask_feature_length=2)
    frames, mask = frames_and_mask()
    result = ops.convert_to_numpy(layer(frames, mask, training=True))
    assert layer.weights == []
    assert set(np.unique(result)) == {0, 5}


def test_span_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="mask_time_length=0"):
        SpecAugment(mask_time_length=0)


def test_learned_vector_is_learned() -> None:
    frames, mask = frames_and_mask()
    inputs = keras.Input((30, 12)), keras.Input((30,), dtype="bool")
    model = keras.Model(inputs, SpecAugment(0.5, 4)(*inputs))
    before = model.get_weights()[0]
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit([frames, mask], np.zeros_like(frames), verbose=0)
    assert (model.get_weights()[0] != before).all()
