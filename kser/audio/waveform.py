"""What is done to a decoded waveform before a model sees it: normalisation and padding."""

from collections.abc import Sequence

import numpy as np


def zero_mean_unit_variance(waveform: np.ndarray) -> np.ndarray:
    """Shift and scale one utterance to mean 0 and variance 1.

    Args:
        waveform: float array (samples,), not padded.

    Returns:
        float32 array (samples,). Silence stays silence: ε = 1e-7 is added to the variance.

    Source: `do_normalize` of the published feature extractors
    (transformers, feature_extraction_wav2vec2.py).
    """
    waveform = np.asarray(waveform, dtype=np.float32)
    centred = waveform - waveform.mean()
    return centred / np.sqrt(np.square(centred).mean() + np.float32(1e-7))


def pad_waveforms(
    waveforms: Sequence[np.ndarray], samples: int | None = None, places: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Stack utterances of different lengths, with zeros after each.

    Args:
        waveforms: float arrays (samples,).
        samples: length of the result; `None` for that of the longest.
        places: rows of the result, those after the last utterance empty; `None` for as many as utterances.

    Returns:
        float32 array (places, samples), and bool array (places, samples), true for sound, false for padding.
    """
    longest = max((len(waveform) for waveform in waveforms), default=0)
    samples = longest if samples is None else samples
    if longest > samples:
        raise ValueError(
            f"`samples` must hold the longest utterance. Received: samples={samples}, longest={longest}"
        )
    rows = len(waveforms) if places is None else places
    batch = np.zeros((rows, samples), dtype=np.float32)
    mask = np.zeros((rows, samples), dtype=bool)
    for row, waveform in enumerate(waveforms):
        batch[row, : len(waveform)] = waveform
        mask[row, : len(waveform)] = True
    return batch, mask


def model_inputs(
    waveforms: Sequence[np.ndarray],
    *,
    do_normalize: bool,
    mask_padding: bool,
    samples: int | None = None,
    places: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The padded batch and its mask, as a speech backbone takes them.

    Args:
        waveforms: float arrays (samples,).
        do_normalize: give each utterance mean 0 and variance 1.
        mask_padding: mark the padding. `False` repeats the published recipe of models with
            `feat_extract_norm: group`: the mask is true everywhere, and mean and variance are those of the
            padded utterance (so that the padding is no longer zero, and the result depends on its length).
        samples: length to pad to; `None` for that of the longest utterance.
        places: rows of the batch; those after the last utterance are silent and masked. `None` for as many as
            utterances.

    Returns:
        As `pad_waveforms`.
    """
    if mask_padding:
        if do_normalize:
            waveforms = [zero_mean_unit_variance(waveform) for waveform in waveforms]
        return pad_waveforms(waveforms, samples, places)
    batch, mask = pad_waveforms(waveforms, samples, places)
    used = slice(len(waveforms))
    if do_normalize and waveforms:
        batch[used] = [zero_mean_unit_variance(row) for row in batch[used]]
    mask[used] = True
    return batch, mask
