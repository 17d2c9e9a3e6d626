"""Which recordings are computed together: batches follow length."""

import numpy as np
import pytest

import kser
from kser.pipeline.waveform_format import WaveformFormat
from kser.serving.model_audio import Batch, ModelAudio, largest_power_of_two, padded_length
from tests.experiment.evaluated_models import save_model

RATE = 16_000


def audio(**settings) -> ModelAudio:
    given = {"do_normalize": False, "mask_padding": True, "minimum_samples": 400, **settings}
    return ModelAudio(WaveformFormat(RATE, **given), None)


def batches_of(lengths_s, most: int = 8, **settings) -> list[Batch]:
    waveforms = [np.zeros(round(RATE * seconds), np.float32) for seconds in lengths_s]
    return audio(**settings).batches(waveforms, most)


def test_long_recordings_have_few_places():
    placed = {seconds: batches_of([seconds] * 9)[0].places for seconds in (1, 3, 8, 15, 30, 60, 200)}
    assert placed == {1: 8, 3: 8, 8: 8, 15: 4, 30: 2, 60: 1, 200: 1}
    assert [batch.places for batch in batches_of([3.0] * 7, most=5)] == [5, 5]


def test_a_long_recording_joins_no_more_than_it_leaves_places_for():
    batches = batches_of([3, 60, 2, 3, 200, 3])
    assert [batch.indices for batch in batches] == [(2, 0, 3, 5), (1,), (4,)]
    assert [batch.places for batch in batches] == [8, 1, 1]
    assert [batch.samples for batch in batches] == [padded_length(RATE * seconds) for seconds in (3, 60, 200)]


@pytest.mark.parametrize("masks", [True, False])
def test_each_is_in_one_batch_with_others_of_like_length(masks):
    lengths_s = np.random.default_rng(0).uniform(0.1, 90, 60)
    batches = batches_of(lengths_s, mask_padding=masks)
    indices = [index for batch in batches for index in batch.indices]
    assert sorted(indices) == list(range(60)) and indices == np.argsort(lengths_s).tolist()
    for batch in batches:
        padded = {padded_length(round(RATE * lengths_s[index])) for index in batch.indices}
        assert len(batch.indices) <= batch.places and max(padded) == batch.samples
        assert batch.places == 1 or batch.places * batch.samples <= 1 << 20
        assert masks or len(padded) == 1
    assert batches_of([]) == []


def test_what_is_said_does_not_depend_on_the_batch(tmp_path):
    model = kser.load_model(save_model(tmp_path / "model", "class"))
    rng = np.random.default_rng(0)
    recordings = [0.1 * rng.normal(size=round(RATE * seconds)) for seconds in (0.5, 40, 0.4)]
    together = model.predict(recordings)
    for recording, said in zip(recordings, together, strict=True):
        assert said.probabilities == pytest.approx(model.predict(recording).probabilities, abs=1e-6)


def test_the_largest_power_of_two():
    assert [largest_power_of_two(limit) for limit in range(1, 10)] == [1, 2, 2, 4, 4, 4, 4, 8, 8]
