"""The frames of an MP3 stream: where they begin, and how many there are.

libsndfile (mpg123) takes the length of an MP3 file from the Xing header that most encoders put in front.
Where there is none, as in layers I and II or when an encoder wrote to a pipe, it guesses from the first
frame, and stops reading there: with a variable bit rate most of the recording would be lost without a word.
Counting the frames gives the length.

Layouts: ISO/IEC 11172-3 and 13818-3 (frames), ID3v2 (id3.org), Xing header (as LAME writes it).
"""

import os
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


def counted_frames(file: BinaryIO) -> int | None:
    """How many frames the Xing (or Info) header counts that the stream begins with; `None` without one."""
    file.seek(after_id3(file))
    head = file.read(4096)
    first = parse_frame(head[:4])
    if first is None:
        return None
    tag = head[4 + first.side_information :][:12]
    if len(tag) < 12 or tag[:4] not in (b"Xing", b"Info") or not tag[7] & 1:
        return None
    return int.from_bytes(tag[8:], "big")


@dataclass(frozen=True)
class Stream:
    """MPEG audio from its first frame on.

    Attributes:
        content: the frames, and what follows them.
        frames: how many there are.
        samples: that they decode to, for each channel.
        longest: bytes of the longest frame.
        trouble: what is wrong, in words; empty when the last frame is whole and nothing but tags follows it.
    """

    content: bytes
    frames: int
    samples: int
    longest: int
    trouble: str


def read_stream(file: BinaryIO, start: int, end: int) -> Stream:
    """Walk over all frames between two offsets of a file (which `trouble` counts from its beginning)."""
    file.seek(start)
    content = file.read(end - start)
    position = frames = samples = longest = 0
    trouble = ""
    while position < len(content):
        frame = parse_frame(content[position : position + 4])
        if frame is None:
            rest = content[position : position + 11]
            if not rest.startswith(_TAGS_AT_THE_END) and any(content[position:]):
                trouble = f"has no MPEG frame at byte {start + position} of {end}"
                if len(rest) < 4:
                    trouble = "ends within a frame"
            break
        position += frame.length
        frames += 1
        samples += frame.samples
        longest = max(longest, frame.length)
    return Stream(
        content, frames, samples, longest, trouble if position <= len(content) else "ends within a frame"
    )


class OfAnyLength:
    """A stream as a file that seems too long by so much that no guess at its length is too short.

    libsndfile divides the size of the file by the length of the first frame, and reads no sample more. It may
    read the 128 bytes where a tag would be at the end (zeros here); the stream itself ends where it does.
    """

    _TAG_BYTES = 128

    def __init__(self, stream: Stream):
        self._content = stream.content
        self._tag_at = len(stream.content) + stream.frames * stream.longest
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        ends = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._tag_at + self._TAG_BYTES}
        self._position = ends[whence] + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, count: int) -> bytes:
        in_tag = self._position >= self._tag_at
        found = bytes(self._TAG_BYTES)[:count] if in_tag else self._content[self._position :][:count]
        self._position += len(found)
        return found
