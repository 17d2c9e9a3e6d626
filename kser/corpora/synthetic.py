"""A small corpus that needs no download: ten synthetic speakers say four sentences in four "emotions".

kser makes it to be tried out with: an experiment without data runs on it. It is no speech and no benchmark.
An utterance differs from its speaker's neutral manner in the ways that are reported of acted emotion: pitch
level and range, tempo, energy, and voice quality (Banse & Scherer 1996, "Acoustic profiles in vocal emotion
expression", JPSP 70; Scherer 2003, "Vocal communication of emotion", Speech Communication 40). Every one of
these also varies from utterance to utterance, so that the emotions overlap in each alone.
"""

import csv
import itertools
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import lfilter

from kser.corpora.source_filter import SAMPLING_RATE_HZ, Samples, Voice, synthesise
from kser.errors import UserError
from kser.files import read_json, replacing, write_json

CORPUS_NAME = "kser-synthetic"
CORPUS_VERSION = 1  # raise it whenever the same seed gives other sound
COLUMNS = ("path", "class_id", "actor", "gender", "sentence", "take")
TAKES = (1, 2)

SPEECH_LEVEL_DBFS = -28.0  # root mean square of a neutral utterance at a recording gain of 0 dB
RECORDING_GAIN_DB = 6.0  # the gain lies between minus and plus this
SNR_DB = (20.0, 40.0)
ROOM_POLE = 0.9  # low-pass of the room noise: -3 dB at about 270 Hz
SILENCE_S = (0.00, 0.06)  # before and after the utterance
PEAK_LIMIT = 0.95


@dataclass(frozen=True)
class Speaker:
    """A voice at rest.

    Attributes:
        name: value of the column `actor`.
        gender: `female` or `male`.
        pitch_hz: mean pitch of neutral utterances.
        formant_scale: formants relative to those of a man of average size.
        rate: speaking rate, relative to average.
        open_quotient, aspiration_db, jitter: as in `Voice`, for neutral utterances.
    """

    name: str
    gender: str
    pitch_hz: float
    formant_scale: float
    rate: float
    open_quotient: float
    aspiration_db: float
    jitter: float


SPEAKERS = (
    Speaker("f1", "female", 182, 1.12, 1.00, 0.58, -27, 0.006),
    Speaker("f2", "female", 196, 1.17, 0.96, 0.62, -25, 0.008),
    Speaker("f3", "female", 209, 1.14, 1.04, 0.57, -29, 0.005),
    Speaker("f4", "female", 222, 1.20, 0.98, 0.63, -26, 0.007),
    Speaker("f5", "female", 238, 1.18, 1.02, 0.60, -24, 0.006),
    Speaker("m1", "male", 96, 0.95, 0.97, 0.55, -31, 0.009),
    Speaker("m2", "male", 107, 1.00, 1.03, 0.52, -30, 0.006),
    Speaker("m3", "male", 117, 0.97, 1.00, 0.58, -28, 0.007),
    Speaker("m4", "male", 128, 1.04, 0.99, 0.54, -32, 0.005),
    Speaker("m5", "male", 139, 1.02, 1.03, 0.56, -29, 0.008),
)


@dataclass(frozen=True)
class Emotion:
    """A manner of speaking, relative to the speaker's neutral one where a speaker has one.

    Attributes:
        pitch_st: mean pitch above the speaker's, in semitones.
        level_db: energy relative to neutral.
        rate: factor on the speaker's speaking rate.
        open_quotient, aspiration_db: added to the speaker's.
        jitter: factor on the speaker's.
        pitch_range_st, accent_shift, final_st, opening, articulation, tilt_db: as in `Voice`.
    """

    pitch_st: float
    level_db: float
    rate: float
    open_quotient: float
    aspiration_db: float
    jitter: float
    pitch_range_st: float
    accent_shift: float
    final_st: float
    opening: float
    articulation: float
    tilt_db: float


# The signs follow Banse & Scherer (1996) and Scherer (2003); the sizes let the emotions overlap.
# fmt: off
_MANNERS = {  #      anger  happiness neutral sadness  deviation of an utterance
    "pitch_st":       (3.5,    4.0,    0.0,   -1.0,    1.8),
    "level_db":       (5.0,    3.0,    0.0,   -4.0,    2.5),
    "rate":           (1.08,   1.05,   1.0,    0.90,   0.05),
    "open_quotient":  (-0.10,  0.03,   0.0,    0.10,   0.04),
    "aspiration_db":  (-3.0,   2.0,    0.0,    6.0,    3.0),
    "jitter":         (1.6,    1.0,    1.0,    1.3,    0.25),
    "pitch_range_st": (5.5,    6.5,    3.5,    2.0,    0.9),
    "accent_shift":   (-0.4,   0.4,    0.0,    0.1,    0.3),
    "final_st":       (-3.0,   1.5,   -1.5,   -1.0,    1.5),
    "opening":        (1.10,   1.03,   1.0,    0.97,   0.03),
    "articulation":   (1.05,   1.0,    0.95,   0.80,   0.06),
    "tilt_db":        (2.0,    5.0,    6.0,    10.0,   2.5),
}
# fmt: on
_COLUMNS_OF_MANNERS = ("anger", "happiness", "neutral", "sadness", "variation")
EMOTIONS = {
    name: Emotion(**{field: values[column] for field, values in _MANNERS.items()})
    for column, name in enumerate(_COLUMNS_OF_MANNERS)
}
VARIATION = EMOTIONS.pop("variation")

# Words of no language, so that no one can take them for a recording.
SENTENCES = {
    "s1": "m 'a . t i n e _ s o l 'a m u . k 'e",
    "s2": ". p 'o l i S a m 'e . t u n 'i f a",
    "s3": "n 'e f u l a . k 'o _ m i s 'a . t o",
    "s4": "S 'u m a . p e l 'i n o . t 'a s e",
}

README = """\
This is not speech, and it is no benchmark.

kser made these sounds (kser/corpora/synthetic.py) so that its programs can be tried out without a download:
ten invented voices say four sentences of no language in four manners that imitate what is reported of
anger, happiness, neutral speech and sadness. A result on them says that the software works; it says
nothing about how well a model recognises the emotions of people.

metadata.csv lists the files; corpus.json holds the version and the seed that give the same sounds again.
"""


def write_synthetic_corpus(folder: str | Path, seed: int = 0) -> Path:
    """Make the synthetic corpus, unless it is there already.

    The folder appears whole or not at all: 320 WAV files (16 kHz, mono, 16 bits; 1 to 2.2 s each),
    `metadata.csv`, `corpus.json` and `README.txt`. The same seed gives the same sounds.

    Args:
        folder: where it is to stand: not there yet, empty, or the same corpus from an earlier call,
            which is then left as it is.
        seed: 0 or more.

    Returns:
        Path of `metadata.csv`: comma-separated, columns path, class_id, actor, gender, sentence, take;
        paths are relative to its folder.

    Raises:
        UserError: `folder` holds something else, or `seed` is negative.
    """
    if seed < 0:
        raise UserError(f"seed of the synthetic corpus: {seed} is negative; it must be 0 or more")
    folder = Path(folder)
    rows = _rows()
    description: dict[str, str | int] = {
        "name": CORPUS_NAME,
        "version": CORPUS_VERSION,
        "seed": seed,
        "count": len(rows),
    }
    if _holds(folder, description, rows):
        return folder / "metadata.csv"
    with replacing(folder) as draft:
        draft.mkdir()
        for row in rows:
            _write_utterance(draft, row, seed)
        with (draft / "metadata.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        (draft / "README.txt").write_text(README, encoding="utf-8")
        write_json(draft / "corpus.json", description)
    return folder / "metadata.csv"


def synthesise_utterance(
    speaker: Speaker, emotion: Emotion, sentence: str, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Let a speaker say a sentence in the manner of an emotion, and record it with some noise at some gain.

    Args:
        speaker: one of `SPEAKERS`, or your own.
        emotion: a value of `EMOTIONS`, or your own; the utterance varies about it by `VARIATION`.
        sentence: phones as in `source_filter.synthesise`, e.g. a value of `SENTENCES`.
        rng: all that is random about the utterance; the same state gives the same samples.

    Returns:
        Samples at 16 kHz, shape `(samples,)`, between -0.95 and 0.95.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> samples = synthesise_utterance(SPEAKERS[0], EMOTIONS["anger"], SENTENCES["s1"], rng)
    """
    manner = _vary(emotion, rng)
    speech = synthesise(sentence, _voice(speaker, manner), rng)
    gain_db = rng.uniform(-RECORDING_GAIN_DB, RECORDING_GAIN_DB)
    return _record(speech, SPEECH_LEVEL_DBFS + manner.level_db + gain_db, rng).astype(np.float32)


def _vary(emotion: Emotion, rng: np.random.Generator) -> Emotion:
    """One utterance's manner: normal about the emotion, cut at two deviations so that it stays physical."""
    means, deviations = np.array(astuple(emotion)), np.array(astuple(VARIATION))
    return Emotion(*(means + deviations * np.clip(rng.standard_normal(len(means)), -2, 2)).tolist())


def _voice(speaker: Speaker, manner: Emotion) -> Voice:
    """The speaker's voice in this manner."""
    return Voice(
        pitch_hz=speaker.pitch_hz * 2 ** (manner.pitch_st / 12),
        pitch_range_st=manner.pitch_range_st,
        accent_shift=manner.accent_shift,
        final_st=manner.final_st,
        rate=speaker.rate * manner.rate,
        formant_scale=speaker.formant_scale,
        opening=manner.opening,
        articulation=manner.articulation,
        open_quotient=speaker.open_quotient + manner.open_quotient,
        tilt_db=manner.tilt_db,
        aspiration_db=speaker.aspiration_db + manner.aspiration_db,
        jitter=speaker.jitter * manner.jitter,
    )


def _record(speech: Samples, level_dbfs: float, rng: np.random.Generator) -> Samples:
    """Put unit-power speech between silences, add the noise of a room, set the level, keep the peak safe."""
    before, after = (rng.uniform(*SILENCE_S, size=2) * SAMPLING_RATE_HZ).astype(int)
    padded = np.pad(speech, (before, after))
    # The noise of a room falls with frequency: a first-order low-pass, scaled back to unit power.
    noise = lfilter([np.sqrt(1 - ROOM_POLE**2)], [1, -ROOM_POLE], rng.standard_normal(len(padded)))
    recorded = padded + 10 ** (-rng.uniform(*SNR_DB) / 20) * noise
    recorded *= 10 ** (level_dbfs / 20)
    return recorded * min(1.0, PEAK_LIMIT / np.abs(recorded).max())


def _rows() -> list[dict[str, str]]:
    """The rows of metadata.csv: every speaker × emotion × sentence × take."""
    return [
        {
            "path": f"{speaker.name}/{speaker.name}_{emotion}_{sentence}_{take}.wav",
            "class_id": emotion,
            "actor": speaker.name,
            "gender": speaker.gender,
            "sentence": sentence,
            "take": str(take),
        }
        for speaker, emotion, sentence, take in itertools.product(SPEAKERS, EMOTIONS, SENTENCES, TAKES)
    ]


def _write_utterance(folder: Path, row: dict[str, str], seed: int) -> None:
    """Synthesise the utterance of a row into its WAV file below `folder`."""
    speaker_index = [speaker.name for speaker in SPEAKERS].index(row["actor"])
    # Keyed by what the utterance is, so that it does not matter when, or whether, the others are made.
    key = (
        speaker_index,
        list(EMOTIONS).index(row["class_id"]),
        list(SENTENCES).index(row["sentence"]),
        int(row["take"]),
    )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    samples = synthesise_utterance(
        SPEAKERS[speaker_index], EMOTIONS[row["class_id"]], SENTENCES[row["sentence"]], rng
    )
    path = folder / row["path"]
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, samples, SAMPLING_RATE_HZ, subtype="PCM_16")


def _holds(folder: Path, description: dict[str, str | int], rows: list[dict[str, str]]) -> bool:
    """Whether `folder` is this corpus, complete; `False` where there is nothing to lose.

    Raises:
        UserError: something else stands there.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    remedy = "name a folder that is not there yet, or remove this one"
    if not (folder / "corpus.json").is_file():
        raise UserError(f"{folder}: holds something else than the synthetic corpus; {remedy}")
    found = read_json(folder / "corpus.json")
    if found != description:
        raise UserError(f"{folder / 'corpus.json'}: says {found}, asked for is {description}; {remedy}")
    missing = [
        name for name in ("metadata.csv", *(row["path"] for row in rows)) if not (folder / name).is_file()
    ]
    if missing:
        raise UserError(
            f"{folder}: the synthetic corpus lacks {len(missing)} files, first {missing[0]}; {remedy}"
        )
    return True
