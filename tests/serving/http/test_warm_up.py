"""What is compiled before a server is ready."""

from types import SimpleNamespace

import pytest

from kser.serving.http import warm_up
from kser.serving.http.warm_up import batches_pay, shapes_of_batches, shapes_of_one
from kser.serving.model_audio import padded_length

RATE = 16000


class Timed:
    """Stands for a model that takes some time for a call, and some more for each recording."""

    sampling_rate = RATE
    ensemble = SimpleNamespace(
        first=SimpleNamespace(padded_length=padded_length, format=SimpleNamespace(minimum_samples=5000))
    )

    def __init__(self, of_call: float, of_recording: float):
        self.now, self._of_call, self._of_recording = 0.0, of_call, of_recording

    def predict_sounds(self, sounds, places):
        self.now += self._of_call + places * self._of_recording
        return []


@pytest.mark.parametrize(("of_call", "of_recording", "pay"), [(0.01, 0.001, True), (0.001, 0.3, False)])
def test_batches_pay_where_calls_cost_more_than_recordings(monkeypatch, of_call, of_recording, pay):
    model = Timed(of_call, of_recording)
    monkeypatch.setattr(warm_up, "time", SimpleNamespace(perf_counter=lambda: model.now))
    assert batches_pay(model, 8) is pay


def test_every_length_up_to_the_longest_has_its_programs():
    model = Timed(0, 0)
    alone = shapes_of_one(model, 300)
    lengths = [samples for _, samples in alone]
    assert {places for places, _ in alone} == {1} and lengths == sorted(set(lengths))
    assert lengths == sorted({padded_length(samples) for samples in range(5000, 16 * RATE, 100)})
    assert shapes_of_one(model, 1)[-1] == (1, padded_length(RATE))
    assert {places for places, _ in shapes_of_batches(model, 300, 6)} == {2, 4}
    assert max(samples for _, samples in shapes_of_batches(model, 300, 6)) == padded_length(8 * RATE)
    assert shapes_of_batches(model, 300, 1) == []
