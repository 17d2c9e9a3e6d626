"""What the frozen part of a model makes of recordings: computed once and not in every epoch."""

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kser.audio.known_contents import recording_digest
from kser.errors import UserError
from kser.files import replacing
from kser.pipeline.audio_cache import LOADER_VERSION
from kser.pipeline.vector_memory import VectorMemory
from kser.pipeline.waveform_format import WaveformFormat

# Goes up whenever an encoder of the same weights comes to give other features for the same waveform.
FORMAT_VERSION = 1
SUFFIX = ".features"
# An entry: these bytes, frames, channels, checksum of the features, the features.
_MAGIC = b"kserfeat"
_HEADER = struct.Struct("<8sQII")
_FRAMES_TYPE, _VECTORS_TYPE = np.dtype("<f2"), np.dtype("<f4")

# The vectors that this process has computed or read.
_in_memory = VectorMemory(most_bytes=2**30)


@dataclass(frozen=True)
class FeatureCache:
    """Features of recordings, content-addressed: several runs may fill and read a cache at once.

    An entry is named by the recording (the bytes of its file, and which part of it), what is done to the
    audio, and the frozen part of the model with its weights; it appears whole or not at all. The folder may
    be removed when no run is using it.
    Frames are kept as float16, which rounds them by 5e-4 of their size at most; a second of audio takes 51 kB
    with the 50 frames and 512 channels of the published models. Vectors, a few kB a recording and
    hidden state, are kept as float32, and in the memory of the process as well: runs with other seeds and of
    other hidden states find them there. An entry does not know the backend that computed it: what backends
    differ by is less than the rounding of frames, and rounding in float32 of vectors.

    Attributes:
        folder: is created when the first entry is written; `None` keeps vectors in memory only.
        encoder: what the features follow from besides the audio, see `kser.models.feature_split`.
        format: what is done to the audio.
        channels: of the features that are kept.
        samples_per_frame: samples from one frame to the next; of no meaning for vectors.
        maximum_samples: where the model cuts longer audio, or `None`.
        padded_samples: what the model pads shorter audio to, or `None`.
        vectors: how many vectors a recording has, in the place of frames; `None` for frames.
        taken: the channels that a model takes of what is kept.
    """

    folder: Path | None
    encoder: str
    format: WaveformFormat
    channels: int
    samples_per_frame: int = 0
    maximum_samples: int | None = None
    padded_samples: int | None = None
    vectors: int | None = None
    taken: slice = field(default_factory=lambda: slice(None), compare=False)

    def __post_init__(self) -> None:
        if self.folder is None and self.vectors is None:
            raise ValueError("Frames require a `folder`. Received: folder=None, vectors=None")

    @property
    def dtype(self) -> np.dtype:
        """Of what is kept."""
        return _FRAMES_TYPE if self.vectors is None else _VECTORS_TYPE

    @property
    def taken_channels(self) -> int:
        """How many channels a model takes."""
        return len(range(self.channels)[self.taken])

    def __call__(self, path: str) -> np.ndarray:
        """The features of a recording that a model takes, (frames or vectors, channels), see `get`.

        Raises:
            UserError: they are not there, or are damaged.
        """
        features = self.get(path)
        if features is None:
            raise UserError(
                f"feature_cache: {self.folder}: the features of {path} were removed or damaged while a run "
                "was using them; the same command computes them again"
            )
        return features[:, self.taken]

    def get(self, path: str) -> np.ndarray | None:
        """The features of a recording as they were stored, (frames or vectors, channels), or `None`.

        What is stored and no whole entry counts as not stored.

        Raises:
            UserError: the audio file is not found.
        """
        name = self._name(path)
        features = _in_memory.get(self.encoder, name)
        if features is None and self.folder is not None:
            features = self._stored(self.folder / name)
            if features is not None and self.vectors is not None:
                _in_memory.put(self.encoder, name, features)
        return features

    def put(self, path: str, features: np.ndarray) -> None:
        """Store the features (frames or vectors, channels) of a recording.

        Raises:
            UserError: they are not finite, or too large for float16, or nothing can be written to the folder.
        """
        with np.errstate(over="ignore"):
            rounded = np.ascontiguousarray(features, dtype=self.dtype)
        if not np.isfinite(rounded).all():
            if self.vectors is not None:
                raise UserError(f"the frozen backbone gives no finite numbers for {path}")
            raise UserError(
                f"feature_cache: the features of {path} do not fit into float16; leave feature_cache out"
            )
        name = self._name(path)
        if self.folder is not None:
            self._store(self.folder / name, rounded)
        if self.vectors is not None:
            _in_memory.put(self.encoder, name, rounded)

    def frames(self, samples: int) -> int:
        """Frames, or vectors, of so many samples."""
        if self.vectors is not None:
            return self.vectors
        if self.maximum_samples is not None:
            samples = min(samples, self.maximum_samples)
        return max(0, (samples - self.format.minimum_samples) // self.samples_per_frame + 1)

    def stored_bytes(self, samples: int) -> int:
        """Size of the entry of a recording of so many samples."""
        return _HEADER.size + self.frames(samples) * self.channels * self.dtype.itemsize

    def _stored(self, entry: Path) -> np.ndarray | None:
        try:
            stored = entry.read_bytes()
        except OSError:
            return None
        if len(stored) < _HEADER.size:
            return None
        magic, frames, channels, checksum = _HEADER.unpack_from(stored)
        whole = len(stored) == _HEADER.size + frames * channels * self.dtype.itemsize
        if magic != _MAGIC or not whole or zlib.crc32(memoryview(stored)[_HEADER.size :]) != checksum:
            return None
        return np.frombuffer(stored, self.dtype, offset=_HEADER.size).reshape(frames, channels)

    def _store(self, entry: Path, features: np.ndarray) -> None:
        content = features.tobytes()
        header = _HEADER.pack(_MAGIC, *features.shape, zlib.crc32(content))
        try:
            with replacing(entry) as draft:
                draft.write_bytes(header + content)
        except OSError as error:
            raise UserError(
                f"feature_cache: {self.folder}: cannot be written: {error.strerror}; make room, name another "
                "folder, or leave feature_cache out"
            ) from error

    def _name(self, path: str) -> str:
        """The path of an entry within the folder."""
        try:
            content = recording_digest(path)
        except OSError:
            raise UserError(f"{path}: audio file not found") from None
        made_by = f"{LOADER_VERSION} {FORMAT_VERSION} {self.format} {self.encoder}"
        key = hashlib.blake2b(f"{content} {made_by}".encode(), digest_size=20).hexdigest()
        return f"{key[:2]}/{key[2:]}{SUFFIX}"
