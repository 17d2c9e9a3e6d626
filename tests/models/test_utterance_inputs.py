"""fit, evaluate and predict take utterances as users have them, on the backend that runs."""

import grain
import keras
import numpy as np
import pytest
import soxr

from kser.errors import UserError
from tests.models.small_models import classifier, log_mel, waveforms

LENGTHS = (900, 400, 700)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = classifier(log_mel(), use_relu=False)
    model.compile(
        optimizer=keras.optimizers.SGD(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


@pytest.fixture(scope="module")
def expected(model) -> np.ndarray:
    """The logits of each utterance alone, as a batch of one."""
    return np.concatenate([model.predict(wave[None], verbose=0) for wave in waveforms(*LENGTHS)])


def close(logits, expected) -> None:
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_a_list_of_unequal_arrays(model, expected):
    close(model.predict(waveforms(*LENGTHS), verbose=0), expected)
    close(model.predict(waveforms(*LENGTHS), batch_size=2, verbose=0), expected)


def test_one_array(model, expected):
    close(model.predict(waveforms(*LENGTHS)[0], verbose=0), expected[:1])


def test_pairs_of_an_array_and_its_rate(model, expected):
    pairs = [(wave, 16000) for wave in waveforms(*LENGTHS)]
    close(model.predict(pairs, verbose=0), expected)
    close(model.predict(pairs[0], verbose=0), expected[:1])
    tone = np.sin(np.arange(4000) / 9).astype(np.float32)
    doubled = soxr.resample(tone, 16000, 32000)
    np.testing.assert_allclose(
        model.predict((doubled, 32000), verbose=0), model.predict(tone, verbose=0), atol=0.05
    )


def test_a_tf_dataset_of_batches_of_any_length(model, expected):
    import tensorflow as tf

    waves = waveforms(*LENGTHS)
    dataset = tf.data.Dataset.from_generator(
        lambda: (wave[None] for wave in waves), output_signature=tf.TensorSpec((None, None), tf.float32)
    )
    counted = dataset.apply(tf.data.experimental.assert_cardinality(len(waves)))
    close(model.predict(counted, verbose=0), expected)


def test_a_grain_dataset(model, expected):
    source = grain.MapDataset.source([wave[None] for wave in waveforms(*LENGTHS)])
    close(model.predict(source, verbose=0), expected)


@pytest.mark.parametrize("form", ["list", "array", "tf.data"])
def test_fit_and_evaluate_take_them_too(model, form):
    labels = np.array([0, 1, 2])
    waves = waveforms(600, 600, 600)
    given = {
        "list": lambda: {"x": waves, "y": labels},
        "array": lambda: {"x": np.stack(waves), "y": labels},
        "tf.data": lambda: {"x": _of_two(np.stack(waves), labels)},
    }[form]
    start = model.get_weights()
    loss = model.evaluate(**given(), verbose=0)
    further = {"validation_data": (waves, labels)} if form == "list" else {}
    if form == "array":  # KerasHub makes a data set of it, which Keras does not shuffle, and says so
        further = {"shuffle": False}
    history = model.fit(**given(), epochs=2, verbose=0, **further)
    assert model.evaluate(**given(), verbose=0) < loss
    assert ("val_loss" in history.history) == (form == "list")
    model.set_weights(start)
    assert model.preprocessor is not None


def _of_two(waves, labels):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((waves, labels)).batch(2)


@pytest.mark.parametrize("given", [lambda: waveforms(900, 20), lambda: waveforms(20)[0]])
def test_what_is_too_short_is_told(model, given):
    with pytest.raises(
        UserError, match=r"utterance \d of \d: 0\.001 s is too short: the model needs 0\.004 s"
    ):
        model.predict(given(), verbose=0)


def test_a_prediction_runs_the_model_once(model, monkeypatch):
    """Keras would run it once more, uncompiled on JAX, if a layer were not built."""
    inputs = model.preprocessor.audio_converter(waveforms(*LENGTHS))
    with model.ready_made_inputs():
        model.predict_on_batch(inputs)
        calls = []
        call = model.call
        monkeypatch.setattr(model, "call", lambda *args, **kwargs: calls.append(1) or call(*args, **kwargs))
        model.predict_on_batch(inputs)
        model.predict(inputs, verbose=0)
    # PyTorch compiles nothing, and calls it for each batch.
    assert len(calls) == (2 if keras.config.backend() == "torch" else 0)
