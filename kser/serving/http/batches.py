"""Recordings of like length that wait at the same time are computed together."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from kser.audio.loading import resampled_length
from kser.serving.decoding import UsableSound
from kser.serving.http.limits import Limits
from kser.serving.http.metrics import Metrics
from kser.serving.model_audio import largest_power_of_two
from kser.serving.predictor import Predictor, Result

# The first to arrive waits so long for others. While a batch is computed, others arrive anyway.
_GATHERING_S = 0.003
# Longer recordings go alone: together they gain little, and each size of a batch is compiled for each length.
BATCHED_S = 8.0

Value = TypeVar("Value")


class WaitedTooLong(Exception):  # noqa: N818 — nothing went wrong with it
    """A recording whose turn did not come in time."""


@dataclass(eq=False)
class _Waiting:
    """A recording whose turn comes.

    Attributes:
        name: for messages.
        sound: decoded.
        samples: the length that it is padded to.
        answer: to be set.
        since: when it arrived, on the loop's clock.
    """

    name: str
    sound: UsableSound
    samples: int
    answer: asyncio.Future[Result]
    since: float = field(default_factory=time.monotonic)


class Batches:
    """Gathers recordings into batches, which one thread gives to the model.

    The one that waits longest is next, with others that are padded to the same length. A batch has 1, 2, 4, …
    recordings, so that no place of it stays empty and few programs are compiled.

    Args:
        predictor: the model.
        limits: of waiting.
        metrics: that count.

    Attributes:
        most: recordings of a batch, to be set.
        last_wait_s: how long the recording waited that was begun last.
    """

    def __init__(self, predictor: Predictor, limits: Limits, metrics: Metrics):
        self._predictor = predictor
        self._limits = limits
        self._metrics = metrics
        self.most = 1
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "kser_model")
        self.last_wait_s = 0.0

    async def say(self, name: str, sound: UsableSound) -> Result:
        """What the model says of a recording, when its turn has come.

        Raises:
            WaitedTooLong: it did not come within the limit.
        """
        loop = asyncio.get_running_loop()
        each = _Waiting(name, sound, self._padded(sound), loop.create_future())
        self._waiting.append(each)
        self._arrived.set()
        self._metrics.waiting.set(len(self._waiting))
        timer = loop.call_later(self._limits.max_waiting, self._give_up, each)
        try:
            return await each.answer
        finally:
            timer.cancel()
            self._leave(each)

    async def in_thread(self, function: Callable[[], Value]) -> Value:
        """Call what uses the model in the one thread that does so."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def work(self) -> None:
        """Compute what waits, batch after batch, until cancelled."""
        while True:
            await self._arrived.wait()
            if len(self._waiting) == 1:
                await asyncio.sleep(_GATHERING_S)
            if batch := self._next():
                await self._answer(batch)
            if not self._waiting:
                self._arrived.clear()

    def close(self) -> None:
        """Begin nothing further."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _next(self) -> list[_Waiting]:
        if not self._waiting:
            return []
        samples = self._waiting[0].samples
        alike = [each for each in self._waiting if each.samples == samples]
        most = self.most if samples <= self._most_batched else 1
        batch = alike[: largest_power_of_two(min(len(alike), most))]
        for each in batch:
            self._leave(each)
        return batch

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        self._metrics.in_batch.observe(len(batch))
        self.last_wait_s = time.monotonic() - batch[0].since
        sounds = [(each.name, each.sound) for each in batch]
        try:
            results = await self.in_thread(lambda: self._predictor.predict_sounds(sounds, places=len(batch)))
        except Exception as error:  # is theirs, and the next batch's turn comes all the same
            for each in batch:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        for each, result in zip(batch, results, strict=True):
            if not each.answer.done():
                each.answer.set_result(result)

    def _give_up(self, each: _Waiting) -> None:
        if each in self._waiting:
            self._leave(each)
            each.answer.set_exception(WaitedTooLong())

    def _leave(self, each: _Waiting) -> None:
        if each in self._waiting:
            self._waiting.remove(each)
            self._metrics.waiting.set(len(self._waiting))

    def _padded(self, sound: UsableSound) -> int:
        rate = self._predictor.sampling_rate
        samples = resampled_length(len(sound.samples), sound.sampling_rate, rate)
        return self._predictor.ensemble.first.padded_length(max(1, samples))

    @property
    def _most_batched(self) -> int:
        longest = round(BATCHED_S * self._predictor.sampling_rate)
        return self._predictor.ensemble.first.padded_length(longest)
