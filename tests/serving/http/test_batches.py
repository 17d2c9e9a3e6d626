"""Who is computed with whom, and when."""

import asyncio
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from kser.audio.decoding import Sound
from kser.errors import UserError
from kser.serving.http.batches import Batches, WaitedTooLong
from kser.serving.http.limits import Limits
from kser.serving.http.metrics import Metrics
from kser.serving.model_audio import padded_length
from kser.serving.prediction import Prediction
from kser.words import as_option

RATE = 16000


def sound(seconds: float) -> Sound:
    return Sound(np.ones((round(RATE * seconds), 1), np.float32), RATE)


class Computing:
    """Stands for a model: keeps what it was given, and waits while it is held."""

    sampling_rate = RATE
    ensemble = SimpleNamespace(first=SimpleNamespace(padded_length=padded_length))

    def __init__(self):
        self.batches: list[list[str]] = []
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Event()

    def predict_sounds(self, sounds, places):
        self.begun.set()
        assert self.free.wait(10) and places == len(sounds)
        self.batches.append([name for name, _ in sounds])
        if any(name == "bad" for name, _ in sounds):
            raise ValueError("no such luck")
        return [Prediction(name, 1.0) for name, _ in sounds]


def computed(recordings: list[tuple[str, float]], most: int = 8, **limits) -> tuple[Computing, list[object]]:
    """Send recordings, of which the first is being computed as the others come."""
    model = Computing()

    async def run():
        batches = Batches(model, Limits(**limits), Metrics())
        batches.most = most
        work = asyncio.create_task(batches.work())
        model.free.clear()
        answers = [asyncio.create_task(batches.say(recordings[0][0], sound(recordings[0][1])))]
        assert await asyncio.to_thread(model.begun.wait, 10)
        answers += [
            asyncio.create_task(batches.say(name, sound(seconds))) for name, seconds in recordings[1:]
        ]
        await asyncio.sleep(0)
        if limits.get("max_waiting", 1) < 1:
            await asyncio.sleep(2 * limits["max_waiting"])
        model.free.set()
        try:
            return await asyncio.gather(*answers, return_exceptions=True)
        finally:
            work.cancel()
            batches.close()

    return model, asyncio.run(run())


def test_those_of_one_length_go_together_the_oldest_first():
    recordings = [("0", 1.0), ("1", 1.1), ("2", 3.0), ("3", 1.15), ("4", 3.05), ("5", 1.2), ("6", 1.12)]
    model, answers = computed(recordings, most=4)
    assert model.batches == [["0"], ["1", "3", "5", "6"], ["2", "4"]]
    assert [answer.recording for answer in answers] == [name for name, _ in recordings]


def test_no_place_stays_empty():
    model, _ = computed([(str(number), 1.0) for number in range(8)], most=4)
    assert list(map(len, model.batches)) == [1, 4, 2, 1]


def test_long_ones_go_alone():
    model, _ = computed([(str(number), 30.0) for number in range(3)])
    assert model.batches == [["0"], ["1"], ["2"]]


def test_one_at_a_time_if_asked():
    model, _ = computed([(str(number), 1.0) for number in range(3)], most=1)
    assert model.batches == [["0"], ["1"], ["2"]]


def test_whose_turn_does_not_come_gives_up_and_takes_no_place():
    model, answers = computed([("0", 1.0), ("1", 1.0)], max_waiting=0.02)
    assert model.batches == [["0"]]
    assert answers[0].recording == "0" and isinstance(answers[1], WaitedTooLong)


def test_what_goes_alone_waits_for_its_turn_and_no_longer_than_others():
    model = Computing()
    model.free.clear()

    async def run():
        batches = Batches(model, Limits(max_waiting=0.05), Metrics())
        batches.most = 8
        work = asyncio.create_task(batches.work())
        first = asyncio.create_task(batches.say("0", sound(1.0)))
        assert await asyncio.to_thread(model.begun.wait, 10)
        with pytest.raises(WaitedTooLong):
            await batches.alone(lambda: model.batches.append(["late"]))
        model.free.set()
        recordings = [batches.say(name, sound(1.0)) for name in "12"]
        calls = [batches.alone(lambda: model.batches.append(["alone"]) or "done")]
        answers = await asyncio.gather(first, recordings[0], *calls, recordings[1])
        work.cancel()
        batches.close()
        return answers

    answers = asyncio.run(run())
    assert model.batches == [["0"], ["1", "2"], ["alone"]] and answers[2] == "done"


def test_a_failure_is_of_its_batch_only():
    model, answers = computed([("0", 1.0), ("bad", 1.0), ("1", 1.0), ("2", 3.0)])
    assert model.batches == [["0"], ["bad", "1"], ["2"]]
    assert [type(answer) for answer in answers] == [Prediction, ValueError, ValueError, Prediction]


@pytest.mark.parametrize("name", ["max_megabytes", "max_seconds", "max_waiting", "max_requests", "max_batch"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_are_above_zero_and_finite(name, value):
    with pytest.raises(UserError, match=f"{as_option(name)}: must be above 0( and finite)?, got {value:g}"):
        Limits(**{name: value})
