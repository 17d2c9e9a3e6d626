"""Downloading, from a server made here: whole, continued, broken off, wrong; nothing unverified is used."""

import hashlib
import io
import shutil
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from kser.corpora import downloading
from kser.corpora.downloading import download
from kser.corpora.recipe import Archive
from kser.errors import UserError

CONTENT = bytes(range(256)) * 4000
HALF = len(CONTENT) // 2
Usage = namedtuple("Usage", "total used free")


@dataclass
class Published:
    """What the server has, how it behaves, and what it was asked for."""

    url: str
    content: bytes = CONTENT
    has_ranges: bool = True
    says_length: bool = True
    content_type: str = "application/zip"
    statuses: list[int] = field(default_factory=list)
    """Answered to the first requests, in place of the file."""
    breaks_after: list[int] = field(default_factory=list)
    """Bytes after which the connection of the next requests is closed."""
    wrong_start: int = 0
    sends_on_to: str = ""
    asked: list[str | None] = field(default_factory=list)
    """The header Range of every request."""

    @property
    def archive(self) -> Archive:
        return Archive(
            self.url, len(CONTENT), f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"
        )


class Handler(BaseHTTPRequestHandler):
    published: Published

    def do_GET(self) -> None:
        published = self.published
        wanted = self.headers["Range"]
        published.asked.append(wanted)
        if published.statuses:
            self.send_error(published.statuses.pop(0))
            return
        if published.sends_on_to:
            self.send_response(302)
            self.send_header("Location", published.sends_on_to)
            self.end_headers()
            return
        content, start = published.content, 0
        if wanted and published.has_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            first = start + published.wrong_start
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", published.content_type)
        if published.says_length:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + published.breaks_after.pop(0) if published.breaks_after else len(content)
        self.wfile.write(content[start:end])

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloading, "PAUSES_S", (0.0, 0.0, 0.0))

    class PublishedHandler(Handler):
        published = Published("")

    with ThreadingHTTPServer(("127.0.0.1", 0), PublishedHandler) as server:
        shown = PublishedHandler.published
        shown.url = f"http://127.0.0.1:{server.server_port}/files/a%20corpus.zip?download=1"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield shown
        server.shutdown()
        thread.join()


def refusal(archive: Archive, folder: Path) -> str:
    with pytest.raises(UserError) as error:
        download(archive, folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def part_of(folder: Path, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "a corpus.zip.part").write_bytes(content)
    return folder / "a corpus.zip.part"


def assert_complete(path: Path) -> None:
    assert path.read_bytes() == CONTENT
    assert [each.name for each in path.parent.iterdir()] == ["a corpus.zip"]


def test_a_file_is_fetched_once(published: Published, tmp_path: Path) -> None:
    path = download(published.archive, tmp_path / "archives")
    assert path == tmp_path / "archives" / "a corpus.zip"
    assert_complete(path)
    assert download(published.archive, tmp_path / "archives") == path
    assert published.asked == [None]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_checksums_as_they_are_published(published: Published, tmp_path: Path, algorithm: str) -> None:
    digest = hashlib.new(algorithm, CONTENT, usedforsecurity=False).hexdigest()
    for written in (digest, digest.upper()):
        download(Archive(published.url, len(CONTENT), f"{algorithm}:{written}"), tmp_path / written)
    wrong = Archive(published.url, len(CONTENT), f"{algorithm}:{'0' * len(digest)}")
    assert f"its {algorithm} is {digest}, 000" in refusal(wrong, tmp_path)
    assert not list(tmp_path.glob("a corpus*"))


def test_an_interrupted_download_continues(published: Published, tmp_path: Path) -> None:
    part_of(tmp_path, CONTENT[:HALF])
    assert_complete(download(published.archive, tmp_path))
    assert published.asked == [f"bytes={HALF}-"]


def test_a_part_that_is_complete_is_not_fetched(published: Published, tmp_path: Path) -> None:
    part_of(tmp_path, CONTENT)
    assert_complete(download(published.archive, tmp_path))
    assert published.asked == []


def test_a_part_that_is_too_long_is_fetched_anew(published: Published, tmp_path: Path) -> None:
    part_of(tmp_path, CONTENT + b"x")
    assert_complete(download(published.archive, tmp_path))
    assert published.asked == [None]


def test_a_server_that_ignores_ranges(published: Published, tmp_path: Path) -> None:
    published.has_ranges = False
    part_of(tmp_path, b"other" * 1000)
    assert_complete(download(published.archive, tmp_path))
    assert published.asked == ["bytes=5000-"]


def test_a_server_that_refuses_ranges(published: Published, tmp_path: Path) -> None:
    published.statuses = [416]
    part_of(tmp_path, CONTENT[:HALF])
    assert_complete(download(published.archive, tmp_path))
    assert published.asked == [f"bytes={HALF}-", None]


def test_a_server_that_continues_elsewhere(published: Published, tmp_path: Path) -> None:
    published.wrong_start = -1
    part = part_of(tmp_path, CONTENT[:HALF])
    assert "continues at another byte than it was asked for" in refusal(published.archive, tmp_path)
    assert part.read_bytes() == CONTENT[:HALF]


def test_connections_that_break_are_continued(published: Published, tmp_path: Path) -> None:
    published.breaks_after = [1000, 2000, 0, 0, 3000]
    assert_complete(download(published.archive, tmp_path))
    assert published.asked == [None, *(f"bytes={n}-" for n in (1000, 3000, 3000, 3000, 6000))]


def test_breaking_again_and_again_is_told_and_what_arrived_stays(
    published: Published, tmp_path: Path
) -> None:
    published.breaks_after = [HALF, 0, 0, 0, 0]
    said = refusal(published.archive, tmp_path)
    assert said == (
        f"{published.url}: the connection broke; 0.5 of 1.0 MB have arrived and stay: "
        "the same command continues"
    )
    assert_complete(download(published.archive, tmp_path))
    assert published.asked[-1] == f"bytes={HALF}-"


def test_without_a_length(published: Published, tmp_path: Path) -> None:
    published.says_length = False
    assert_complete(download(published.archive, tmp_path))


def test_no_more_is_taken_than_was_published(published: Published, tmp_path: Path) -> None:
    published.says_length, published.content = False, b"y" * len(CONTENT) * 3
    assert "its md5 is " in refusal(published.archive, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_busy_is_asked_again(published: Published, tmp_path: Path) -> None:
    published.statuses = [503, 429, 500]
    assert_complete(download(published.archive, tmp_path))
    published.statuses = [503] * 4
    said = refusal(published.archive, tmp_path / "other")
    assert "the server answered 503 Service Unavailable; nothing has arrived: try again later" in said


@pytest.mark.parametrize(("status", "said"), [(404, "404 Not Found"), (403, "403 Forbidden")])
def test_a_file_that_is_not_there(published: Published, tmp_path: Path, status: int, said: str) -> None:
    published.statuses = [status]
    assert refusal(published.archive, tmp_path) == (
        f"{published.url}: the server answered {said}; download a corpus.zip from the corpus's home page and "
        "give it as --source"
    )
    assert len(published.asked) == 1


@pytest.mark.parametrize("have", [0, HALF])
def test_a_file_that_is_another_now(published: Published, tmp_path: Path, have: int) -> None:
    published.content = CONTENT + b"more"
    part = part_of(tmp_path, CONTENT[:have])
    assert f"has {len(CONTENT) + 4} bytes, {len(CONTENT)} were published" in refusal(
        published.archive, tmp_path
    )
    assert part.read_bytes() == CONTENT[:have]


def test_a_web_page_instead_of_the_file(published: Published, tmp_path: Path) -> None:
    published.content, published.content_type = b"<html>log in</html>", "text/html; charset=utf-8"
    assert "gives a web page instead of the file" in refusal(published.archive, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_wrong_file_is_removed_and_fetched_anew(published: Published, tmp_path: Path) -> None:
    part_of(tmp_path, b"x" * HALF)
    assert "it was removed: the same command fetches it anew" in refusal(published.archive, tmp_path)
    assert_complete(download(published.archive, tmp_path))


def test_another_file_of_its_name_stays(published: Published, tmp_path: Path) -> None:
    (tmp_path / "a corpus.zip").write_bytes(b"mine")
    assert "has 4 bytes, 1024000 were published; move it away" in refusal(published.archive, tmp_path)
    assert (tmp_path / "a corpus.zip").read_bytes() == b"mine"
    assert published.asked == []


def test_no_network(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive("http://127.0.0.1:1/a.zip", 10, "md5:0")
    assert "a.zip: cannot be reached: Connection refused; nothing has arrived: " in refusal(archive, tmp_path)


@pytest.mark.parametrize("address", ["http://[::1", "http://a b/", "http://host:port/", "http://[/]a", "//["])
def test_a_server_that_sends_on_to_no_address(published: Published, tmp_path: Path, address: str) -> None:
    published.sends_on_to = address
    line = refusal(published.archive, tmp_path)
    assert "leads to an address that is none (" in line
    assert line.endswith("; download a corpus.zip from the corpus's home page and give it as --source")


@pytest.mark.parametrize("address", ["file:///etc/passwd", "data:,x"])
def test_a_server_that_sends_on_to_another_kind_of_address(
    published: Published, tmp_path: Path, address: str
) -> None:
    published.sends_on_to = address
    assert "the server answered 302" in refusal(published.archive, tmp_path)


def test_a_full_disk(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, len(CONTENT) - 1))
        assert "MB" not in refusal(published.archive, tmp_path)
    assert published.asked == []
    (tmp_path / "a corpus.zip.part").symlink_to("/dev/full")  # which has no room for anything
    assert refusal(published.archive, tmp_path).endswith(
        "a corpus.zip.part: cannot be written: No space left on device; free some space, or name a folder on "
        "another disk; the same command continues"
    )


def test_a_folder_that_cannot_be_written(published: Published, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written: " in refusal(published.archive, tmp_path / "file")


def test_ctrl_c_keeps_what_arrived(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    published.breaks_after = [HALF]
    with monkeypatch.context() as patch:
        patch.setattr("kser.corpora.downloading.time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            download(published.archive, tmp_path)
    assert (tmp_path / "a corpus.zip.part").read_bytes() == CONTENT[:HALF]
    assert_complete(download(published.archive, tmp_path))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_progress_is_shown(published: Published, tmp_path: Path, is_terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=120)
    download(published.archive, tmp_path, console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1.0/1.0 MB" in shown if is_terminal else shown.startswith("a corpus.zip: 1.0 MB\n")


@pytest.mark.parametrize(
    ("url", "file_name", "name"),
    [
        ("https://zenodo.org/records/1/files/A_b.zip?download=1", "", "A_b.zip"),
        ("https://zenodo.org/api/records/1/files/A.zip/content", "A.zip", "A.zip"),
        ("https://example.org/a%20b.tar.gz", "", "a b.tar.gz"),
    ],
)
def test_the_name_of_the_file(url: str, file_name: str, name: str) -> None:
    assert Archive(url, 1, "md5:0", file_name=file_name).name == name
