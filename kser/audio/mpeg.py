"""The frames of an MP3 stream: where they begin, and how many there are.

libsndfile (mpg123) takes the length of an MP3 file from the Xing header that most encoders put in front.
Where there is none, as when an encoder wrote to a pipe, it guesses from the first frame, and stops reading
there: with a variable bit rate most of the recording would be lost without a word. Counting the frames gives
the length.

Layouts: ISO/IEC 11172-3 and 13818-3 (frames), ID3v2 (id3.org), Xing header (as LAME writes it).
"""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

_ID3_HEADER_BYTES = 10
# Kilobits per second by bitrate index 1 … 14.
_KBPS = {
    ("1", 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    ("1", 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    ("1", 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    ("2", 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    ("2", 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    ("2", 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {"1": (44100, 48000, 32000), "2": (22050, 24000, 16000), "2.5": (11025, 12000, 8000)}
_VERSIONS = {0: "2.5", 2: "2", 3: "1"}
_TAGS_AT_THE_END = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")


@dataclass(frozen=True)
class Frame:
    """What the four bytes in front of a frame say.

    Attributes:
        length: bytes, the header included.
        samples: that it decodes to, for each channel.
        side_information: bytes between the header and what follows (layer III); where a Xing header is.
    """

    length: int
    samples: int
    side_information: int


def parse_frame(header: bytes | bytearray) -> Frame | None:
    """Read a frame's header; `None` when there is none (or one of free format, without a bit rate)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version = _VERSIONS.get(header[1] >> 3 & 3)
    layer = 4 - (header[1] >> 1 & 3)
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version is None or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    bits_per_second = 1000 * _KBPS["1" if version == "1" else "2", layer][bitrate - 1]
    if layer == 1:
        return Frame((12 * bits_per_second // _RATES_HZ[version][rate] + padding) * 4, 384, 0)
    samples = 576 if layer == 3 and version != "1" else 1152
    length = samples // 8 * bits_per_second // _RATES_HZ[version][rate] + padding
    mono = header[3] >> 6 == 3
    return Frame(length, samples, (17 if mono else 32) if version == "1" else (9 if mono else 17))


def starts_with_frames(head: bytes) -> bool:
    """Whether the bytes begin with a frame that another one, or their end, follows."""
    first = parse_frame(head[:4])
    if first is None:
        return False
    rest = head[first.length : first.length + 4]
    return len(rest) < 4 or parse_frame(rest) is not None


def after_id3(file: BinaryIO) -> int:
    """The offset behind the ID3v2 tags that any audio file may begin with."""
    start = 0
    while True:
        file.seek(start)
        tag = file.read(_ID3_HEADER_BYTES)
        if len(tag) < _ID3_HEADER_BYTES or tag[:3] != b"ID3":
            return start
        size = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
        footer = _ID3_HEADER_BYTES if tag[5] & 0x10 else 0
        start += _ID3_HEADER_BYTES + size + footer


def has_length(file: BinaryIO) -> bool:
    """Whether the stream begins with a Xing (or Info) header that counts its frames."""
    file.seek(after_id3(file))
    head = file.read(4096)
    first = parse_frame(head[:4])
    if first is None:
        return False
    tag = head[4 + first.side_information :][:8]
    return tag[:4] in (b"Xing", b"Info") and bool(tag[-1] & 1)


def count_frames(file: BinaryIO) -> tuple[int, str]:
    """Walk over all frames of a stream without a Xing header.

    Returns:
        How many there are, and what is wrong, in words: empty when the last one is whole and nothing but tags
        follows it.
    """
    size = file.seek(0, os.SEEK_END)
    start = after_id3(file)
    file.seek(start)
    stream = file.read()
    position = frames = 0
    while position < len(stream):
        frame = parse_frame(stream[position : position + 4])
        if frame is None:
            rest = stream[position : position + 11]
            if rest.startswith(_TAGS_AT_THE_END) or not any(stream[position:]):
                break
            if len(rest) < 4:
                return frames, "ends within a frame"
            return frames, f"has no MPEG frame at byte {start + position} of {size}"
        position += frame.length
        frames += 1
    return frames, "ends within a frame" if position > len(stream) else ""


def with_length(stream: bytes, frames: int) -> bytes:
    """The stream (from its first frame on) behind a silent frame whose Xing header counts its frames."""
    first = parse_frame(stream[:4])
    assert first is not None, "kind_of saw a frame here"
    header = bytearray(stream[:4])
    header[1] |= 1  # no checksum
    while (frame := parse_frame(header)) is not None and frame.length < 4 + first.side_information + 12:
        header[2] += 0x10  # a higher bit rate: a longer frame
    assert frame is not None, "the longest frame holds a Xing header"
    xing = bytes(frame.side_information) + b"Xing" + struct.pack(">II", 1, frames)
    return bytes(header) + xing.ljust(frame.length - 4, b"\0") + stream
