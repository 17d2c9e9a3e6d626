"""What a frozen feature encoder makes of recordings, on disk: computed once and not in every epoch."""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kser.errors import UserError
from kser.files import content_digest, replacing
from kser.pipeline.audio_cache import LOADER_VERSION
from kser.pipeline.waveform_format import WaveformFormat

# Goes up whenever an encoder of the same weights comes to give other features for the same waveform.
FORMAT_VERSION = 1
SUFFIX = ".features"
# An entry: these bytes, frames, channels, checksum of the features, the features.
_MAGIC = b"kserfeat"
_HEADER = struct.Struct("<8sQII")
_FEATURE = np.dtype("<f2")


@dataclass(frozen=True)
class FeatureCache:
    """A folder of features, content-addressed: several runs may fill and read it at once.

    An entry is named by the bytes of the audio file, what is done to the audio, and the feature encoder with
    its weights; it appears whole or not at all. The folder may be removed when no run is using it. Features
    are kept as float16, which rounds them by 5e-4 of their size at most; a second of audio takes 51 kB with
    the 50 frames and 512 channels of the published models. An entry does not know the backend that computed
    it: what backends differ by is less than the rounding.

    Attributes:
        folder: is created when the first entry is written.
        encoder: what the features follow from besides the audio, see `kser.models.feature_split.encoder_key`.
        format: what is done to the audio.
        channels: of the features.
        samples_per_frame: samples from one frame to the next.
        maximum_samples: where the model cuts longer audio, or `None`.
    """

    folder: Path
    encoder: str
    format: WaveformFormat
    channels: int
    samples_per_frame: int
    maximum_samples: int | None = None

    def __call__(self, path: str) -> np.ndarray:
        """The features of a recording, see `get`.

        Raises:
            UserError: they are not there, or are damaged.
        """
        features = self.get(path)
        if features is None:
            raise UserError(
                f"feature_cache: {self.folder}: the features of {path} were removed or damaged while a run "
                "was using them; the same command computes them again"
            )
        return features

    def get(self, path: str) -> np.ndarray | None:
        """The features of a recording as they were stored, float16 (frames, channels), or `None`.

        What is stored and no whole entry counts as not stored.

        Raises:
            UserError: the audio file is not found.
        """
        try:
            stored = self._entry(path).read_bytes()
        except OSError:
            return None
        if len(stored) < _HEADER.size:
            return None
        magic, frames, channels, checksum = _HEADER.unpack_from(stored)
        whole = len(stored) == _HEADER.size + frames * channels * _FEATURE.itemsize
        if magic != _MAGIC or not whole or zlib.crc32(memoryview(stored)[_HEADER.size :]) != checksum:
            return None
        return np.frombuffer(stored, _FEATURE, offset=_HEADER.size).reshape(frames, channels)

    def put(self, path: str, features: np.ndarray) -> None:
        """Store the features (frames, channels) of a recording.

        Raises:
            UserError: they are too large for float16, or nothing can be written to the folder.
        """
        with np.errstate(over="ignore"):
            rounded = np.ascontiguousarray(features, dtype=_FEATURE)
        if not np.isfinite(rounded).all():
            raise UserError(
                f"feature_cache: the features of {path} do not fit into float16; leave feature_cache out"
            )
        content = rounded.tobytes()
        header = _HEADER.pack(_MAGIC, *rounded.shape, zlib.crc32(content))
        try:
            with replacing(self._entry(path)) as draft:
                draft.write_bytes(header + content)
        except OSError as error:
            raise UserError(
                f"feature_cache: {self.folder}: cannot be written: {error.strerror}; make room, name another "
                "folder, or leave feature_cache out"
            ) from error

    def frames(self, samples: int) -> int:
        """Frames of so many samples."""
        if self.maximum_samples is not None:
            samples = min(samples, self.maximum_samples)
        return max(0, (samples - self.format.minimum_samples) // self.samples_per_frame + 1)

    def stored_bytes(self, samples: int) -> int:
        """Size of the entry of a recording of so many samples."""
        return _HEADER.size + self.frames(samples) * self.channels * _FEATURE.itemsize

    def _entry(self, path: str) -> Path:
        try:
            content = content_digest(path)
        except OSError:
            raise UserError(f"{path}: audio file not found") from None
        made_by = f"{LOADER_VERSION} {FORMAT_VERSION} {self.format} {self.encoder}"
        key = hashlib.blake2b(f"{content} {made_by}".encode(), digest_size=20).hexdigest()
        return self.folder / key[:2] / f"{key[2:]}{SUFFIX}"
