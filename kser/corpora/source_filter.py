"""Speech-like sound by source and filter: a glottal pulse train and noise through moving formants.

The theory is Fant's (1960, *Acoustic Theory of Speech Production*), the layout that of the cascade formant
synthesiser of Klatt (1980, "Software for a cascade/parallel formant synthesizer", JASA 67), the glottal pulse
that of Rosenberg (1971, "Effect of glottal pulse shape on the quality of natural vowels", JASA 49).
A sentence is a line of phones; a `Voice` says how it is spoken; `synthesise` gives the samples.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter, sosfilt

SAMPLING_RATE_HZ = 16_000
FRAME_SAMPLES = 80  # 5 ms, the update interval of Klatt (1980)
FRAME_S = FRAME_SAMPLES / SAMPLING_RATE_HZ

UPPER_FORMANTS_HZ = (3500.0, 4500.0, 5500.0)  # F4 to F6: they belong to the speaker, not to the phone
BANDWIDTHS_HZ = np.array([70.0, 90.0, 130.0, 200.0, 250.0, 300.0])
SCHWA_HZ = np.array([500.0, 1500.0, 2500.0])  # a tube of 17.5 cm, closed at one end
FRICATION_BANDWIDTH_HZ = 1500.0
TILT_AT_HZ = 3000.0  # where `tilt_db` is measured, as in Klatt (1980)
FORMANT_GLIDE_S = 0.060
AMPLITUDE_GLIDE_S = 0.020  # short, so that plosives keep their burst
ACCENT_WIDTH_S = 0.060  # standard deviation of the bell that an accent is in the pitch contour
FLUTTER_ST = 0.25  # slow random wander of the pitch
PITCH_LIMITS_HZ = (60.0, 500.0)

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Phone:
    """What one sound of a sentence asks of the synthesiser.

    Attributes:
        formants_hz: targets of F1, F2 and F3 for a man of average size.
        duration_s: at rate 1, unstressed.
        voicing: amplitude of the glottal source, 0 to 1.
        frication: amplitude of the noise made at a constriction, relative to full voicing.
        frication_hz: where that noise is strongest.
        aspiration: amplitude of extra noise at the glottis, relative to full voicing.
    """

    formants_hz: tuple[float, float, float]
    duration_s: float
    voicing: float = 0.0
    frication: float = 0.0
    frication_hz: float = 4000.0
    aspiration: float = 0.0


# Vowels: means of men in Peterson & Barney (1952). Consonants: rounded from the tables of Klatt (1980).
PHONES = {
    "a": Phone((730, 1090, 2440), 0.090, voicing=1.0),
    "e": Phone((530, 1840, 2480), 0.090, voicing=1.0),
    "i": Phone((270, 2290, 3010), 0.085, voicing=1.0),
    "o": Phone((570, 840, 2410), 0.090, voicing=1.0),
    "u": Phone((300, 870, 2240), 0.085, voicing=1.0),
    "m": Phone((270, 1100, 2130), 0.060, voicing=0.35),
    "n": Phone((270, 1500, 2470), 0.060, voicing=0.35),
    "l": Phone((330, 1250, 2800), 0.055, voicing=0.6),
    "s": Phone((320, 1390, 2530), 0.090, frication=0.25, frication_hz=6000),
    "S": Phone((300, 1840, 2750), 0.090, frication=0.30, frication_hz=3200),
    "f": Phone((340, 1100, 2080), 0.080, frication=0.08, frication_hz=4500),
    "p": Phone((400, 1100, 2150), 0.025, frication=0.15, frication_hz=1200, aspiration=0.15),
    "t": Phone((400, 1600, 2600), 0.025, frication=0.35, frication_hz=4500, aspiration=0.15),
    "k": Phone((300, 1990, 2850), 0.030, frication=0.35, frication_hz=2200, aspiration=0.15),
    ".": Phone((400, 1500, 2500), 0.050),  # the closure before a plosive
    "_": Phone((500, 1500, 2500), 0.110),  # a pause
}
STRESS_MARK = "'"
STRESS_LENGTHENING = 1.5


@dataclass(frozen=True)
class Voice:
    """How one utterance is spoken: everything about it but the words.

    Attributes:
        pitch_hz: geometric mean of the fundamental frequency.
        pitch_range_st: height of a pitch accent, and fall of the declination line, in semitones.
        accent_shift: where the peak of an accent lies: -1 at the start of its vowel, 1 at the end.
        final_st: rise (or fall, below 0) over the last fifth of the utterance, in semitones.
        rate: speaking rate relative to the durations of the phones.
        formant_scale: shorter vocal tracts have higher formants: about 1 for men, 1.17 for women.
        opening: factor on F1; above 1 the jaw is more open.
        articulation: 1 reaches the formant targets, 0 says schwa throughout.
        open_quotient: part of a period in which the glottis is open; pressed about 0.4, lax about 0.75.
        tilt_db: extra loss of the voice source at 3 kHz.
        aspiration_db: noise at the glottis relative to the voicing; breathy above about -20 dB.
        jitter: standard deviation of a period relative to its length; shimmer is taken as three times that.
    """

    pitch_hz: float
    pitch_range_st: float
    accent_shift: float
    final_st: float
    rate: float
    formant_scale: float
    opening: float
    articulation: float
    open_quotient: float
    tilt_db: float
    aspiration_db: float
    jitter: float


def synthesise(sentence: str, voice: Voice, rng: np.random.Generator) -> Samples:
    """Speak a sentence.

    Args:
        sentence: names of `PHONES` with blanks between; a leading `'` stresses a vowel.
        voice: how to say it.
        rng: where the noise, jitter and flutter come from.

    Returns:
        Samples at 16 kHz, shape `(samples,)`, with a root mean square of 1 over the utterance.

    Raises:
        KeyError: the sentence has a phone that is not in `PHONES`.
    """
    tokens = [".", *sentence.split(), "."]  # with the mouth closed at both ends, the voice fades in and out
    stressed = np.array([token.startswith(STRESS_MARK) for token in tokens])
    phones = [PHONES[token.removeprefix(STRESS_MARK)] for token in tokens]
    durations_s = np.array([phone.duration_s for phone in phones]) / voice.rate
    durations_s[stressed] *= STRESS_LENGTHENING
    frames = np.maximum(1, np.round(durations_s / FRAME_S).astype(int))

    def track(values: list[float]) -> Samples:
        """One value a phone → one value a sample, gliding."""
        return _to_samples(_smooth(np.repeat(values, frames), AMPLITUDE_GLIDE_S))

    voicing = track([phone.voicing for phone in phones])
    # The lungs empty: a phrase loses a third of its amplitude from its beginning to its end.
    breath = np.linspace(1.0, 0.67, len(voicing))

    contour_hz = _to_samples(_pitch_contour(frames, stressed, voice, rng))
    flow = glottal_flow(contour_hz, voice.open_quotient, voice.jitter, rng)
    # The lips radiate the derivative of the flow. A difference of the continuous flow also keeps the
    # instant of closure finer than one sample, where the sampled derivative would be rough.
    voiced = _unit_rms(tilt(np.diff(flow, prepend=flow[0]), voice.tilt_db))
    # Turbulence at the glottis is strongest while the flow is.
    turbulence = _unit_rms((0.3 + flow) * rng.standard_normal(len(flow)))
    breathiness = 10 ** (voice.aspiration_db / 20) * voicing + track([phone.aspiration for phone in phones])
    mouth = resonate(
        voicing * voiced + breathiness * turbulence, _formants(phones, frames, voice), BANDWIDTHS_HZ
    )

    centres_hz = np.repeat([phone.frication_hz for phone in phones], frames)[:, np.newaxis]
    hiss = resonate(
        np.diff(rng.standard_normal(len(flow)), prepend=0.0), centres_hz, np.array([FRICATION_BANDWIDTH_HZ])
    )
    frication = track([phone.frication for phone in phones]) * _unit_rms(hiss)
    return _unit_rms(breath * (_unit_rms(mouth) + frication))


def glottal_flow(pitch_hz: Samples, open_quotient: float, jitter: float, rng: np.random.Generator) -> Samples:
    """Air flow through vibrating vocal folds: the trigonometric pulse ("C") of Rosenberg (1971).

    Args:
        pitch_hz: fundamental frequency at each sample, shape `(samples,)`.
        open_quotient: part of the period in which the glottis is open, 0 to 1.
        jitter: standard deviation of the periods relative to their length.
        rng: where jitter and shimmer come from.

    Returns:
        Flow at 16 kHz, shape `(samples,)`, 0 where closed and about 1 at each peak.
    """
    time = np.arange(len(pitch_hz), dtype=float)
    cycles = np.cumsum(pitch_hz) / SAMPLING_RATE_HZ
    starts = np.interp(np.arange(np.ceil(cycles[-1])), cycles, time)
    period = SAMPLING_RATE_HZ / np.interp(starts, time, pitch_hz)
    # Each period is the difference of two starts, so each start bears half of its variance.
    starts += period * jitter / np.sqrt(2) * rng.standard_normal(len(starts))
    starts = np.append(starts, len(pitch_hz) + 2 * period[-1])
    shimmer = 1 + 3 * jitter * rng.standard_normal(len(starts))

    cycle = np.clip(np.searchsorted(starts, time, side="right") - 1, 0, len(starts) - 2)
    # The last period has no successor to end it: `period` bounds it.
    length = np.minimum(np.diff(starts), 1.5 * period)[cycle]
    position = (time - starts[cycle]) / (open_quotient * length)  # 0 to 1 while the glottis is open
    opening_part = 2 / 3  # the folds open about twice as slowly as they close
    rising = 0.5 - 0.5 * np.cos(np.pi * position / opening_part)
    falling = np.cos(np.pi / 2 * (position - opening_part) / (1 - opening_part))
    flow = np.where(position < opening_part, rising, falling)
    return shimmer[cycle] * np.where((position >= 0) & (position < 1), flow, 0.0)


def tilt(source: Samples, tilt_db: float) -> Samples:
    """Take `tilt_db` from a source at 3 kHz by a first-order low-pass of gain 1 at 0 Hz (Klatt & Klatt 1990).

    Args:
        source: shape `(samples,)` at 16 kHz.
        tilt_db: the loss; 0 leaves the source as it is.

    Returns:
        Same shape.
    """
    if tilt_db <= 0:
        return source
    power = 10 ** (-tilt_db / 10)
    # (1 - p)² / (1 - 2 p cos ω + p²) = power, solved for the pole p inside the unit circle.
    half_sum = (1 - power * np.cos(2 * np.pi * TILT_AT_HZ / SAMPLING_RATE_HZ)) / (1 - power)
    pole = half_sum - np.sqrt(half_sum**2 - 1)
    return lfilter([1 - pole], [1, -pole], source)


def resonate(source: Samples, centres_hz: Samples, bandwidths_hz: Samples) -> Samples:
    """Pass a signal through a cascade of digital resonators that move (Klatt 1980, eq. 1 and 2).

    Args:
        source: shape `(frames * FRAME_SAMPLES,)` at 16 kHz.
        centres_hz: shape `(frames, resonators)`, all below 8 kHz.
        bandwidths_hz: shape `(resonators,)`.

    Returns:
        Same shape as `source`; each resonator has a gain of 1 at 0 Hz.
    """
    radius = np.exp(-np.pi * bandwidths_hz / SAMPLING_RATE_HZ)
    first = 2 * radius * np.cos(2 * np.pi * centres_hz / SAMPLING_RATE_HZ)
    second = np.broadcast_to(-(radius**2), first.shape)
    zero, one = np.zeros_like(first), np.ones_like(first)
    sections = np.stack([1 - first - second, zero, zero, one, -first, -second], axis=-1)

    state = np.zeros((centres_hz.shape[1], 2))
    filtered = np.empty_like(source)
    moves = np.flatnonzero(np.diff(centres_hz, axis=0).any(axis=1)) + 1
    for start, end in pairwise([0, *moves.tolist(), len(centres_hz)]):
        if start:
            # The state of a resonator is (B y[n-1] + C y[n-2], C y[n-1]), the transposed direct form.
            # Rewritten for the new B, the formant moves without a click.
            state[:, 0] += (first[start] - first[start - 1]) * state[:, 1] / second[start]
        block = slice(start * FRAME_SAMPLES, end * FRAME_SAMPLES)
        filtered[block], state = sosfilt(sections[start], source[block], zi=state)
    return filtered


def _formants(phones: list[Phone], frames: NDArray[np.int_], voice: Voice) -> Samples:
    """Tracks of F1 to F6 in Hz, shape `(frames, 6)`: targets of the phones, smoothed into transitions."""
    targets = np.array([phone.formants_hz for phone in phones])
    targets = SCHWA_HZ + voice.articulation * (targets - SCHWA_HZ)
    targets[:, 0] *= voice.opening
    upper = np.tile(UPPER_FORMANTS_HZ, (len(phones), 1))
    held = np.repeat(np.hstack([targets, upper]) * voice.formant_scale, frames, axis=0)
    # Rounded, so that a formant at rest is at rest: `resonate` is fast there.
    return np.column_stack([_smooth(column, FORMANT_GLIDE_S) for column in held.T]).round(1)


def _pitch_contour(
    frames: NDArray[np.int_], stressed: NDArray[np.bool_], voice: Voice, rng: np.random.Generator
) -> Samples:
    """Pitch in Hz, shape `(frames,)`: declination, an accent on each stressed vowel, a final move."""
    edges_s = np.append(0, np.cumsum(frames)) * FRAME_S
    time_s = np.arange(frames.sum()) * FRAME_S
    progress = time_s / edges_s[-1]
    semitones = -voice.pitch_range_st * progress + voice.final_st * np.clip((progress - 0.8) / 0.2, 0, 1)
    for (start_s, end_s), accented in zip(pairwise(edges_s), stressed, strict=True):
        if accented:
            peak_s = (start_s + end_s + voice.accent_shift * (end_s - start_s)) / 2
            height_st = voice.pitch_range_st * rng.uniform(0.6, 1.4)
            semitones += height_st * np.exp(-0.5 * ((time_s - peak_s) / ACCENT_WIDTH_S) ** 2)
    flutter = _smooth(rng.standard_normal(len(time_s)), 0.2)
    semitones += FLUTTER_ST * flutter / flutter.std()
    return np.clip(voice.pitch_hz * 2 ** ((semitones - semitones.mean()) / 12), *PITCH_LIMITS_HZ)


def _smooth(values: Samples, width_s: float) -> Samples:
    """Average over a Hann window of about `width_s`; the ends are held. One value a frame in, one out."""
    reach = max(1, round(width_s / FRAME_S / 2))
    window = np.hanning(2 * reach + 3)[1:-1]
    return np.convolve(np.pad(values, reach, mode="edge"), window / window.sum(), mode="valid")


def _to_samples(values: Samples) -> Samples:
    """From one value a frame to one a sample, linearly between the middles of the frames."""
    middles = (np.arange(len(values)) + 0.5) * FRAME_SAMPLES
    return np.interp(np.arange(len(values) * FRAME_SAMPLES), middles, values)


def _unit_rms(signal: Samples) -> Samples:
    """Scale to a root mean square of 1."""
    return signal / np.sqrt(np.mean(signal**2))
