"""Downloading an archive: what arrived is kept when the connection breaks, and nothing unverified is used."""

import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from kser import __version__
from kser.corpora.recipe import Archive
from kser.errors import UserError, system_reason
from kser.progress_bar import progress_bar

_READ_AT_ONCE = 1 << 18
_SILENCE_S = 30.0
# Waited before the next attempt; after as many attempts that brought nothing new, it is an error.
PAUSES_S = (1.0, 3.0, 9.0)
_PARTIAL, _RANGE_NOT_SATISFIABLE, _TOO_MANY_REQUESTS, _SERVER_ERRORS = 206, 416, 429, 500


class _BrokenOffError(Exception):
    """An attempt that ended early; the next one may go further."""


def download(archive: Archive, folder: str | Path, console: Console | None = None) -> Path:
    """Fetch a published file, continuing where an earlier attempt ended.

    What has arrived lies in `NAME.part`. It becomes `NAME` when it has the published size and checksum; an
    interruption, also of the program, leaves it for the next time.

    Args:
        archive: what to fetch.
        folder: where to write; created.
        console: where to show the progress.

    Returns:
        Path of the file. One that exists already is verified, not fetched.

    Raises:
        UserError: the server cannot be reached or does not have the file, the disk has no room, or what was
            fetched is not the published file.
    """
    path = Path(folder) / archive.name
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            if difference := _difference(archive, path, console):
                raise UserError(f"{path}: {difference}; move it away, and the same command fetches it again")
            return path
        if part.exists() and part.stat().st_size > archive.size_bytes:
            part.unlink()
        if not part.exists() or part.stat().st_size < archive.size_bytes:
            _fetch(archive, part, console)
        if difference := _difference(archive, part, console):
            part.unlink()
            raise UserError(f"{archive.url}: {difference}; it was removed: the same command fetches it anew")
        part.replace(path)
    except OSError as error:
        raise UserError(f"{part}: cannot be written: {system_reason(error, part)}") from None
    return path


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server, and ends the connection also where it leads to no address."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except (ValueError, http.client.InvalidURL):
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _fetch(archive: Archive, part: Path, console: Console | None) -> None:
    """Bring a part to its full size, in as many attempts as bring something new."""
    missing = archive.size_bytes - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise UserError(
            f"{part}: {missing / 1e9:.1f} GB are still to come, and {free / 1e9:.1f} GB are free: make room, "
            "or give an --output-path on a larger disk"
        )
    failures = 0
    with progress_bar(console, archive.name, archive.size_bytes, "bytes") as show:
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                _attempt(archive, part, show)
                return
            except _BrokenOffError as broken:
                arrived = part.stat().st_size if part.exists() else 0
                failures = 0 if arrived > before else failures + 1
                if failures > len(PAUSES_S):
                    share = f"{arrived / 1e6:.1f} of {archive.size_bytes / 1e6:.1f} MB"
                    kept = f"{share} have arrived and stay: the same command continues"
                    missed = "nothing has arrived: try again later, or get it in another way for --source"
                    raise UserError(f"{archive.url}: {broken}; {kept if arrived else missed}") from None
            time.sleep(PAUSES_S[max(0, failures - 1)])


def _attempt(archive: Archive, part: Path, show: Callable[[int], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"kser/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(archive.url, headers=headers)
    try:
        response = urllib.request.build_opener(_Redirects).open(request, timeout=_SILENCE_S)
    except urllib.error.HTTPError as error:
        with error:
            _raise_for_status(archive, part, error)
        return
    except (ValueError, http.client.InvalidURL) as error:  # where the server sends on to
        raise UserError(
            f"{archive.url}: leads to an address that is none ({_reason(error)}); download {archive.name} "
            "from the corpus's home page and give it as --source"
        ) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _BrokenOffError(f"cannot be reached: {_reason(error)}") from None
    with response:
        have = _continues_at(archive, response, have)
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            _receive(archive, response, file, have, show)


def _raise_for_status(archive: Archive, part: Path, error: urllib.error.HTTPError) -> None:
    if error.code == _RANGE_NOT_SATISFIABLE:
        part.unlink(missing_ok=True)
        raise _BrokenOffError("the server does not continue a download")
    refusal = f"the server answered {error.code} {error.reason}"
    if error.code >= _SERVER_ERRORS or error.code == _TOO_MANY_REQUESTS:
        raise _BrokenOffError(refusal)
    raise UserError(
        f"{archive.url}: {refusal}; download {archive.name} from the corpus's home page and give it as "
        "--source"
    )


def _continues_at(archive: Archive, response: http.client.HTTPResponse, have: int) -> int:
    """The byte that the answer begins at: a server may ignore that only the rest was asked for."""
    start = 0
    if response.headers.get_content_type() == "text/html":
        raise UserError(
            f"{archive.url}: gives a web page instead of the file; download {archive.name} from the corpus's "
            "home page and give it as --source"
        )
    if response.status == _PARTIAL:
        given = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
        start = _whole(given)
        if start != have:
            raise _BrokenOffError("the server continues at another byte than it was asked for")
    length = _whole(response.headers.get("Content-Length", ""))
    if length >= 0 and start + length != archive.size_bytes:
        raise UserError(
            f"{archive.url}: has {start + length} bytes, {archive.size_bytes} were published: it is now "
            "another file; see the corpus's home page, and give what you download there as --source"
        )
    return start


def _whole(text: str) -> int:
    """A number of bytes in a header; -1 where there is none."""
    return int(text) if text.isdecimal() and len(text) < 20 else -1


def _receive(
    archive: Archive,
    response: http.client.HTTPResponse,
    file: IO[bytes],
    have: int,
    show: Callable[[int], None],
) -> None:
    show(have)
    while have < archive.size_bytes:
        try:
            block = response.read(min(_READ_AT_ONCE, archive.size_bytes - have))
        except (http.client.HTTPException, OSError) as error:
            raise _BrokenOffError(f"the connection broke: {_reason(error)}") from None
        if not block:
            raise _BrokenOffError("the connection broke")
        file.write(block)
        have += len(block)
        show(have)


def _difference(archive: Archive, path: Path, console: Console | None) -> str:
    """How a file differs from the published one; empty when it does not."""
    size = path.stat().st_size
    if size != archive.size_bytes:
        return f"has {size} bytes, {archive.size_bytes} were published"
    algorithm, _, published = archive.checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file, progress_bar(console, f"{archive.name}: verifying", size, "bytes") as show:
        while block := file.read(_READ_AT_ONCE):
            digest.update(block)
            show(file.tell())
    if digest.hexdigest() != published.lower():
        return f"its {algorithm} is {digest.hexdigest()}, {published} was published"
    return ""


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    text = getattr(reason, "strerror", None) or str(reason)
    return " ".join(str(text).split()) or type(reason).__name__
