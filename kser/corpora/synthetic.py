"""A small corpus that needs no download: ten synthetic speakers say four sentences in four "emotions".

kser can be tried out on it. It is no speech and no benchmark. The sound is that of a source and a filter
(Fant 1960, *Acoustic Theory of Speech Production*): pulses at the pitch and noise, whose short-time spectra
are shaped by the formants of the phones. An utterance differs from its speaker's neutral manner as is
reported of acted emotion, in pitch level and range, tempo, energy and voice quality (Banse & Scherer 1996,
"Acoustic profiles in vocal emotion expression", JPSP 70; Scherer 2003, "Vocal communication of emotion",
Speech Communication 40). Each of these also varies from utterance to utterance, so that the emotions overlap.
"""

import csv
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import istft, lfilter, stft
from scipy.special import diric

from kser.errors import UserError
from kser.files import read_json, replacing, write_json

CORPUS_VERSION = 2  # raise it whenever the same seed gives other sound
SAMPLING_RATE_HZ = 16_000

SPEECH_LEVEL_DBFS = -28.0  # root mean square of a neutral utterance at a recording gain of 0 dB
RECORDING_GAIN_DB = 6.0  # the gain lies between minus and plus this
SNR_DB = (20.0, 40.0)
SILENCE_S = (0.00, 0.06)  # before and after the utterance
PEAK_LIMIT = 0.95

_SPECTRA = {"fs": SAMPLING_RATE_HZ, "nperseg": 320, "noverlap": 240}  # 20 ms every 5 ms
_UPPER_FORMANTS_HZ = (3500.0, 4500.0)  # they belong to the speaker, not to the phone
_BANDWIDTHS_HZ = (70.0, 90.0, 130.0, 200.0, 250.0)


class Speaker(NamedTuple):
    """A voice at rest: its mean pitch, formants relative to those of a man of average size, speaking rate
    relative to average, and noise at the glottis relative to the voicing."""

    name: str
    gender: str
    pitch_hz: float
    formant_scale: float
    rate: float
    breath_db: float


SPEAKERS = (
    Speaker("f1", "female", 182, 1.12, 1.00, -27),
    Speaker("f2", "female", 196, 1.17, 0.96, -25),
    Speaker("f3", "female", 209, 1.14, 1.04, -29),
    Speaker("f4", "female", 222, 1.20, 0.98, -26),
    Speaker("f5", "female", 238, 1.18, 1.02, -24),
    Speaker("m1", "male", 96, 0.95, 0.97, -31),
    Speaker("m2", "male", 107, 1.00, 1.03, -30),
    Speaker("m3", "male", 117, 0.97, 1.00, -28),
    Speaker("m4", "male", 128, 1.04, 0.99, -32),
    Speaker("m5", "male", 139, 1.02, 1.03, -29),
)


class Emotion(NamedTuple):
    """A manner of speaking, relative to the speaker's neutral one where a speaker has one."""

    pitch_st: float
    """Mean pitch above the speaker's, in semitones."""
    pitch_range_st: float
    """Height of a pitch accent, and fall of the pitch from beginning to end, in semitones."""
    rate: float
    level_db: float
    tilt_db: float
    """What the voice source loses with each octave above 500 Hz."""
    breath_db: float


# The signs follow Banse & Scherer (1996) and Scherer (2003); the sizes let the emotions overlap.
EMOTIONS = {
    "anger": Emotion(3.5, 5.5, 1.08, 5.0, 3.0, -3.0),
    "happiness": Emotion(4.0, 6.5, 1.05, 3.0, 6.0, 2.0),
    "neutral": Emotion(0.0, 3.5, 1.00, 0.0, 8.0, 0.0),
    "sadness": Emotion(-1.0, 2.0, 0.90, -4.0, 11.0, 6.0),
}
VARIATION = Emotion(1.4, 0.8, 0.05, 2.5, 0.9, 2.5)
"""Standard deviations of the utterances about their emotion."""


class Phone(NamedTuple):
    """A sound: formants of a man of average size, duration, amplitudes of the voice and of noise that is
    strongest at some frequency."""

    formants_hz: tuple[float, float, float]
    duration_s: float
    voicing: float = 0.0
    noise: float = 0.0
    noise_hz: float = 4000.0


# Vowels: means of men in Peterson & Barney (1952). Consonants: rounded from the tables of Klatt (1980).
PHONES = {
    "a": Phone((730, 1090, 2440), 0.090, 1.0),
    "e": Phone((530, 1840, 2480), 0.090, 1.0),
    "i": Phone((270, 2290, 3010), 0.085, 1.0),
    "o": Phone((570, 840, 2410), 0.090, 1.0),
    "u": Phone((300, 870, 2240), 0.085, 1.0),
    "m": Phone((270, 1100, 2130), 0.060, 0.35),
    "n": Phone((270, 1500, 2470), 0.060, 0.35),
    "l": Phone((330, 1250, 2800), 0.055, 0.6),
    "s": Phone((320, 1390, 2530), 0.090, noise=0.25, noise_hz=6000),
    "S": Phone((300, 1840, 2750), 0.090, noise=0.30, noise_hz=3200),
    "f": Phone((340, 1100, 2080), 0.080, noise=0.08, noise_hz=4500),
    "p": Phone((400, 1100, 2150), 0.025, noise=0.15, noise_hz=1200),
    "t": Phone((400, 1600, 2600), 0.025, noise=0.35, noise_hz=4500),
    "k": Phone((300, 1990, 2850), 0.030, noise=0.35, noise_hz=2200),
    ".": Phone((400, 1500, 2500), 0.050),  # the closure before a plosive
    "_": Phone((500, 1500, 2500), 0.110),  # a pause
}
# Words of no language, so that no one can take them for a recording; ' is before a stressed vowel.
SENTENCES = {
    "s1": "m 'a . t i n e _ s o l 'a m u . k 'e",
    "s2": ". p 'o l i S a m 'e . t u n 'i f a",
    "s3": "n 'e f u l a . k 'o _ m i s 'a . t o",
    "s4": "S 'u m a . p e l 'i n o . t 'a s e",
}

README = """\
This is not speech, and it is no benchmark. kser made these sounds (kser/corpora/synthetic.py) so that its
programs can be tried out without a download: ten invented voices say four sentences of no language in four
manners. A result on them says that the software works, nothing about the emotions of people.

metadata.csv lists the files; corpus.json holds the version and the seed that give the same sounds again.
"""


def write_synthetic_corpus(folder: str | Path, seed: int = 0) -> Path:
    """Make the synthetic corpus, unless it exists already.

    The folder appears whole or not at all: 320 WAV files (16 kHz, mono, 16 bits; 1 to 2.2 s each),
    `metadata.csv`, `corpus.json` and `README.txt`. The same seed gives the same sounds.

    Args:
        folder: a new folder, an empty one, or one with the same corpus from an earlier call,
            which is then left as it is.
        seed: 0 or more.

    Returns:
        Path of `metadata.csv`: comma-separated, columns path, class_id, actor, gender, sentence, take;
        paths are relative to its folder.

    Raises:
        UserError: `folder` holds something else, or `seed` is negative.
    """
    if seed < 0:
        raise UserError(f"seed of the synthetic corpus must be at least 0, got {seed}")
    folder = Path(folder)
    # Each utterance has a generator of its own, so that it does not matter whether the others are made.
    keys = itertools.product(enumerate(SPEAKERS), enumerate(EMOTIONS), enumerate(SENTENCES), (1, 2))
    utterances = {}
    for (i, speaker), (j, emotion), (k, sentence), take in keys:
        path = f"{speaker.name}/{speaker.name}_{emotion}_{sentence}_{take}.wav"
        row = (path, emotion, speaker.name, speaker.gender, sentence, str(take))
        utterances[row] = (speaker, np.random.SeedSequence(seed, spawn_key=(i, j, k, take)))
    facts = {"name": "kser-synthetic", "version": CORPUS_VERSION, "seed": seed, "count": len(utterances)}
    if _holds(folder, facts, ["metadata.csv", *(row[0] for row in utterances)]):
        return folder / "metadata.csv"
    with replacing(folder) as draft:
        for (path, emotion, _, _, sentence, _), (speaker, sequence) in utterances.items():
            (draft / path).parent.mkdir(parents=True, exist_ok=True)
            samples = synthesise_utterance(
                speaker, EMOTIONS[emotion], SENTENCES[sentence], np.random.default_rng(sequence)
            )
            soundfile.write(draft / path, samples, SAMPLING_RATE_HZ, subtype="PCM_16")
        with (draft / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(
                [("path", "class_id", "actor", "gender", "sentence", "take"), *utterances]
            )
        (draft / "README.txt").write_text(README, encoding="utf-8")
        write_json(draft / "corpus.json", facts)
    return folder / "metadata.csv"


def synthesise_utterance(
    speaker: Speaker, emotion: Emotion, sentence: str, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Let a speaker say a sentence in the manner of an emotion, and record it with some noise at some gain.

    Args:
        speaker: one of `SPEAKERS`, or your own.
        emotion: a value of `EMOTIONS`, or your own; the utterance varies about it by `VARIATION`.
        sentence: names of `PHONES` with blanks between, e.g. a value of `SENTENCES`.
        rng: all that is random about the utterance; the same state gives the same samples.

    Returns:
        Samples at 16 kHz, shape `(samples,)`, between -0.95 and 0.95.
    """
    # Cut at two deviations, so that the manner stays physical.
    deviations = np.clip(rng.standard_normal(len(emotion)), -2, 2) * VARIATION
    manner = Emotion(*(emotion + deviations).tolist())
    speech = _speech(speaker, manner, sentence, rng)
    before, after = (rng.uniform(*SILENCE_S, size=2) * SAMPLING_RATE_HZ).astype(int)
    recorded = np.pad(speech / np.sqrt(np.mean(speech**2)), (before, after))
    # The noise of a room falls with frequency: a low-pass of unit power, -3 dB at about 270 Hz.
    noise = lfilter([np.sqrt(1 - 0.9**2)], [1, -0.9], rng.standard_normal(len(recorded)))
    recorded += 10 ** (-rng.uniform(*SNR_DB) / 20) * noise
    gain_db = rng.uniform(-RECORDING_GAIN_DB, RECORDING_GAIN_DB)
    recorded *= 10 ** ((SPEECH_LEVEL_DBFS + manner.level_db + gain_db) / 20)
    return (recorded * min(1.0, PEAK_LIMIT / np.abs(recorded).max())).astype(np.float32)


def _speech(speaker: Speaker, manner: Emotion, sentence: str, rng: np.random.Generator) -> NDArray:
    """The samples of a sentence: spectra of pulses and noise, shaped by those of the phones."""
    tokens = [".", *sentence.split(), "."]  # the voice fades in and out
    phones = [PHONES[token.removeprefix("'")] for token in tokens]
    stressed = np.array([token.startswith("'") for token in tokens])
    durations_s = np.array([phone.duration_s for phone in phones]) / (speaker.rate * manner.rate)
    durations_s *= np.where(stressed, 1.5, 1.0)
    ends_s = np.cumsum(durations_s)
    time_s = np.arange(int(ends_s[-1] * SAMPLING_RATE_HZ)) / SAMPLING_RATE_HZ
    pulses = _pulses(time_s, (ends_s - durations_s / 2)[stressed], speaker, manner, rng)
    noise = rng.standard_normal(len(time_s))
    frequencies, frames_s, (pulses, noise) = stft(np.stack([pulses, noise]), **_SPECTRA)
    frequencies = np.maximum(frequencies, 50.0)[:, np.newaxis]

    # What the phones ask for glides from the last quarter of one to the first quarter of the next.
    knots_s = np.stack([ends_s - 0.75 * durations_s, ends_s - 0.25 * durations_s], axis=1).ravel()
    wanted = np.array([[*phone.formants_hz, *phone[2:]] for phone in phones]).repeat(2, axis=0)
    *formants_hz, voicing, hiss, hiss_hz = (np.interp(frames_s, knots_s, track) for track in wanted.T)

    tract = np.ones((len(frequencies), len(frames_s)))
    for centre_hz, bandwidth_hz in zip([*formants_hz, *_UPPER_FORMANTS_HZ], _BANDWIDTHS_HZ, strict=True):
        ratio = frequencies / (centre_hz * speaker.formant_scale)
        tract /= np.hypot(1 - ratio**2, ratio * bandwidth_hz / centre_hz)
    octaves = np.log2(np.maximum(frequencies, 500.0) / 500.0)
    voice = tract * 10 ** (-manner.tilt_db * octaves / 20)
    breath = tract * 10 ** ((speaker.breath_db + manner.breath_db) / 20)
    friction = hiss * np.exp(-2 * np.log2(frequencies / hiss_hz) ** 2)
    spectra = voicing * (voice * pulses + breath * noise) + friction * noise
    return istft(spectra, **_SPECTRA)[1][: len(time_s)]


def _pulses(
    time_s: NDArray, accents_s: NDArray, speaker: Speaker, manner: Emotion, rng: np.random.Generator
) -> NDArray:
    """Pulses of equal harmonics at a pitch that falls, with an accent on each stressed vowel."""
    semitones = manner.pitch_st - manner.pitch_range_st * (time_s / time_s[-1] - 0.5)
    for accent_s in accents_s:
        height_st = manner.pitch_range_st * rng.uniform(0.6, 1.4)
        semitones += height_st * np.exp(-0.5 * ((time_s - accent_s) / 0.060) ** 2)
    pitch_hz = speaker.pitch_hz * 2 ** (semitones / 12)
    harmonics = int(SAMPLING_RATE_HZ / 2 / pitch_hz.max())
    pulses = diric(2 * np.pi * np.cumsum(pitch_hz) / SAMPLING_RATE_HZ, 2 * harmonics + 1)
    return pulses / np.sqrt(np.mean(pulses**2))


def _holds(folder: Path, facts: dict[str, object], files: list[str]) -> bool:
    """Whether `folder` is this corpus, complete; `False` where there is nothing to lose, else an error."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    remedy = "name a folder that does not exist, or remove this one"
    if not (folder / "corpus.json").is_file():
        raise UserError(f"{folder}: holds something other than the synthetic corpus; {remedy}")
    found = read_json(folder / "corpus.json")
    if found != facts:
        raise UserError(f"{folder / 'corpus.json'}: says {found}, expected {facts}; {remedy}")
    if missing := [name for name in files if not (folder / name).is_file()]:
        raise UserError(
            f"{folder}: the synthetic corpus lacks {len(missing)} files, first {missing[0]}; {remedy}"
        )
    return True
