"""The recording in a request, received into memory: no part of it is written to a disk."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import PurePath

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from kser.serving.http.room import Share
from kser.words import printable

FIELD = "file"
NAMELESS = "recording"
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Upload:
    """A recording as it was sent.

    Attributes:
        name: of its file, for messages.
        content: of its file.
    """

    name: str
    content: bytes


async def received(request: Request, most_bytes: int, share: Share) -> Upload:
    """Receive a recording: the field `file` of a form, or a body of any other type.

    Args:
        request: not yet read.
        most_bytes: of the whole body.
        share: holds what has arrived.

    Raises:
        HTTPException: 400 for what holds no file, 413 as soon as more arrives than is taken.
        NoRoom: others leave none.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise _too_large(most_bytes)
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            upload = await _of_form(request, most_bytes, share)
        else:
            chunks = [chunk async for chunk in _limited(request, most_bytes, share)]
            upload = Upload(NAMELESS, b"".join(chunks))
    except ClientDisconnect:
        raise HTTPException(400, "the upload ended early") from None
    if not upload.content:
        raise HTTPException(400, f"{upload.name}: is empty (0 bytes); send an audio file")
    return upload


async def _limited(request: Request, most_bytes: int, share: Share) -> AsyncGenerator[bytes, None]:
    """What arrives, as long as it is not too much, whatever its header announced."""
    async for chunk in request.stream():
        share.hold(share.bytes + len(chunk))
        if share.bytes > most_bytes:
            raise _too_large(most_bytes)
        yield chunk


async def _of_form(request: Request, most_bytes: int, share: Share) -> Upload:
    parser = MultiPartParser(request.headers, _limited(request, most_bytes, share), max_files=1)
    parser.spool_max_size = most_bytes  # more than that would be put into a temporary file
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(400, f"the form cannot be read: {error.message}") from None
    except UnicodeError:  # of a charset that it names, and that has no text
        raise HTTPException(400, "the form cannot be read: its charset is not that of its names") from None
    sent = form.get(FIELD)
    if not isinstance(sent, UploadFile):
        found = "it holds text" if FIELD in form else "the form has none"
        raise HTTPException(400, f"send the audio file in the field `{FIELD}`: {found}")
    content = await sent.read()
    await form.close()
    return Upload(_name(sent.filename), content)


def _name(filename: str | None) -> str:
    """What is left of a file's name that may be anything."""
    return printable(PurePath(filename or "").name)[:_LONGEST_NAME] or NAMELESS


def _too_large(most_bytes: int) -> HTTPException:
    return HTTPException(413, f"the upload is larger than {most_bytes / 1e6:g} MB")
