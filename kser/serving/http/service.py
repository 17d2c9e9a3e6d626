"""A recording's way through the server: admitted, received, decoded, batched, answered."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from kser.serving.decoding import UsableSound
from kser.serving.export.exporting import export_facts
from kser.serving.http.batches import Batches, WaitedTooLong
from kser.serving.http.limits import Limits
from kser.serving.http.metrics import Metrics
from kser.serving.http.over_time import as_json, asked_windows, check_count, steps_over_time
from kser.serving.http.recordings import decoded
from kser.serving.http.room import NoRoom, Room, Share
from kser.serving.http.uploads import Upload, received
from kser.serving.http.warm_up import (
    USUAL_BATCH,
    Shape,
    batches_pay,
    compile_shape,
    shapes_of_batches,
    shapes_of_one,
)
from kser.serving.prediction import Unusable
from kser.serving.predictor import Predictor
from kser.serving.segments.settings import Windows

Progress = Callable[[int, int], None]
"""Takes how many programs are compiled, and how many will be."""

Answer = TypeVar("Answer")

_LOG = logging.getLogger(__name__)
READY, WARMING_UP, FAILED = "ready", "warming up", "failed"


class Service:
    """What answers the requests to one server.

    Args:
        predictor: the models.
        limits: what is taken on.
        progress: is called as programs are compiled.

    Attributes:
        facts: what a user must know of the model.
    """

    def __init__(self, predictor: Predictor, limits: Limits, progress: Progress):
        self.facts = _facts(predictor, limits)
        self._predictor = predictor
        self._limits = limits
        self._progress = progress
        self._status = WARMING_UP
        self._compiled = self._to_compile = 0
        self._requests = 0
        self._room = Room()
        self._metrics = Metrics()
        self._batches = Batches(predictor, limits, self._metrics)
        self._decoders = ThreadPoolExecutor(os.cpu_count(), "kser_decoding")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to compile, and then to answer."""
        self._tasks = [asyncio.create_task(self._warm_up()), asyncio.create_task(self._batches.work())]

    def stop(self) -> None:
        """Begin nothing further; whoever waited has been answered before."""
        for task in self._tasks:
            task.cancel()
        self._batches.close()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    async def predict(
        self,
        request: Request,
        window_seconds: Annotated[
            float | None, Query(description="Also what is said of overlapping windows of this length.")
        ] = None,
        hop_seconds: Annotated[
            float | None, Query(description="From one window to the next; half a window if not given.")
        ] = None,
    ) -> JSONResponse:
        """Say what a recording expresses.

        The recording is the body of the request, or the field `file` of a form. It is kept in memory only.
        """
        with self._metrics.request(), self._admitted() as share:
            windows = asked_windows(self._predictor, window_seconds, hop_seconds)
            upload = await self._upload(request, share)
            sound = await self._decoded(upload, share)
            if windows is not None:
                check_count(self._predictor, sound, windows, self._limits.max_seconds)
            result = await self._result(upload.name, sound)
            if windows is not None:
                result["windows"] = await self._over_time(sound, windows)
            self._metrics.audio_seconds.inc(result["duration_s"])
            model = {name: self.facts[name] for name in ("name", "fingerprints")}
            return JSONResponse(result | {"model": model})

    async def health(self) -> JSONResponse:
        """Whether recordings are taken: status 200, or 503 while programs are compiled."""
        said = {
            "status": self._status,
            "compiled": self._compiled,
            "to_compile": self._to_compile,
        }
        return JSONResponse(said, 200 if self._status == READY else 503)

    async def model(self) -> JSONResponse:
        """What the model says, of which recordings, and where it comes from."""
        return JSONResponse(self.facts)

    async def metrics(self) -> Response:
        """What was counted, in Prometheus' text format."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @contextmanager
    def _admitted(self) -> Iterator[Share]:
        if self._status != READY:
            raise HTTPException(503, f"the model is not ready: {self._status}", {"Retry-After": "5"})
        if self._requests >= self._limits.max_requests:
            raise self._busy(f"{self._requests} recordings are being received or waiting")
        self._requests += 1
        try:
            with self._room.share() as share:
                yield share
        except NoRoom:
            raise self._busy("other recordings leave no memory for it") from None
        finally:
            self._requests -= 1

    async def _upload(self, request: Request, share: Share) -> Upload:
        try:
            async with asyncio.timeout(self._limits.max_waiting):
                return await received(request, self._limits.bytes, share)
        except TimeoutError:
            raise HTTPException(408, f"the upload took longer than {self._limits.max_waiting:g} s") from None

    async def _decoded(self, upload: Upload, share: Share) -> UsableSound:
        loop = asyncio.get_running_loop()
        sound = await loop.run_in_executor(self._decoders, decoded, upload, self._limits.max_seconds, share)
        share.hold(len(upload.content) + sound.samples.nbytes)
        return sound

    async def _result(self, name: str, sound: UsableSound) -> dict[str, Any]:
        result = await self._in_turn(self._batches.say(name, sound))
        if isinstance(result, Unusable):
            raise HTTPException(422, result.reason)
        return result.as_json()

    async def _over_time(self, sound: UsableSound, windows: Windows) -> list[dict[str, Any]]:
        steps = steps_over_time(self._predictor, sound, windows)
        segments = [await self._in_turn(self._batches.alone(step)) for step in steps]
        return [as_json(segment) for some in segments for segment in some]

    async def _in_turn(self, answer: Awaitable[Answer]) -> Answer:
        try:
            return await answer
        except WaitedTooLong:
            raise self._busy(f"its turn did not come within {self._limits.max_waiting:g} s") from None

    def _busy(self, why: str) -> HTTPException:
        seconds = max(1, round(self._batches.last_wait_s))
        return HTTPException(429, f"{why}; try again in {seconds} s", {"Retry-After": str(seconds)})

    async def _shapes(self) -> list[Shape]:
        """What is to be compiled, which follows from whether batches pay where nobody chose their size."""
        longest_s, most = self._limits.max_seconds, self._limits.max_batch
        if most is None:
            pays = await self._batches.in_thread(partial(batches_pay, self._predictor, USUAL_BATCH))
            most = USUAL_BATCH if pays else 1
        self._batches.most = most
        of_batches = shapes_of_batches(self._predictor, longest_s, most)
        return shapes_of_one(self._predictor, longest_s) + of_batches

    async def _warm_up(self) -> None:
        try:
            shapes = await self._shapes()
            self._to_compile = len(shapes)
            self._progress(0, len(shapes))
            for self._compiled, shape in enumerate(shapes, 1):
                await self._batches.in_thread(partial(compile_shape, self._predictor, shape))
                self._progress(self._compiled, len(shapes))
        except Exception:
            self._status = FAILED
            _LOG.exception("the model failed on noise, before any recording")
        else:
            self._status = READY


def _facts(predictor: Predictor, limits: Limits) -> dict[str, Any]:
    facts = export_facts(predictor.ensemble.first)
    of_one = {name: facts.pop(name) for name in ("model", "seed", "run_fingerprint", "split_fingerprint")}
    return {
        "name": of_one["model"],
        "fingerprints": predictor.ensemble.fingerprints,
        **facts,
        "threshold": predictor.threshold,
        "limits": asdict(limits),
    }
