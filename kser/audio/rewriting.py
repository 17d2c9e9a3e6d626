"""One recording, processed and written again as it was: same rate, channels, container, encoding and tags."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf

from kser.audio.decoding import Sound, decode, stored_as, tags_of
from kser.audio.mpeg import after_id3
from kser.audio.processing import AudioProcessing, gain_to, integrated_loudness, sound_between
from kser.errors import UserError
from kser.files import replacing

# Encodings that hold values beyond full scale.
_UNLIMITED = {"FLOAT", "DOUBLE"}
_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_24": 24, "PCM_32": 32, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32}
_BITS_OF_OTHERS = 16
# Encodings that soundfile believes libsndfile can write.
_ONLY_READ = {"MPEG_LAYER_I", "MPEG_LAYER_II"}
_HOLDS_TAGS = {"WAV", "WAVEX", "RF64", "FLAC", "OGG", "AIFF", "CAF"}
# What libsndfile cannot write takes this form: lossless, and the rounding is far below any recording's noise.
_OTHER_SUFFIX = ".flac"
_OTHER_FORM = ("FLAC", "PCM_24", "FILE")


@dataclass(frozen=True)
class Facts:
    """What was done to a recording.

    Attributes:
        duration_s: of the result.
        removed_s: seconds trimmed off.
        loudness_lufs: before; `None` for silence, or when it was not measured.
        gain_db: that was applied.
        limited: whether the gain stayed below the wanted one, to keep the peak within full scale.
        note: what is out of the ordinary, in words; empty when nothing is.
    """

    duration_s: float
    removed_s: float = 0.0
    loudness_lufs: float | None = None
    gain_db: float = 0.0
    limited: bool = False
    note: str = ""


# Takes the sound and the highest value its encoding holds (∞ for float), gives the samples to write.
Step = Callable[[Sound, float], tuple[np.ndarray, Facts]]


@dataclass(frozen=True)
class Normalize:
    """Brings a recording to an integrated loudness: measured over all channels, one gain for all.

    Where the encoding holds nothing beyond full scale, the gain is limited so that the peak just fits.

    Args:
        target_lufs: −70 to 0.
    """

    target_lufs: float

    def __post_init__(self) -> None:
        AudioProcessing(loudness_lufs=self.target_lufs)  # checks the range

    def __call__(self, sound: Sound, highest: float) -> tuple[np.ndarray, Facts]:
        duration_s = len(sound.samples) / sound.sampling_rate
        loudness = integrated_loudness(sound.samples, sound.sampling_rate)
        if not math.isfinite(loudness):
            return sound.samples, Facts(duration_s, note="silence: left as it is")
        wanted_db = gain_to(self.target_lufs, loudness)
        peak = float(np.abs(sound.samples).max())
        fitting_db = max(0.0, 20 * math.log10(highest / peak)) if math.isfinite(highest) else math.inf
        gain_db = min(wanted_db, fitting_db)
        limited = gain_db < wanted_db
        note = f"gain limited from {wanted_db:.2f} dB, the peak reaches full scale" if limited else ""
        samples = sound.samples * 10 ** (gain_db / 20)
        return samples, Facts(duration_s, 0.0, loudness, gain_db, limited, note)


@dataclass(frozen=True)
class Trim:
    """Cuts leading and trailing silence off; what stays is as it was, bit for bit in lossless encodings.

    Args:
        top_db: frames this much below the loudest are silence; above 0.
    """

    top_db: float

    def __post_init__(self) -> None:
        AudioProcessing(trim_db=self.top_db)  # checks the range

    def __call__(self, sound: Sound, highest: float) -> tuple[np.ndarray, Facts]:
        start, end = sound_between(sound.samples, sound.sampling_rate, self.top_db)
        removed = len(sound.samples) - (end - start)
        return sound.samples[start:end], Facts(
            (end - start) / sound.sampling_rate, removed / sound.sampling_rate
        )


def written_name(path: str | Path) -> str:
    """The name of what `rewrite` writes: the same, with `.flac` for what libsndfile cannot write.

    Raises:
        UserError: the file is no audio, or its header shows damage.
    """
    return Path(path).name if _writable(stored_as(path)) else Path(path).with_suffix(_OTHER_SUFFIX).name


def rewrite(source: str | Path, target: str | Path, step: Step) -> Facts:
    """Decode a recording, process it and write it, whole or not at all.

    Args:
        source: the recording.
        target: the file to write, named after `written_name`.
        step: `Normalize` or `Trim`.

    Raises:
        UserError: the source cannot be read or processed, or the target cannot be written. The line names the
            file.
    """
    form = stored_as(source)
    container, subtype, endian = form if form and _writable(form) else _OTHER_FORM
    sound = decode(source, dtype="float64")
    try:
        samples, facts = step(sound, _highest_value(subtype))
    except ValueError as error:
        raise UserError(f"{source}: {error}") from None
    with replacing(target) as draft:
        try:
            _write(draft, Sound(samples, sound.sampling_rate), (container, subtype, endian), source)
        except (sf.SoundFileError, OSError) as error:
            raise UserError(f"{target}: cannot be written as {container}: {error}") from None
    if _writable(form):
        return facts
    note = f"written as {container}: its own format can only be read"
    return replace(facts, note="; ".join(filter(None, [facts.note, note])))


def _write(target: Path, sound: Sound, form: tuple[str, str, str], source: str | Path) -> None:
    """Writes a sound with the tags of its source."""
    container, subtype, endian = form
    channels = sound.samples.shape[1]
    with sf.SoundFile(target, "w", sound.sampling_rate, channels, subtype, endian, container) as written:
        if container in _HOLDS_TAGS:
            for name, text in tags_of(source).items():
                setattr(written, name, text)
        written.write(sound.samples)
    if container == "MP3":
        target.write_bytes(_id3(source) + target.read_bytes())


def _id3(source: str | Path) -> bytes:
    """The ID3v2 tags in front of a file, as they are: libsndfile writes them anew in Latin 1."""
    with Path(source).open("rb") as file:
        length = after_id3(file)
        file.seek(0)
        return file.read(length)


def _writable(form: tuple[str, str, str] | None) -> bool:
    return form is not None and form[1] not in _ONLY_READ and sf.check_format(*form)


def _highest_value(subtype: str) -> float:
    if subtype in _UNLIMITED:
        return math.inf
    return 1 - 2.0 ** (1 - _BITS.get(subtype, _BITS_OF_OTHERS))
