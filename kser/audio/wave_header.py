"""What the header of a WAVE file says of its sound: encoding, size, and where it is.

libsndfile's word for it does not do: it reads float samples of W64 files with an extensible header as
integers, and a part of the sound of MP3 within WAV, and calls headers of other encodings malformed.

Layouts: RIFF/WAVE (Microsoft and IBM 1991), WAVE_FORMAT_EXTENSIBLE (Microsoft), RF64 (EBU Tech 3306), BW64
(ITU-R BS.2088), Sony Wave64.
"""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from kser.audio.chunks import BIG_ENDIAN_IFF, RIFF, W64, Layout, walk
from kser.audio.mpeg import after_id3

WAVE_KINDS = {"wav": RIFF, "rf64": RIFF, "bw64": RIFF, "rifx": BIG_ENDIAN_IFF, "w64": W64}
"""Kinds of `kser.audio.containers.kind_of` that have this header, with the layout of their chunks."""

_W64_HEADER_BYTES, _RIFF_HEADER_BYTES = 40, 12
_EXTENSIBLE = 0xFFFE
_SUBFORMAT_AT = 24
# Programs that write WAV to a pipe put a size near 2 or 4 GiB where the real one would be.
SIZE_OF_A_PIPE = 0x7FFF0000
_SIZE_IN_DS64 = 0xFFFFFFFF

_INTEGERS, _FLOATS = 0x01, 0x03
_UNCOMPRESSED = (_INTEGERS, _FLOATS, 0x06, 0x07)
_GSM, _SAMPLES_OF_A_GSM_BLOCK = 0x31, 320
_MPEG_TAGS = (0x50, 0x55)
_NAMES = {
    **{_INTEGERS: "PCM", _FLOATS: "floating-point numbers"},
    **{0x08: "DTS", 0x14: "G.723 ADPCM", 0x20: "Yamaha ADPCM", 0x22: "TrueSpeech", 0x28F: "G.722"},
    **{0x31: "GSM 6.10", 0x40: "G.721", 0x42: "G.723.1", 0x45: "G.726", 0x64: "G.726", 0x65: "G.722"},
    **{0x83: "G.729", 0xFF: "AAC", 0x160: "WMA", 0x161: "WMA", 0x162: "WMA", 0x163: "WMA", 0x1610: "AAC"},
    **{0x2000: "AC-3", 0x2001: "DTS", 0x5756: "WavPack", 0x674F: "Vorbis", 0x77A1: "TTA"},
    **{0x566F: "Vorbis", 0xA106: "AAC", 0xA109: "Speex", 0xF1AC: "FLAC"},
}


@dataclass(frozen=True)
class WaveHeader:
    """What a WAVE header says.

    Attributes:
        tag: of the encoding (`wFormatTag`; of an extensible header, of its subformat).
        block_bytes: of a sample of all channels, or of a block of compressed ones.
        bits: of a sample.
        data_offset: where the sound begins in the file, in bytes.
        data_bytes: how many bytes of it are promised; `None` where a program that wrote to a pipe did not
            know.
    """

    tag: int
    block_bytes: int
    bits: int
    data_offset: int
    data_bytes: int | None

    @property
    def is_mpeg(self) -> bool:
        """Whether the sound is a stream of MPEG audio (MP3, layer II or I)."""
        return self.tag in _MPEG_TAGS

    @property
    def sample_bytes(self) -> int:
        """Of all channels of a sample; 1 where samples are compressed."""
        return self.block_bytes if self.tag in _UNCOMPRESSED else 1

    @property
    def samples_of_whole_blocks(self) -> int | None:
        """Samples of GSM 6.10; `None` for others. libsndfile takes a byte of filling for a block more."""
        if self.tag != _GSM or self.data_bytes is None or not self.block_bytes:
            return None
        return self.data_bytes // self.block_bytes * _SAMPLES_OF_A_GSM_BLOCK

    @property
    def encoding(self) -> str:
        """The encoding's name, for messages."""
        named = _NAMES.get(self.tag, "an encoding")
        plain = self.tag in (_INTEGERS, _FLOATS)
        return f"{named} of {self.bits} bits" if plain else f"{named} (WAVE format {self.tag:#06x})"

    @property
    def subtype(self) -> str | None:
        """libsndfile's name of the encoding; `None` for those that it does not decode exactly."""
        if self.tag in _SUBTYPES:
            return _SUBTYPES[self.tag]
        return _SUBTYPES_OF_BYTES.get((self.tag, (self.bits + 7) // 8))


_SUBTYPES = {0x02: "MS_ADPCM", 0x06: "ALAW", 0x07: "ULAW", 0x11: "IMA_ADPCM", 0x31: "GSM610"}
_SUBTYPES_OF_BYTES = {
    **{(_INTEGERS, 1): "PCM_U8", (_INTEGERS, 2): "PCM_16", (_INTEGERS, 3): "PCM_24"},
    **{(_INTEGERS, 4): "PCM_32", (_FLOATS, 4): "FLOAT", (_FLOATS, 8): "DOUBLE"},
}


def wave_header_of(file: BinaryIO, kind: str) -> WaveHeader | None:
    """Read the header of a WAVE file.

    Args:
        file: opened for reading, seekable; left at an unknown place.
        kind: what `kser.audio.containers.kind_of` returned.

    Returns:
        `None` for other kinds, and where no complete `fmt ` chunk is in front of the sound.
    """
    if kind not in WAVE_KINDS:
        return None
    size = file.seek(0, os.SEEK_END)
    try:
        return _read(file, after_id3(file), size, WAVE_KINDS[kind])
    except struct.error:  # the file ends within its header
        return None


def _read(file: BinaryIO, start: int, size: int, layout: Layout) -> WaveHeader | None:
    order = layout.size[0]
    fields: tuple[int, int, int] | None = None
    long_size = None
    first = start + (_W64_HEADER_BYTES if layout is W64 else _RIFF_HEADER_BYTES)
    for name, offset, promised in walk(file, first, size, layout):
        if name == b"ds64":
            file.seek(offset + 8)
            (long_size,) = struct.unpack("<Q", file.read(8))
        elif name[:4] == b"fmt ":
            fields = _format(file, offset, promised, order)
        elif name[:4] == b"data" and fields is not None:
            if promised == _SIZE_IN_DS64 and long_size is not None:
                return WaveHeader(*fields, offset, long_size)
            unknown = layout is not W64 and promised >= SIZE_OF_A_PIPE
            return WaveHeader(*fields, offset, None if unknown else promised)
    return None


def _format(file: BinaryIO, offset: int, promised: int, order: str) -> tuple[int, int, int]:
    """Tag, bytes of a block, bits of a sample."""
    file.seek(offset)
    tag, block_bytes, bits = struct.unpack(order + "H10xHH", file.read(16))
    if tag == _EXTENSIBLE and promised >= _SUBFORMAT_AT + 2:
        file.seek(offset + _SUBFORMAT_AT)
        (tag,) = struct.unpack(order + "H", file.read(2))
    return tag, block_bytes, bits
