"""What kind of audio file a file is, by its content, and whether all that its header promises is present.

Decoders differ in what they say of a file that ends early: libsndfile shortens WAV, AIFF, AU, CAF and W64
files and Ogg streams without a word. Their structure shows it, and is read here. What cannot be known:
whether a stream that was never given a length (a WAV file from a pipe, raw AAC, MPEG-TS, live Matroska) once
was longer. FLAC and MP3 files show it when they are decoded.

Layouts: RIFF/WAVE (Microsoft and IBM 1991), RF64 (EBU Tech 3306), BW64 (ITU-R BS.2088), AIFF (Apple 1989),
CAF (Apple), Ogg (RFC 3533), ISO base media (ISO/IEC 14496-12), EBML and Matroska (RFC 8794, RFC 9559).
"""

import os
import struct
from typing import BinaryIO

from kser.audio import mpeg
from kser.audio.chunks import BIG_ENDIAN_IFF, CAF, RIFF, Layout, walk
from kser.audio.wave_header import SIZE_OF_A_PIPE, wave_header_of

HEAD_BYTES = 4096

# What follows the announced sound is some of it if there is so much, and does not begin as tags do.
_LEAST_SOUND_BYTES = 512
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
_OGG_PAGE_BYTES = 27 + 255 + 255 * 255
_OGG_END_OF_STREAM = 4
VOC_HEADER_BYTES = 26
VOC_UNCOUNTED_BYTES = 8
"""SoX leaves these out of the size of a block."""
_MATROSKA_SEGMENT = 0x18538067

_MP4_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ADTS_SYNC_MASK, _ADTS_SYNC = 0xFFF6, 0xFFF0  # 12 bits of sync, and layer 0, which no MPEG audio has
_AC3_SYNC = b"\x0bw"
_HIGHEST_BSID_OF_AC3 = 10
_CHUNKED = {"wav": RIFF, "rifx": BIG_ENDIAN_IFF, "aiff": BIG_ENDIAN_IFF}


def kind_of(file: BinaryIO) -> str:
    """The kind of an audio file, by its first bytes.

    Args:
        file: opened for reading, seekable; left at an unknown place.

    Returns:
        `wav`, `rifx`, `rf64`, `bw64`, `flac`, `ogg`, `aiff`, `au`, `caf`, `w64`, `mp3` (MPEG audio of any
        layer), `nist` (SPHERE), `voc`: libsndfile reads them; `mov` (MP4, M4A, 3GP, QuickTime), `matroska`
        (also WebM), `avi`, `asf` (WMA),
        `aac`, `amr`, `flv`, `mpegts`, `iff` (8SVX), `wv` (WavPack), `tta`, `ape`, `ac3`, `eac3`: those that
        PyAV reads, by the names of its demuxers; else empty.
    """
    start = mpeg.after_id3(file)
    file.seek(start)
    head = file.read(HEAD_BYTES)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        kinds = {b"WAVE": {b"RIFF": "wav", b"RIFX": "rifx"}.get(head[:4], head[:4].decode().lower())}
        return (kinds | {b"AVI ": "avi"}).get(head[8:12], "")
    if head[:4] == b"FORM":
        return {b"AIFF": "aiff", b"AIFC": "aiff", b"8SVX": "iff", b"16SV": "iff"}.get(head[8:12], "")
    by_magic = [kind for kind, magic in _MAGIC if head.startswith(magic)]
    return by_magic[0] if by_magic else _kind_without_magic(head)


def _kind_without_magic(head: bytes) -> str:
    if head[4:8] in _MP4_FIRST_BOXES:
        return "mov"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    if len(head) > 7 and (int.from_bytes(head[:2], "big") & _ADTS_SYNC_MASK) == _ADTS_SYNC:
        return "aac"
    if len(head) > 5 and head[:2] == _AC3_SYNC:
        return "eac3" if head[5] >> 3 > _HIGHEST_BSID_OF_AC3 else "ac3"
    return "mp3" if mpeg.starts_with_frames(head) else ""


_MAGIC = (
    ("flac", b"fLaC"),
    ("ogg", b"OggS"),
    ("au", b".snd"),
    ("au", b"dns."),
    ("caf", b"caff"),
    ("w64", _W64_RIFF),
    ("matroska", b"\x1aE\xdf\xa3"),
    ("asf", _ASF),
    ("flv", b"FLV\x01"),
    ("amr", b"#!AMR"),
    ("nist", b"NIST_1A"),
    ("voc", b"Creative Voice File\x1a"),
    ("wv", b"wvpk"),
    ("tta", b"TTA1"),
    ("ape", b"MAC "),
)


def what_is_missing(file: BinaryIO, kind: str) -> str:
    """What a file lacks of what its structure promises, in words; empty when that shows nothing.

    Args:
        file: opened for reading, seekable; left at an unknown place.
        kind: what `kind_of` returned.

    Example: `10000 of the 32000 bytes of sound that its header promises are present`.
    """
    size = file.seek(0, os.SEEK_END)
    start = mpeg.after_id3(file)
    try:
        if header := wave_header_of(file, kind):
            promised = 0 if header.data_bytes is None else header.data_bytes
            return _sound_bytes(header.data_offset, promised, size, header.sample_bytes)
        if kind in ("aiff", "caf", "au"):
            return _sound_bytes(*_sound_chunk(file, kind, start, size), size)
        if kind in _BY_STRUCTURE:
            return _BY_STRUCTURE[kind](file, start, size)
    except struct.error:  # the file ends within a header; the decoder has the better words for it
        return ""
    return ""


def unannounced_bytes(file: BinaryIO, kind: str) -> tuple[int, int]:
    """Bytes of sound that a header announces, and those that follow where it was never brought up to date.

    Args:
        file: opened for reading, seekable; left at an unknown place.
        kind: what `kind_of` returned.

    Returns:
        The second number is 0 for nearly all files: further chunks, tags and zeros do not count.
    """
    size, layout = file.seek(0, os.SEEK_END), _CHUNKED.get(kind)
    start = mpeg.after_id3(file)
    try:
        if kind == "au":
            offset, announced = _sound_chunk(file, kind, start, size)
            file.seek(start)
            is_open = file.read(12)[8:] == b"\xff\xff\xff\xff"
            return announced, 0 if is_open else _sound_from(file, offset + announced, size)
        if layout is None:
            return 0, 0
        name = b"SSND" if kind == "aiff" else b"data"
        for found, offset, announced in walk(file, start + 12, size, layout):
            if found == name:
                is_open = announced >= SIZE_OF_A_PIPE
                # AIFF counts two numbers before the sound with it.
                of_sound = announced - 8 if kind == "aiff" else announced
                return of_sound, 0 if is_open else _beyond(file, offset + announced, size, layout)
    except struct.error:
        return 0, 0
    return 0, 0


def _beyond(file: BinaryIO, end: int, size: int, layout: Layout) -> int:
    """Bytes from the end of the sound on, unless chunks follow."""
    place = end + end % layout.alignment
    while place + 8 <= size:
        file.seek(place)
        header = file.read(8)
        (content,) = struct.unpack(layout.size, header[4:])
        if not all(32 <= byte < 127 for byte in header[:4]) or place + 8 + content > size:
            return _sound_from(file, end, size) if place <= end + 1 else 0
        place += 8 + content + content % layout.alignment
    return 0


def _sound_from(file: BinaryIO, start: int, size: int) -> int:
    """Bytes from a place to the end of the file, if they may be sound."""
    file.seek(start)
    head = file.read(_LEAST_SOUND_BYTES)
    is_tag = head.lstrip(b"\0").startswith(_TAGS)
    return 0 if is_tag or len(head) < _LEAST_SOUND_BYTES or not any(head) else size - start


def _sound_chunk(file: BinaryIO, kind: str, start: int, size: int) -> tuple[int, int]:
    """Offset and promised size of the sound in the formats that state both in one place."""
    if kind == "au":
        file.seek(start)
        order = ">" if file.read(4) == b".snd" else "<"
        offset, promised = struct.unpack(order + "II", file.read(8))
        return offset, 0 if promised == 0xFFFFFFFF else promised
    layout, name, first = {
        "aiff": (BIG_ENDIAN_IFF, b"SSND", 12),
        "caf": (CAF, b"data", 8),
    }[kind]
    for found, offset, promised in walk(file, start + first, size, layout):
        if found == name:
            return offset, promised
    return 0, 0


def _sound_bytes(offset: int, promised: int, size: int, block_bytes: int = 1) -> str:
    """Compares promised and present bytes of sound, in whole frames."""
    present = max(0, size - offset)
    counted_in = promised - present in (offset, offset - 8)  # some programs count the header as sound
    if counted_in or promised // max(1, block_bytes) <= present // max(1, block_bytes):
        return ""
    return f"{present} of the {promised} bytes of sound that its header promises are present"


def _ogg(file: BinaryIO, start: int, size: int) -> str:
    """The last page must be whole and carry the flag that ends the stream (RFC 3533, section 6)."""
    file.seek(max(start, size - 2 * _OGG_PAGE_BYTES))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :] if b"OggS" in tail else b""
    segments = page[27 : 27 + page[26]] if len(page) > 26 else b""
    if not segments or len(segments) < page[26] or len(page) < 27 + len(segments) + sum(segments):
        return "its last Ogg page is not whole"
    return "" if page[5] & _OGG_END_OF_STREAM else "the Ogg page that ends the stream is missing"


def _boxes(file: BinaryIO, start: int, size: int) -> str:
    """MP4 and its kin: boxes of a size and a name, one after the other to the end of the file."""
    while start + 8 <= size:
        file.seek(start)
        box, name = struct.unpack(">I4s", file.read(8))
        if box == 1:
            (box,) = struct.unpack(">Q", file.read(8))
        if box == 0:  # up to the end of the file
            return ""
        if start + box > size:
            return f"{size - start} of the {box} bytes of its {name.decode('latin-1')!r} box are present"
        start += max(8, box)
    return ""


def _avi(file: BinaryIO, start: int, size: int) -> str:
    file.seek(start + 4)
    (promised,) = struct.unpack("<I", file.read(4))
    present = size - start - 8
    return f"{present} of the {promised} promised bytes are present" if promised > present else ""


def _matroska(file: BinaryIO, start: int, size: int) -> str:
    while start < size:
        file.seek(start)
        name, _ = _ebml_number(file, keep_marker=True)
        content, unknown = _ebml_number(file, keep_marker=False)
        if unknown:
            return ""
        start = file.tell()
        if name == _MATROSKA_SEGMENT:
            present = size - start
            return f"{present} of the {content} promised bytes are present" if content > present else ""
        start += content
    return ""


def _ebml_number(file: BinaryIO, keep_marker: bool) -> tuple[int, bool]:
    """A number whose first bits give its length, and whether it is the one that means `unknown`."""
    first = file.read(1)
    if not first or not first[0]:
        raise struct.error("no EBML number")
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big")
    bits = 7 * length
    bare = value & ((1 << bits) - 1)
    return (value if keep_marker else bare), bare == (1 << bits) - 1


def _voc(file: BinaryIO, start: int, size: int) -> str:
    """Creative Voice: blocks of a kind (one byte) and a size (three), up to a kind of 0."""
    start += VOC_HEADER_BYTES
    while start + 4 + 1 + VOC_UNCOUNTED_BYTES < size:
        file.seek(start)
        block = file.read(4)
        promised, present = int.from_bytes(block[1:], "little"), size - start - 4
        if not block[0]:
            return ""
        if promised > present:
            return f"{present} of the {promised} bytes of a block are present"
        start += 4 + promised
    return ""


def _nist(file: BinaryIO, start: int, size: int) -> str:
    """NIST SPHERE: a text header of a size that it names, fields such as `sample_count -i 48000`."""
    file.seek(start)
    head = file.read(HEAD_BYTES).split(b"end_head", 1)[0].decode("latin-1").splitlines()
    fields = {line.split()[0]: line.split()[-1] for line in head[2:] if line.strip()}
    try:
        header_bytes = int(head[1])
        sample_bytes = int(fields["sample_n_bytes"]) * int(fields.get("channel_count", 1))
        promised = int(fields["sample_count"]) * sample_bytes
    except (KeyError, ValueError, IndexError):
        return ""
    # Compressed SPHERE ("pcm,embedded-shorten-v2.00") says how many samples it unpacks to.
    if "," in fields.get("sample_coding", ""):
        return ""
    return _sound_bytes(start + header_bytes, promised, size, sample_bytes)


_BY_STRUCTURE = {"nist": _nist, "voc": _voc, "ogg": _ogg, "mov": _boxes, "avi": _avi, "matroska": _matroska}
