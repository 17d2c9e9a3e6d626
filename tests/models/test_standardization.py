"""Vectors are standardised by statistics that belong to the model."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kser.keras_internals import model_up_to
from kser.models import EmotionClassifier
from kser.models.feature_split import split_above_backbone, split_at_feature_encoder
from kser.models.standardization import Standardization, unadapted_standardizations
from tests.models.small_models import classifier, log_mel, wav2vec2, waveforms

VECTORS = np.random.default_rng(0).normal([5.0, -200.0, 0.01], [1.0, 30.0, 1e-4], (50, 3)).astype("float32")


def numpy(tensor) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def test_adapted_vectors_have_mean_0_and_variance_1() -> None:
    layer = Standardization()
    np.testing.assert_array_equal(numpy(layer(VECTORS)), VECTORS)
    assert not layer.is_adapted
    assert layer.trainable_weights == []
    layer.adapt(VECTORS)
    assert layer.is_adapted
    standardised = numpy(layer(VECTORS)).astype("float64")
    np.testing.assert_allclose(standardised.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(standardised.std(axis=0), 1.0, rtol=1e-4)


def test_a_channel_that_does_not_vary_is_not_blown_up() -> None:
    rounding = np.float32(1e-7) * np.arange(50, dtype="float32")[:, None]
    layer = Standardization()
    layer.build((None, 4))
    layer.adapt(np.concatenate([VECTORS, 1.0 + rounding], axis=1))
    np.testing.assert_array_equal(numpy(layer.deviation)[3], 1.0)
    assert (numpy(layer.deviation)[:3] != 1.0).all()


def test_a_model_is_saved_with_its_statistics(tmp_path: Path) -> None:
    model = classifier(log_mel(), use_standardization=True)
    (layer,) = unadapted_standardizations(model)
    assert [step.name for step in model.layers[-4:]] == ["standardization", "relu", "dropout", "logits"]
    utterances = waveforms(400, 250)
    vectors = numpy(model_up_to(model, layer)(model.preprocessor(utterances)))
    layer.adapt(vectors + np.linspace(0.0, 3.0, vectors.shape[1], dtype="float32"))
    assert unadapted_standardizations(model) == []
    model.save_to_preset(str(tmp_path))
    loaded = EmotionClassifier.from_preset(tmp_path)
    assert loaded.get_config()["use_standardization"] is True
    assert unadapted_standardizations(loaded) == []
    np.testing.assert_array_equal(loaded.predict_on_batch(utterances), model.predict_on_batch(utterances))


@pytest.mark.parametrize("split_model", [split_at_feature_encoder, split_above_backbone])
def test_vectors_are_the_same_from_features_as_from_audio(split_model) -> None:
    model = classifier(wav2vec2(), use_standardization=True)
    (layer,) = unadapted_standardizations(model)
    utterances = model.preprocessor(waveforms(400, 250))
    expected = numpy(model_up_to(model, layer)(utterances))
    split = split_model(model)
    assert unadapted_standardizations(split.upper) == [layer]
    for part, inputs in ((split.upper, split.lower(utterances)), (split.joined(), utterances)):
        np.testing.assert_allclose(numpy(model_up_to(part, layer)(inputs)), expected, atol=1e-6)
