"""Applications on a real port of this machine, and a page whose model is made up."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from kser.serving.demo.page_app import add_page
from kser.serving.http.server import bound, server_of, url_of
from tests.browser import PATIENCE_S

FACTS: dict[str, Any] = {
    "made_by": "kser demo",
    "engine": "server",
    "kser_version": "0.1.0",
    "model": "emodb_whisper",
    "models": 1,
    "trained_on": {
        "name": "EmoDB",
        "title": "Berlin Database of Emotional Speech (EmoDB)",
        "language": "German",
    },
    "answers": [{"kind": "class", "names": ["anger", "joy", "sadness"]}],
    "threshold": 0.5,
    "label_threshold": 0.5,
    "sampling_rate": 16_000,
    "minimum_samples": 400,
    "maximum_samples": 480_000,
    "padding_counts_as_sound": False,
}
ANGRY = {
    "label": "anger",
    "probability": 0.81,
    "probabilities": {"anger": 0.81, "joy": 0.15, "sadness": 0.04},
    "is_sure": True,
}


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """An application, answering at an address until the block ends."""
    with bound("127.0.0.1", 0) as listening:
        server = server_of(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield url_of(listening)
        finally:
            server.should_exit = True
            thread.join()


class MadeUpModel:
    """A page's server that says always the same.

    Args:
        facts: that the page is told.
        said: of each recording.
        status: of the answers to recordings.

    Attributes:
        uploads: the recordings that came.
        health: what it says of itself, one after another; then it is ready.
        first: another answer to the first recording, and what it waits for.
    """

    def __init__(self, facts: dict[str, Any], said: dict[str, Any], status: int = 200):
        self.uploads: list[bytes] = []
        self.health: list[dict[str, Any]] = []
        self.first: tuple[JSONResponse, threading.Event] | None = None
        self.app = FastAPI()

        async def predict(request: Request) -> JSONResponse:
            self.uploads.append(await request.body())
            if self.first is not None and len(self.uploads) == 1:
                answer, ready = self.first
                await asyncio.to_thread(ready.wait, PATIENCE_S)
                return answer
            return JSONResponse(said, status)

        async def health() -> dict[str, Any]:
            return self.health.pop(0) if self.health else {"status": "ready"}

        self.app.add_route("/predict", predict, methods=["POST"])
        self.app.add_api_route("/health", health)
        add_page(self.app, facts)
