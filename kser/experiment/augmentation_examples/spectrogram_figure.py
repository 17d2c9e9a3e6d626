"""The spectrogram of a waveform as a picture, drawn without a display and without pyplot's global state."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from kser.files import replacing

_WINDOW_S = 0.025
_FRAMES = 1000
"""At most: a picture is no wider."""
_RANGE_DB = 80.0
_DPI = 120


def draw_spectrogram(
    waveform: np.ndarray,
    sampling_rate: int,
    path: str | Path,
    title: str,
    full_scale: float,
    duration_s: float,
) -> None:
    """Draw the spectrogram of a waveform to a PNG file.

    Args:
        waveform: float array (samples,).
        sampling_rate: Hz.
        path: the PNG file to write; an older one is replaced whole.
        title: a line above the figure.
        full_scale: amplitude of the sine that is drawn as 0 dB; the colours reach 80 dB down. Figures with
            the same one can be compared.
        duration_s: length of the time axis in s.
    """
    decibels, edge_s = _levels(waveform, sampling_rate, full_scale)
    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(-edge_s, -edge_s + 2 * edge_s * decibels.shape[1], 0.0, sampling_rate / 2000),
        cmap="magma",
        vmin=-_RANGE_DB,
        vmax=0.0,
    )
    axes.set_xlim(0.0, duration_s)
    axes.set_facecolor("0.85")  # beyond the end there is nothing, which is not the same as silence
    axes.set_xlabel("Time (s)")
    axes.set_ylabel("Frequency (kHz)")
    axes.set_title(title, fontsize=11, parse_math=False)
    scale = figure.colorbar(image, ax=axes)
    scale.set_label("Level (dB)")
    scale.outline.set_visible(False)
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=_DPI)


def _levels(waveform: np.ndarray, sampling_rate: int, full_scale: float) -> tuple[np.ndarray, float]:
    """Levels in dB (frequencies, frames), and half the time from one frame to the next in s."""
    window = max(16, round(_WINDOW_S * sampling_rate))
    hop = max(window // 4, -(-len(waveform) // _FRAMES))
    transform = ShortTimeFFT(
        hann(window, sym=False), hop=hop, fs=sampling_rate, scale_to="magnitude", fft_mode="onesided2X"
    )
    padded = np.pad(waveform, (0, max(0, window - len(waveform)))) / full_scale
    # Frames whose centres lie in the waveform.
    spectrogram = np.abs(transform.stft(padded, p0=0, p1=-(-len(waveform) // hop)))
    floor = 10.0 ** (-_RANGE_DB / 20.0)
    return 20.0 * np.log10(np.maximum(spectrogram, floor)), hop / sampling_rate / 2
