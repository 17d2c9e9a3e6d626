"""Elements of the data sets: right contents, static shapes, and resumed equals uninterrupted."""

import multiprocessing
import pickle
from dataclasses import replace
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile as sf

from kser.audio.augmentation import AugmentationSpec, Augmenter
from kser.audio.loading import load_audio
from kser.audio.waveform import model_inputs
from kser.errors import UserError
from kser.pipeline.augmenting import AugmentationPlan
from kser.pipeline.batch_plan import PlannedBatch, ShuffledBatches, plan_in_order
from kser.pipeline.datasets import (
    BatchSource,
    Element,
    closed_at_the_end,
    evaluation_dataset,
    reader_errors,
    tf_dataset,
    training_dataset,
)
from kser.pipeline.reading import WaveformReader
from kser.pipeline.utterances import Utterances
from kser.pipeline.waveform_format import WaveformFormat

RATE = 8_000
FORMAT = WaveformFormat(RATE, do_normalize=True, mask_padding=True, minimum_samples=100)
READER = WaveformReader(FORMAT)
LENGTHS = [500, 900, 1300, 450, 800, 1200, 480, 1000, 610, 333]
BUCKETS = [600, 1000, 1400]
BATCH_SIZE = 4


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    for i, length in enumerate(LENGTHS):
        sf.write(folder / f"{i}.wav", rng.uniform(-0.5, 0.5, length), RATE, subtype="FLOAT")
    return [str(folder / f"{i}.wav") for i in range(len(LENGTHS))]


@pytest.fixture(scope="module")
def utterances(paths: list[str]) -> Utterances:
    return Utterances.from_files(paths, [i % 3 for i in range(len(paths))], READER)


@pytest.fixture(scope="module")
def batches(utterances: Utterances) -> ShuffledBatches:
    return ShuffledBatches(utterances.lengths, BUCKETS, BATCH_SIZE, seed=5)


def one_pass(utterances: Utterances, plan: list[PlannedBatch], batch_size: int = BATCH_SIZE) -> list[Element]:
    """Elements of an evaluation; the data set itself has no end."""
    return list(islice(evaluation_dataset(utterances, plan, batch_size), len(plan)))


def assert_equal_elements(actual, expected) -> None:
    actual, expected = list(actual), list(expected)
    assert len(actual) == len(expected)
    for (inputs, *rest), (expected_inputs, *expected_rest) in zip(actual, expected, strict=True):
        assert inputs.keys() == expected_inputs.keys()
        pairs = [*zip(rest, expected_rest, strict=True), *((inputs[k], expected_inputs[k]) for k in inputs)]
        for value, other in pairs:
            assert np.asarray(value).dtype == np.asarray(other).dtype
            np.testing.assert_array_equal(np.asarray(value), np.asarray(other))


def test_lengths_are_read_from_the_headers(utterances: Utterances) -> None:
    assert list(utterances.lengths) == LENGTHS
    assert len(utterances) == len(LENGTHS)


@pytest.mark.parametrize("do_normalize", [True, False])
@pytest.mark.parametrize("mask_padding", [True, False])
def test_element_is_its_planned_batch(paths: list[str], do_normalize: bool, mask_padding: bool) -> None:
    format_ = WaveformFormat(RATE, do_normalize, mask_padding, minimum_samples=100)
    utterances = Utterances.from_files(paths, [i % 3 for i in range(len(paths))], WaveformReader(format_))
    plan = plan_in_order(LENGTHS, BUCKETS, BATCH_SIZE)
    elements = one_pass(utterances, plan)
    assert len(elements) == len(plan) == 3
    for batch, (inputs, targets, weights) in zip(plan, elements, strict=True):
        used = len(batch.indices)
        waveforms = [load_audio(paths[i], RATE) for i in batch.indices]
        sound, mask = model_inputs(
            waveforms, do_normalize=do_normalize, mask_padding=mask_padding, samples=batch.samples
        )
        np.testing.assert_array_equal(inputs["waveform"][:used], sound)
        np.testing.assert_array_equal(inputs["padding_mask"][:used], mask)
        assert targets[:used].tolist() == [i % 3 for i in batch.indices]
        assert weights.tolist() == [1.0] * used + [0.0] * (BATCH_SIZE - used)


def test_types_and_shapes_are_static(utterances: Utterances, batches: ShuffledBatches) -> None:
    for inputs, targets, weights in training_dataset(utterances, batches, 0, 9):
        assert inputs["waveform"].dtype == np.float32
        assert inputs["padding_mask"].dtype == bool
        assert (targets.dtype, weights.dtype) == (np.int32, np.float32)
        assert targets.shape == weights.shape == (BATCH_SIZE,)
        assert inputs["waveform"].shape == inputs["padding_mask"].shape
        assert inputs["waveform"].shape[0] == BATCH_SIZE
        assert inputs["waveform"].shape[1] in BUCKETS


def test_empty_places_are_silent_masked_and_weightless(
    utterances: Utterances, batches: ShuffledBatches
) -> None:
    elements = list(training_dataset(utterances, batches, 0, batches.batches_per_epoch))
    empty = 0
    for inputs, _, weights in elements:
        empty += (weights == 0).sum()
        assert not inputs["waveform"][weights == 0].any()
        assert not inputs["padding_mask"][weights == 0].any()
        assert inputs["padding_mask"][weights == 1].any(axis=1).all()
    assert empty == batches.batches_per_epoch * BATCH_SIZE - len(LENGTHS) == 2


@pytest.mark.parametrize("start", [0, 1, 4, 8])
def test_data_set_started_at_a_step_is_the_tail_of_the_whole(
    utterances: Utterances, batches: ShuffledBatches, start: int
) -> None:
    whole = list(training_dataset(utterances, batches, 0, 9))
    assert_equal_elements(training_dataset(utterances, batches, start, 9), whole[start:])


def test_threads_do_not_change_the_order(utterances: Utterances, batches: ShuffledBatches) -> None:
    source = BatchSource(utterances, batches, BATCH_SIZE, 0, 9)
    one_by_one = [source[i] for i in range(len(source))]
    assert_equal_elements(training_dataset(utterances, batches, 0, 9), one_by_one)


def test_evaluation_comes_again_and_again(utterances: Utterances) -> None:
    plan = plan_in_order(LENGTHS, BUCKETS, BATCH_SIZE)
    once = one_pass(utterances, plan)
    dataset = evaluation_dataset(utterances, plan, BATCH_SIZE)
    for _ in range(2):  # each iterator starts anew
        assert_equal_elements(islice(dataset, 2 * len(plan)), [*once, *once])


@pytest.mark.thorough
def test_tf_data_gives_the_same_elements(utterances: Utterances, batches: ShuffledBatches) -> None:
    pytest.importorskip("tensorflow")
    dataset = training_dataset(utterances, batches, 0, 4)
    assert_equal_elements(tf_dataset(dataset).as_numpy_iterator(), dataset)


def test_file_at_another_rate_is_resampled(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 2000), 2 * RATE)
    utterances = Utterances.from_files([str(tmp_path / "a.wav")], [0], READER)
    assert list(utterances.lengths) == [1000]
    ((inputs, _, _),) = one_pass(utterances, plan_in_order([1000], [1400], 1), batch_size=1)
    assert inputs["padding_mask"].sum() == 1000


def test_file_too_short_for_a_frame_is_named(tmp_path: Path, paths: list[str]) -> None:
    for samples, fits in ((100, True), (99, False)):
        short = str(tmp_path / f"{samples}.wav")
        sf.write(short, np.linspace(-0.5, 0.5, samples), RATE)
        if fits:
            assert list(Utterances.from_files([paths[0], short], [0, 1], READER).lengths) == [500, 100]
            continue
        with pytest.raises(UserError, match="too short: the model needs") as refusal:
            Utterances.from_files([paths[0], short], [0, 1], READER)
        assert str(refusal.value).startswith(f"{short}: ")


def test_file_that_is_no_audio_is_named(tmp_path: Path, paths: list[str]) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    with pytest.raises(UserError) as refusal:
        Utterances.from_files([paths[0], str(broken)], [0, 1], READER)
    assert str(refusal.value).startswith(f"{broken}: ")


def test_file_that_breaks_after_the_lengths_were_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, np.linspace(-0.5, 0.5, 5000), RATE)
    utterances = Utterances.from_files([str(path)], [0], READER)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError) as refusal:
        one_pass(utterances, plan_in_order([5000], [6000], 1), batch_size=1)
    assert str(refusal.value).startswith(f"{path}: ")


def test_a_damaged_file_ends_in_its_own_error_also_through_tf_data(tmp_path: Path) -> None:
    path = tmp_path / "damaged.wav"
    sf.write(path, np.linspace(-0.5, 0.5, 500), RATE, subtype="FLOAT")
    utterances = Utterances.from_files([str(path)], [0], READER)
    sf.write(path, np.full(500, np.nan), RATE, subtype="FLOAT")
    dataset = evaluation_dataset(utterances, plan_in_order(utterances.lengths, BUCKETS, 1), 1)
    for face in (dataset, tf_dataset(dataset)):
        with pytest.raises(UserError, match=r"^\S*damaged\.wav: has samples that are NaN"), reader_errors():
            next(iter(face))


def noisy(mode: str, draws: str = "online") -> AugmentationPlan:
    specs = [
        AugmentationSpec("noise", "audiomentations", "AddGaussianNoise", {"p": 1.0}),
        AugmentationSpec(
            "slow",
            "audiomentations",
            "TimeStretch",
            {"min_rate": 0.8, "max_rate": 0.9, "p": 1.0, "leave_length_unchanged": False},
        ),
    ]
    return AugmentationPlan(tuple(Augmenter(spec, None) for spec in specs), mode, draws, seed=3)


@pytest.mark.thorough
@pytest.mark.parametrize("augmentation", [None, noisy("union"), noisy("one_of", "frozen")])
def test_worker_processes_give_the_same_elements(utterances: Utterances, augmentation) -> None:
    copies = augmentation.copies if augmentation else 1
    batches = ShuffledBatches(list(utterances.lengths) * copies, BUCKETS, BATCH_SIZE, seed=5)
    by_threads = list(training_dataset(utterances, batches, 2, 12, augmentation))
    for workers in (1, 2):
        by_workers = training_dataset(utterances, batches, 2, 12, augmentation, workers)
        assert_equal_elements(by_workers, by_threads)


@pytest.mark.thorough
def test_position_is_saved_and_restored(utterances: Utterances, batches: ShuffledBatches) -> None:
    for workers in (0, 1):
        dataset = training_dataset(utterances, batches, 0, 9, noisy("one_of"), workers)
        iterator = iter(dataset)
        for _ in range(4):
            next(iterator)
        state = iterator.get_state()
        rest = list(iterator)
        again = iter(dataset)
        again.set_state(state)
        assert_equal_elements(again, rest)


def test_union_has_the_clean_utterances_once_and_a_copy_for_each_augmentation(utterances: Utterances) -> None:
    plan = noisy("union")
    batches = ShuffledBatches(list(utterances.lengths) * plan.copies, BUCKETS, BATCH_SIZE, seed=5)
    clean, copies = [], 0
    elements = training_dataset(utterances, batches, 0, batches.batches_per_epoch, plan)
    for step, (inputs, targets, weights) in enumerate(elements):
        for place, index in enumerate(batches[step].indices):
            copy, utterance = divmod(index, len(utterances))
            assert weights[place] == 1
            assert targets[place] == utterances.targets[utterance]
            sound = inputs["waveform"][place][inputs["padding_mask"][place]]
            as_read = model_inputs(
                [READER(utterances.paths[utterance])], do_normalize=True, mask_padding=True
            )[0][0]
            if copy == 0:
                clean.append(utterance)
                np.testing.assert_array_equal(sound, as_read)
            else:
                copies += 1
                assert len(sound) <= batches[step].samples
                assert len(sound) != len(as_read) or not np.allclose(sound, as_read, atol=1e-4)
    assert sorted(clean) == list(range(len(utterances)))
    assert copies == 2 * len(utterances)


@pytest.mark.parametrize(("draws", "same"), [("frozen", True), ("online", False)])
def test_epochs_have_draws_of_their_own_unless_frozen(utterances: Utterances, draws: str, same: bool) -> None:
    plan = noisy("compose", draws)
    source = BatchSource(utterances, [PlannedBatch((0,), 1400, epoch) for epoch in (0, 1)], 1, 0, 2, plan)
    first, second = (source[i][0]["waveform"] for i in (0, 1))
    assert np.array_equal(first, second) is same


def test_a_mistake_in_a_worker_process_ends_in_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "damaged.wav"
    sf.write(path, np.linspace(-0.5, 0.5, 500), RATE, subtype="FLOAT")
    utterances = Utterances.from_files([str(path)], [0], READER)
    sf.write(path, np.full(500, np.nan), RATE, subtype="FLOAT")
    dataset = training_dataset(utterances, ShuffledBatches([500], [600], 1, seed=0), 0, 2, workers=1)
    with pytest.raises(UserError, match=r"^\S*damaged\.wav: has samples that are NaN"), reader_errors():
        next(iter(dataset))


@pytest.mark.thorough
def test_worker_processes_end_with_their_data_set(utterances: Utterances, batches: ShuffledBatches) -> None:
    before = set(multiprocessing.active_children())
    dataset = training_dataset(utterances, batches, 0, 9, workers=2)
    with closed_at_the_end(dataset):
        next(iter(dataset))
        assert len(set(multiprocessing.active_children()) - before) == 2
        # Grain would lose segments of shared memory, see kser/pipeline/worker_processes.py.
        assert "psm_" not in Path("/proc/self/maps").read_text()
    assert set(multiprocessing.active_children()) <= before


def test_batches_travel_to_another_process(batches: ShuffledBatches) -> None:
    expected = [batches[step] for step in range(7)]
    other = pickle.loads(pickle.dumps(batches))
    assert [other[step] for step in reversed(range(7))] == expected[::-1]


@pytest.mark.parametrize("normalizes_padding", [False, True])
def test_parts_of_processes_are_the_batch(paths: list[str], normalizes_padding: bool) -> None:
    audio_format = replace(FORMAT, mask_padding=not normalizes_padding)
    utterances = Utterances.from_files(paths, list(range(len(paths))), WaveformReader(audio_format))
    batches = ShuffledBatches(utterances.lengths, BUCKETS, BATCH_SIZE, seed=5)
    # Of the batch that is not full, the last part has no utterance.
    parts = [
        list(training_dataset(utterances, batches, 0, 3, places=range(2 * number, 2 * number + 2)))
        for number in range(3)
    ]
    whole = list(training_dataset(utterances, batches, 0, 3, places=range(6)))
    joined = [
        keras.tree.map_structure(lambda *part: np.concatenate(part), *step)
        for step in zip(*parts, strict=True)
    ]
    assert_equal_elements(joined, whole)
