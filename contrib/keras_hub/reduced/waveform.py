import numpy as np


def pad_waveforms(waveforms):
    """Stack utterances of different lengths, with zeros after each.

    Args:
        waveforms: float arrays (samples,).

    Returns:
        float32 array (batch, samples), and bool array (batch, samples), true for sound, false for padding.
    """
    shape = len(waveforms), max(len(waveform) for waveform in waveforms)
    batch, mask = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
    for row, waveform in enumerate(waveforms):
        batch[row, : len(waveform)] = waveform
        mask[row, : len(waveform)] = True
    return batch, mask


def model_inputs(waveforms, do_normalize, mask_padding):
    """The padded batch and its mask, as a speech backbone takes them.

    Args:
        waveforms: float arrays (samples,).
        do_normalize: bool, give each utterance mean 0 and variance 1.
        mask_padding: bool, mark the padding. `False` repeats the published recipe of models with
            `feat_extract_norm: group`: the mask is true everywhere, and mean and variance are those of the
            padded utterance (so that the padding is no longer zero, and the result depends on its length).

    Returns:
        As `pad_waveforms`.
    """
    if mask_padding:
        if do_normalize:
            waveforms = [zero_mean_unit_variance(waveform) for waveform in waveforms]
        return pad_waveforms(waveforms)
    batch, mask = pad_waveforms(waveforms)
    if do_normalize:
        batch = np.stack([zero_mean_unit_variance(row) for row in batch])
    return batch, np.ones_like(mask)
