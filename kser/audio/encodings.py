"""Which files are not for libsndfile: of a kind that it does not read, or not decoded exactly.

Told from the first bytes, without opening them; `kser.audio.sndfile_decoding` finds the rest when it opens a
file.
"""

import os
from typing import BinaryIO

from kser.audio import mpeg
from kser.audio.containers import VOC_HEADER_BYTES, VOC_UNCOUNTED_BYTES
from kser.audio.wave_header import WAVE_KINDS, wave_header_of

KINDS_OF_FFMPEG = {
    **{"mov": "MP4, M4A or QuickTime", "matroska": "Matroska or WebM", "avi": "AVI", "asf": "WMA or WMV"},
    **{"aac": "AAC", "amr": "AMR", "flv": "FLV", "mpegts": "MPEG-TS", "iff": "8SVX", "wv": "WavPack"},
    **{"tta": "True Audio", "ape": "Monkey's Audio", "ac3": "AC-3", "eac3": "E-AC-3"},
}
"""Kinds of `kser.audio.containers.kind_of` that libsndfile does not read, and their names for people."""

# What the first packet of an Ogg stream begins with (RFC 3533 leaves it to the codec).
_OGG_FIRST_PACKETS = {b"\x7fFLAC": "FLAC in Ogg", b"Speex   ": "Speex"}
_OGG_FIRST_PACKET_AT = 28
_VOC_BLOCKS_OF_SOUND = (1, 9)


def only_for_ffmpeg(file: BinaryIO, kind: str) -> str:
    """What it is that libsndfile does not decode exactly, for messages; empty where it may be asked.

    Args:
        file: opened for reading, seekable; left at an unknown place.
        kind: what `kser.audio.containers.kind_of` returned.
    """
    if kind in KINDS_OF_FFMPEG:
        return KINDS_OF_FFMPEG[kind]
    if kind in WAVE_KINDS:
        header = wave_header_of(file, kind)
        return header.encoding if header and header.subtype is None and not header.is_mpeg else ""
    if kind == "ogg":
        file.seek(mpeg.after_id3(file) + _OGG_FIRST_PACKET_AT)
        first = file.read(8)
        return next((name for magic, name in _OGG_FIRST_PACKETS.items() if first.startswith(magic)), "")
    if kind == "mp3" and _has_uncounted_frames(file):
        return "more MP3 frames than its header counts, as of several files in one"
    if kind == "voc" and not _is_one_block(file):
        return "VOC of several blocks"
    return ""


def _has_uncounted_frames(file: BinaryIO) -> bool:
    """Whether libsndfile would stop before the end: at the last frame that a Xing header counts."""
    counted = mpeg.counted_frames(file)
    if counted is None:
        return False
    present = mpeg.read_stream(file, mpeg.after_id3(file), file.seek(0, os.SEEK_END)).frames
    return present > counted + 1  # the header's own frame


def _is_one_block(file: BinaryIO) -> bool:
    """Whether a VOC file is one block of sound: of the others libsndfile takes the headers for samples."""
    size = file.seek(0, os.SEEK_END)
    file.seek(VOC_HEADER_BYTES)
    block = file.read(4)
    end = VOC_HEADER_BYTES + len(block) + int.from_bytes(block[1:], "little")
    return bool(block) and block[0] in _VOC_BLOCKS_OF_SOUND and end >= size - 1 - VOC_UNCOUNTED_BYTES
