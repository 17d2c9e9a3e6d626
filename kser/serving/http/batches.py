"""Who waits for the model: recordings of like length that wait at the same time are computed together."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

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
    """Something whose turn did not come in time."""


@dataclass(eq=False)
class _Waiting:
    """Something whose turn comes.

    Attributes:
        answer: to be set.
        since: when it arrived.
    """

    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    since: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Recording(_Waiting):
    """A recording that waits.

    Attributes:
        name: for messages.
        sound: decoded.
        samples: the length that it is padded to.
    """

    name: str = field(kw_only=True)
    sound: UsableSound = field(kw_only=True)
    samples: int = field(kw_only=True)


@dataclass(eq=False)
class _Call(_Waiting):
    """What waits to use the model by itself.

    Attributes:
        function: that uses it.
    """

    function: Callable[[], Any] = field(kw_only=True)


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
        result: Result = await self._answer_to(
            _Recording(name=name, sound=sound, samples=self._padded(sound))
        )
        return result

    async def alone(self, function: Callable[[], Value]) -> Value:
        """Call what uses the model, and may take long, when its turn has come.

        Raises:
            WaitedTooLong: it did not come within the limit.
        """
        value: Value = await self._answer_to(_Call(function=function))
        return value

    async def in_thread(self, function: Callable[[], Value]) -> Value:
        """Call what uses the model in the one thread that does so, before anybody waits."""
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

    async def _answer_to(self, each: _Waiting) -> Any:
        self._waiting.append(each)
        self._arrived.set()
        self._metrics.waiting.set(len(self._waiting))
        timer = asyncio.get_running_loop().call_later(self._limits.max_waiting, self._give_up, each)
        try:
            return await each.answer
        finally:
            timer.cancel()
            self._leave(each)

    def _next(self) -> Sequence[_Waiting]:
        if not self._waiting:
            return []
        batch = self._with_those_alike(self._waiting[0])
        for each in batch:
            self._leave(each)
        return batch

    def _with_those_alike(self, first: _Waiting) -> Sequence[_Waiting]:
        if not isinstance(first, _Recording):
            return [first]
        recordings = [each for each in self._waiting if isinstance(each, _Recording)]
        alike = [each for each in recordings if each.samples == first.samples]
        most = self.most if first.samples <= self._most_batched else 1
        return alike[: largest_power_of_two(min(len(alike), most))]

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        self.last_wait_s = time.monotonic() - batch[0].since
        try:
            results = await self.in_thread(lambda: self._computed(batch))
        except Exception as error:  # is theirs, and the next batch's turn comes all the same
            for each in batch:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        for each, result in zip(batch, results, strict=True):
            if not each.answer.done():
                each.answer.set_result(result)

    def _computed(self, batch: Sequence[_Waiting]) -> Sequence[Any]:
        if isinstance(batch[0], _Call):
            return [batch[0].function()]
        sounds = [(each.name, each.sound) for each in batch if isinstance(each, _Recording)]
        self._metrics.in_batch.observe(len(sounds))
        return self._predictor.predict_sounds(sounds, places=len(sounds))

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
