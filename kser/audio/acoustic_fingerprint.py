"""Acoustic fingerprints: a copy that was resampled, trimmed, coded or made louder still has nearly the same.

A fingerprint has 32 bits for each 20 ms: where energy rises over time more strongly in one of 33 bands than
in the next. Gain, polarity and a telephone's bandwidth leave them as they are; coding changes some. Copies
share a part of some frames to the bit, which sorting finds, and most bits of the frames beside those, which
are counted then. Two recordings of one sentence by one speaker share no more than any others do.

Source: J. Haitsma and T. Kalker, A highly robust audio fingerprinting system (ISMIR 2002); here on a decibel
scale, with bands up to 3.4 kHz, frames of 256 ms, and without frames that are silent or do not change.
How often it errs: eval/results/2026-11-27_near_duplicates.md.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import NamedTuple

import numpy as np
import soxr

_RATE = 8000
_FRAME, _HOP = 2048, 160
_FRAMES_AT_ONCE = 512
_BANDS = 33
_LOWEST_HZ, _HIGHEST_HZ = 250.0, 3400.0
_FLOOR_DB = -75.0  # of a band, below the loudest frame
# Frames that much softer than the loudest one, or in which no band changes so much, have no bits.
_SILENT_DB = -40.0
_LEAST_CHANGE_DB = 0.5

# Frames are looked for by as many of their bits as let chance find a few dozen frames for each thousand.
_SPARE_KEY_BITS = 4
_BITS = 32
# Longer groups of equal frames are a hum or a beep, not a recording.
_LARGEST_GROUP = 20
# Bits that may differ: of unrelated recordings nearly half do, the more surely the more frames are compared.
_FEWEST_FRAMES = 25
_DIFFERING_AT_MOST, _DIFFERING_LESS_OF_FEW = 0.3, 0.7
# So many frames of a pair, or up to twice as many, spread over all, are compared first: what chance brings is
# hardly ever compared as a whole, which takes a time that grows with the square of the length. For a near
# duplicate this share of the sample's bits is at least 4.5 standard deviations away.
_SAMPLED, _DIFFERING_IN_SAMPLE = 256, 0.4
# Frames, so that memory does not grow with their number, beyond what the fingerprints themselves take.
_SORTED_AT_ONCE = 1 << 22
_COMPARED_AT_ONCE = 1 << 20
_SCATTERING = np.uint32(0x9E3779B1)  # Knuth's: similar keys go to different sorts


class NearDuplicate(NamedTuple):
    """Two recordings, the first before the second, and the share of bits in which they differ, 0–0.3."""

    first: int
    second: int
    differing: float


def acoustic_fingerprint(waveform: np.ndarray, sampling_rate: int) -> np.ndarray:
    """The fingerprint of a recording.

    Args:
        waveform: float32 array (samples,).
        sampling_rate: Hz.

    Returns:
        uint32 array (frames,), one each 20 ms; 0 where there is nothing to be recognised by.
    """
    if sampling_rate != _RATE:
        waveform = soxr.resample(waveform, sampling_rate, _RATE, quality="LQ")
    energy = _band_energy(np.asarray(waveform, np.float32))
    total = energy.sum(axis=1)
    loudest = total.max()
    if not loudest > 0:
        return np.zeros(len(total) - 1, np.uint32)
    level = 10 * np.log10(energy / loudest + 10 ** (_FLOOR_DB / 10) / _BANDS)
    change = np.diff(np.diff(level, axis=1), axis=0)
    bits = np.packbits(change > 0, axis=1).view(">u4")[:, 0].astype(np.uint32)
    is_silent = total[1:] < loudest * 10 ** (_SILENT_DB / 10)
    bits[is_silent | (np.abs(change).max(axis=1) < _LEAST_CHANGE_DB)] = 0
    return bits


def _band_energy(waveform: np.ndarray) -> np.ndarray:
    """Energy of each frame in each band (frames, bands), the first frame centred on the first sample."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(waveform, _FRAME // 2), _FRAME)[::_HOP]
    window = np.hanning(_FRAME).astype(np.float32)
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1) * _FRAME / _RATE
    bins = np.round(edges).astype(int)
    energy = np.empty((len(frames), _BANDS), np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        block = slice(start, start + _FRAMES_AT_ONCE)
        spectrum = np.fft.rfft(frames[block] * window, axis=1)[:, bins[0] : bins[-1]]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        energy[block] = np.add.reduceat(power, bins[:-1] - bins[0], axis=1)
    return energy


def near_duplicates(fingerprints: Sequence[np.ndarray]) -> list[NearDuplicate]:
    """The pairs of recordings of which one, or a part of half a second at least, nearly equals the other.

    Time and memory grow with the frames, not with the pairs of recordings nor with their length: 240 hours
    take half a minute and 400 MB in 150,000 recordings as in 960.

    Args:
        fingerprints: of the recordings, see `acoustic_fingerprint`.

    Returns:
        Each pair once, by numbers of the recordings, in their order.
    """
    if not any(map(len, fingerprints)):
        return []
    lengths = np.array([len(each) for each in fingerprints])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    bits = np.concatenate([np.asarray(each, np.uint32) for each in fingerprints])
    found: dict[tuple[int, int], float] = {}
    for candidates in chain.from_iterable(
        _in_portions(_promising(bits, starts, lengths, every), lengths) for every in _candidates(bits, starts)
    ):
        differing, compared = _differing_bits(bits, starts, lengths, candidates)
        limit = _DIFFERING_AT_MOST - _DIFFERING_LESS_OF_FEW / np.sqrt(np.maximum(1, compared))
        enough = (compared >= _FEWEST_FRAMES) & (differing <= limit)
        for (first, second, _), share in zip(candidates[enough].tolist(), differing[enough], strict=True):
            found[first, second] = min(float(share), found.get((first, second), 1.0))
    return [NearDuplicate(*pair, share) for pair, share in sorted(found.items())]


def _candidates(bits: np.ndarray, starts: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs with a frame that is equal in its upper or in its lower bits, and how much later it comes.

    Yields:
        int64 arrays (pairs, 3): first and second recording, and the frame in the second one minus that in
        the first; a pair may come with several shifts, but not twice in one array with the same one.
    """
    telling = int(np.count_nonzero(bits))
    spare = np.uint32(max(0, _BITS - max(telling, 1).bit_length() - _SPARE_KEY_BITS))
    sorts = max(1, -(-telling // _SORTED_AT_ONCE))
    for shift, number in product((np.right_shift, np.left_shift), range(sorts)):
        frames = _equal_frames(_sorted_frames(bits, shift, spare, number, sorts))
        recordings = np.searchsorted(starts, frames, side="right") - 1
        shifts = np.diff(frames - starts[recordings], axis=1)
        differ = recordings[:, 0] != recordings[:, 1]
        yield np.unique(np.concatenate([recordings, shifts], axis=1)[differ], axis=0)


def _sorted_frames(
    bits: np.ndarray, shift: np.ufunc, spare: np.uint32, number: int, sorts: int
) -> np.ndarray:
    """Frames by their keys, those that are left to one of several sorts, each of which has all of a key.

    Returns:
        uint64 array: the key in the upper half, the frame's place (of four thousand million) in the lower.
    """
    found = []
    for start in range(0, len(bits), _SORTED_AT_ONCE):
        part = bits[start : start + _SORTED_AT_ONCE]
        keys = shift(part, spare)
        (places,) = np.nonzero((part != 0) & ((keys * _SCATTERING >> np.uint32(16)) % sorts == number))
        found.append(keys[places].astype(np.uint64) << np.uint64(32) | (places + start).astype(np.uint64))
    return np.sort(np.concatenate(found))


def _equal_frames(frames: np.ndarray) -> np.ndarray:
    """Places of frames with equal keys, int64 (pairs, 2), the lower place first; see `_sorted_frames`."""
    keys, places = (frames >> np.uint64(32)), (frames & np.uint64(0xFFFFFFFF)).astype(np.int64)
    begins = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
    sizes = np.diff(np.concatenate([np.flatnonzero(begins), [len(keys)]]))
    is_in_group = np.repeat((sizes > 1) & (sizes <= _LARGEST_GROUP), sizes)
    keys, places = keys[is_in_group], places[is_in_group]
    pairs = [np.empty((0, 2), np.int64)]
    for distance in range(1, min(_LARGEST_GROUP, len(keys))):
        (first,) = np.nonzero(keys[distance:] == keys[:-distance])
        pairs.append(np.stack([places[first], places[first + distance]], axis=1))
    return np.concatenate(pairs)


def _in_portions(candidates: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """The candidates in arrays that have few enough frames to be compared at once, or one pair."""
    frames = np.cumsum(np.minimum(lengths[candidates[:, 0]], lengths[candidates[:, 1]]))
    return np.split(candidates, np.flatnonzero(np.diff(frames // _COMPARED_AT_ONCE)) + 1)


def _promising(
    bits: np.ndarray, starts: np.ndarray, lengths: np.ndarray, candidates: np.ndarray
) -> np.ndarray:
    """The candidates that may be near duplicates, by a sample of their frames."""
    found = [candidates[:0]]
    for portion in _in_portions(candidates, np.minimum(lengths, 2 * _SAMPLED)):
        differing, compared = _differing_bits(bits, starts, lengths, portion, _SAMPLED)
        found.append(portion[(differing <= _DIFFERING_IN_SAMPLE) | (compared < _SAMPLED // 2)])
    return np.concatenate(found)


def _differing_bits(
    bits: np.ndarray,
    starts: np.ndarray,
    lengths: np.ndarray,
    candidates: np.ndarray,
    sampled: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Share of differing bits where both recordings have some, and the number of frames where they have.

    Args:
        bits, starts, lengths: of all recordings.
        candidates: see `_candidates`.
        sampled: frames of each that are compared, or up to twice as many, spread over all; `None` for all.
    """
    first, second, shift = candidates.T
    begin = np.maximum(0, -shift)
    overlap = np.minimum(lengths[first] - begin, lengths[second] - begin - shift)
    step = np.ones_like(overlap) if sampled is None else np.maximum(1, overlap // sampled)
    frames = -(-overlap // step)
    # Every frame of every pair in one row: as much work as there are frames to compare.
    pair = np.repeat(np.arange(len(candidates)), frames)
    number = (np.arange(len(pair)) - np.repeat(np.cumsum(frames) - frames, frames)) * step[pair]
    ours = bits[(starts[first] + begin)[pair] + number]
    theirs = bits[(starts[second] + begin + shift)[pair] + number]
    both = (ours != 0) & (theirs != 0)
    compared = np.bincount(pair, both, len(candidates))
    differing = np.bincount(pair, np.bitwise_count(ours ^ theirs) * both, len(candidates))
    return differing / np.maximum(1, compared) / _BITS, compared
