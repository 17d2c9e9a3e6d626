"""Targets that are no classes: matrices of numbers, and several kinds at once."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from kser.pipeline.batch_plan import plan_in_order
from kser.pipeline.datasets import evaluation_dataset, tf_dataset
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat

RATE = 8_000
READER = WaveformReader(WaveformFormat(RATE, do_normalize=True, mask_padding=True, minimum_samples=100))
NUMBERS = np.array([[1.5, np.nan], [2.0, 5.0], [3.0, 6.0]])
BOTH = {"logits": np.array([2, 0, 1]), "values": NUMBERS}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    for i in range(3):
        sf.write(folder / f"{i}.wav", rng.uniform(-0.5, 0.5, 400 + 100 * i), RATE, subtype="FLOAT")
    return [str(folder / f"{i}.wav") for i in range(3)]


def dataset_of(utterances: Utterances):
    return evaluation_dataset(utterances, plan_in_order(utterances.lengths, [700], 2), 2)


def test_numbers_keep_their_shape_and_empty_places_are_zeros(paths: list[str]) -> None:
    utterances = Utterances.from_files(paths, NUMBERS, READER)
    first, last = islice(dataset_of(utterances), 2)
    np.testing.assert_array_equal(first[1], NUMBERS[:2].astype(np.float32))
    np.testing.assert_array_equal(last[1], np.array([[3.0, 6.0], [0.0, 0.0]], np.float32))
    assert (last[1].dtype, last[2].tolist()) == (np.float32, [1.0, 0.0])


def test_several_kinds_are_a_dict(paths: list[str]) -> None:
    utterances = Utterances.from_files(paths, BOTH, READER)
    (_, targets, _), (_, last, _) = islice(dataset_of(utterances), 2)
    assert targets["logits"].tolist() == [2, 0]
    assert last["logits"].tolist() == [1, 0]
    assert (targets["logits"].dtype, targets["values"].dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(targets["values"], NUMBERS[:2].astype(np.float32))


def test_targets_of_files_left_out_are_left_out(paths: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    kept = Utterances.from_files([paths[0], str(broken), paths[2]], BOTH, READER, on_bad_audio="skip")
    assert kept.targets["logits"].tolist() == [2, 1]
    np.testing.assert_array_equal(kept.targets["values"], NUMBERS[[0, 2]].astype(np.float32))


@pytest.mark.parametrize("targets", [NUMBERS, BOTH], ids=["numbers", "both"])
def test_the_tensorflow_face_has_the_same_elements(paths: list[str], targets) -> None:
    pytest.importorskip("tensorflow")
    utterances = Utterances.from_files(paths, targets, READER)
    ours = next(iter(dataset_of(utterances)))
    theirs = next(iter(tf_dataset(dataset_of(utterances)).as_numpy_iterator()))
    expected, given = (batch[1] if isinstance(batch[1], dict) else {"": batch[1]} for batch in (ours, theirs))
    assert given.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(given[name], array)
        assert given[name].dtype == array.dtype
