"""Chunks: how RIFF, IFF and their kin lay out what they hold, one after the other."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Layout:
    """How the chunks of a format are laid out: identifier, size, content, filled up to `alignment`.

    Attributes:
        identifier_bytes: of an identifier.
        size: how a size is packed, in the words of `struct`.
        size_counts_header: whether identifier and size are counted in it.
        alignment: bytes.
    """

    identifier_bytes: int
    size: str
    size_counts_header: bool
    alignment: int


RIFF = Layout(4, "<I", False, 2)
BIG_ENDIAN_IFF = Layout(4, ">I", False, 2)
CAF = Layout(4, ">q", False, 1)
W64 = Layout(16, "<Q", True, 8)


def walk(file: BinaryIO, start: int, size: int, layout: Layout) -> Iterator[tuple[bytes, int, int]]:
    """Identifier, offset of the content and promised size of the content, of each chunk.

    Args:
        file: opened for reading, seekable; may be moved between two chunks.
        start: offset of the first chunk.
        size: of the file; the last chunk may promise to go beyond it.
        layout: of the chunks.
    """
    header_bytes = layout.identifier_bytes + struct.calcsize(layout.size)
    while 0 <= start <= size - header_bytes:
        file.seek(start)
        header = file.read(header_bytes)
        (content,) = struct.unpack(layout.size, header[layout.identifier_bytes :])
        if layout.size_counts_header:
            content -= header_bytes
        yield header[: layout.identifier_bytes], start + header_bytes, content
        if content < 0:
            return
        end = start + header_bytes + content
        start = end + -end % layout.alignment
