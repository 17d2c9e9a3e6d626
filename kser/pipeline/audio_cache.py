"""Decoded audio on disk: what a file gave once need not be decoded, resampled and processed again."""

import hashlib
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kser.audio.known_contents import recording_digest
from kser.errors import UserError
from kser.pipeline.waveform_format import WaveformFormat

# Goes up whenever `load_audio` or a processing step comes to give other samples for the same file.
LOADER_VERSION = 2
SUFFIX = ".waveform"
# An entry: these bytes, the number of samples, the samples. The header of a .npy file takes longer to read.
_MAGIC = b"kserwave"
_HEADER = struct.Struct("<8sQ")
_SAMPLE = np.dtype("<f4")


@dataclass(frozen=True)
class AudioCache:
    """A folder of decoded waveforms, content-addressed: several runs may fill and read it at once.

    An entry is named by the recording (the bytes of its file, and which part of it), the version of the
    loader, the sampling rate and the processing; it is written whole and then renamed, so that nobody ever
    reads half of one. A file that changes gets another entry. The folder may be removed at any time. An hour
    of audio at 16 kHz takes 230 MB (float32: cached and decoded audio are the same to the bit).

    Attributes:
        folder: is created when the first entry is written.
    """

    folder: Path

    def get(self, path: str, waveform_format: WaveformFormat) -> np.ndarray | None:
        """The waveform (samples,) of a file as it was stored, or `None`.

        Raises:
            UserError: the audio file is not found.
        """
        try:
            stored = self._entry(path, waveform_format).read_bytes()
        except OSError:
            return None
        if _samples_of(stored, len(stored)) is None:
            return None
        return np.frombuffer(stored, _SAMPLE, offset=_HEADER.size)

    def length(self, path: str, waveform_format: WaveformFormat) -> int | None:
        """Samples of a stored waveform, without reading them; `None` where there is none.

        Raises:
            UserError: the audio file is not found.
        """
        entry = self._entry(path, waveform_format)
        try:
            with entry.open("rb") as stored:
                return _samples_of(stored.read(_HEADER.size), entry.stat().st_size)
        except OSError:
            return None

    def put(self, path: str, waveform_format: WaveformFormat, waveform: np.ndarray) -> None:
        """Store the waveform (samples,) of a file.

        Raises:
            UserError: nothing can be written to the folder.
        """
        entry = self._entry(path, waveform_format)
        content = _HEADER.pack(_MAGIC, len(waveform)) + waveform.astype(_SAMPLE).tobytes()
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=entry.parent, suffix=".part", delete=False) as draft:
                try:
                    draft.write(content)
                    draft.close()
                    Path(draft.name).replace(entry)
                except BaseException:
                    Path(draft.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise UserError(
                f"audio_cache: {self.folder}: cannot be written: {error.strerror}; make room, name another "
                "folder, or leave audio_cache out"
            ) from error

    def _entry(self, path: str, waveform_format: WaveformFormat) -> Path:
        settings = (waveform_format.sampling_rate, *waveform_format.processing.sound_settings)
        made_by = f"{LOADER_VERSION} {settings}"
        try:
            content = recording_digest(path)
        except OSError:
            raise UserError(f"{path}: audio file not found") from None
        key = hashlib.blake2b(f"{content} {made_by}".encode(), digest_size=20).hexdigest()
        return self.folder / key[:2] / f"{key[2:]}{SUFFIX}"


def _samples_of(head: bytes, size: int) -> int | None:
    """Samples of an entry that begins so and has so many bytes; `None` where it is no whole one."""
    if len(head) < _HEADER.size:
        return None
    magic, samples = _HEADER.unpack_from(head)
    return samples if magic == _MAGIC and size == _HEADER.size + 4 * samples else None
