"""The baseline's spectrogram is librosa's, and a row's result is its own."""

import keras
import librosa
import numpy as np
import pytest
from keras import ops

from kser.models.log_mel.log_mel_spectrogram import LogMelSpectrogram
from tests.models.small_models import log_mel, waveforms


@pytest.mark.parametrize("samples", [512, 767, 768, 4000])
def test_spectrogram_is_that_of_librosa(samples: int) -> None:
    (waveform,) = waveforms(samples)
    layer = LogMelSpectrogram(window_length=512, hop_length=256, num_mel_bins=64)
    result = ops.convert_to_numpy(layer(waveform[None]))
    energy = librosa.feature.melspectrogram(
        y=waveform, sr=16000, n_fft=512, hop_length=256, n_mels=64, fmin=50, fmax=7600, center=False
    )
    assert result.shape == (1, 1 + (samples - 512) // 256, 64)
    np.testing.assert_allclose(result[0], np.log(energy.T + 1e-5), atol=1e-4)


def test_symbolic_shape_is_the_computed_one() -> None:
    layer = LogMelSpectrogram()
    assert layer(keras.KerasTensor((2, 1000))).shape == layer(np.zeros((2, 1000), "float32")).shape
    assert layer(keras.KerasTensor((None, None))).shape == (None, None, layer.num_mel_bins)


def test_loud_neighbour_changes_nothing() -> None:
    quiet, loud = (1e-3 * wave for wave in waveforms(2000, 2000))
    layer = LogMelSpectrogram()
    alone = ops.convert_to_numpy(layer(quiet[None]))[0]
    beside = ops.convert_to_numpy(layer(np.stack([quiet, 1e6 * loud])))[0]
    np.testing.assert_allclose(beside, alone, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("training", [True, False])
def test_empty_places_and_padding_change_neither_outputs_nor_statistics(training: bool) -> None:
    rows = np.stack(waveforms(400, 400))
    full = {"waveform": rows, "padding_mask": np.ones(rows.shape, bool)}
    roomy = {name: np.pad(value, [(0, 2), (0, 300)]) for name, value in full.items()}

    def outputs_and_statistics(inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        keras.utils.set_random_seed(0)
        backbone = log_mel(dropout=0.0)
        frames = ops.convert_to_numpy(backbone(inputs, training=training)["sequence_output"])
        statistics = [w for w in backbone.non_trainable_variables if "moving" in w.path]
        return frames, [ops.convert_to_numpy(w.value) for w in statistics]

    expected, expected_statistics = outputs_and_statistics(full)
    actual, actual_statistics = outputs_and_statistics(roomy)
    np.testing.assert_allclose(actual[:2, : expected.shape[1]], expected, atol=1e-5)
    assert expected_statistics
    for ours, theirs in zip(actual_statistics, expected_statistics, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    moved = expected_statistics[0] != 0  # the first moving mean starts at zero
    assert moved.all() if training else not moved.any()


@pytest.mark.thorough
def test_what_stands_in_the_padding_may_be_no_number() -> None:
    backbone = log_mel()
    padded = np.pad(np.stack(waveforms(400)), [(0, 0), (0, 200)], constant_values=np.nan)
    mask = ~np.isnan(padded)
    alone = backbone({"waveform": padded[:, :400], "padding_mask": mask[:, :400]})
    outputs = backbone({"waveform": padded, "padding_mask": mask})
    result, expected = (ops.convert_to_numpy(output["sequence_output"]) for output in (outputs, alone))
    np.testing.assert_allclose(result[:, : expected.shape[1]], expected, atol=1e-5)
