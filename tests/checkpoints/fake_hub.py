"""A Hugging Face hub of one repository, on this machine: what its list of files and its downloads answer."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

REPOSITORY = "kser-tests/small"
COMMITS = {"main": "1" * 40, "older": "2" * 40}


class FakeHub:
    """Serves `files[revision][name]`; `trouble` is what it does instead of answering.

    `trouble`: `""`, `"hang"`, `"page"` (a page in place of a list), an HTTP status, or the name of an error
    of the hub such as `"GatedRepo"`; `slow_files_s` is how long each file takes; `downloads` are the names of
    the files it gave away, `questions` how often it was asked anything.
    """

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.trouble = ""
        self.slow_files_s = 0.0
        self.downloads: list[str] = []
        self.questions = 0
        self.released = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._open = True

    def close(self) -> None:
        """Stop answering; whoever connects is refused."""
        self.released.set()
        if self._open:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._open = False

    def _handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805  `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(with_body=True)

            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def answer(self, with_body: bool) -> None:
                hub.questions += 1
                status, headers, body = hub.answer(self.path, with_body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def answer(self, path: str, with_body: bool) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        if self.trouble == "hang":
            self.released.wait(30)
        if self.trouble == "page":
            return 200, {}, b"<html>Welcome to the hotel</html>"
        if self.trouble.isdigit():
            return int(self.trouble), {}, b""
        if self.trouble:
            return (403 if self.trouble == "GatedRepo" else 404), {"X-Error-Code": self.trouble}, b""
        about, _, revision = path.partition("?")[0].removeprefix(f"/api/models/{REPOSITORY}/").partition("/")
        if about in ("revision", "tree"):
            return self._list(about, revision)
        return self._file(path, with_body)

    def _list(self, about: str, revision: str) -> tuple[int, dict[str, str], bytes]:
        files = self._files_of(revision)
        if files is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        answer: Any = {
            "id": REPOSITORY,
            "sha": self._commit(revision),
            "siblings": [{"rfilename": name} for name in files],
        }
        if about == "tree":
            answer = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    def _files_of(self, revision: str) -> dict[str, bytes] | None:
        """The files of a branch or of the commit that it stands for."""
        branches = {self._commit(branch): branch for branch in self.files}
        return self.files.get(revision, self.files.get(branches.get(revision, "")))

    def _file(self, path: str, with_body: bool) -> tuple[int, dict[str, str], bytes]:
        revision, _, name = path.removeprefix(f"/{REPOSITORY}/resolve/").partition("/")
        headers = {"X-Repo-Commit": self._commit(revision)}
        content = (self._files_of(revision) or {}).get(name)
        if content is None:
            return 404, {"X-Error-Code": "EntryNotFound", **headers}, b""
        if with_body:
            self.downloads.append(name)
        self.released.wait(self.slow_files_s)
        return 200, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', **headers}, content

    @staticmethod
    def _commit(revision: str) -> str:
        return COMMITS.get(revision, revision)
