"""The spectrum that exports equals the one that computes."""

import numpy as np
import pytest
import scipy.signal
from keras import ops

from kser.models.export_form import exported
from kser.models.power_spectrum import power_spectrum


@pytest.mark.parametrize(("window", "hop"), [(400, 160), (512, 256), (64, 20)])
def test_both_forms_are_the_power_of_hann_windows(window, hop):
    waveform = np.random.default_rng(0).normal(size=(2, 3000)).astype(np.float32)
    computed = ops.convert_to_numpy(power_spectrum(waveform, window, hop))
    with exported():
        for_export = ops.convert_to_numpy(power_spectrum(waveform, window, hop))
    starts = range(0, 3000 - window + 1, hop)
    frames = np.stack([waveform[:, start : start + window] for start in starts], axis=1).astype(np.float64)
    expected = np.abs(np.fft.rfft(frames * scipy.signal.get_window("hann", window))) ** 2
    for found in (computed, for_export):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=2e-6 * expected.max())
