"""What an utterance becomes follows from seed, utterance, copy and epoch, whoever asks and in what order."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from kser.audio.augmentation import AugmentationSpec, Augmenter
from kser.pipeline.augmenting import AugmentationPlan

RATE = 8_000
WAVEFORM = (0.1 * np.random.default_rng(0).standard_normal(2_000)).astype(np.float32)
MODES = ("union", "compose", "one_of")


def augmenter(class_name, **arguments):
    return Augmenter(
        AugmentationSpec(class_name, "audiomentations", class_name, {"p": 1.0, **arguments}), None
    )


AUGMENTERS = (augmenter("AddGaussianSNR"), augmenter("Gain"), augmenter("Reverse"))


def plan(mode="union", draws="online", seed=3, augmenters=AUGMENTERS):
    return AugmentationPlan(augmenters, mode, draws, seed)


def outcome(plan, place):
    utterance, copy, epoch = place
    return plan.augmented(WAVEFORM, RATE, utterance, copy, epoch)


def pickled_outcome(arguments):
    return outcome(*arguments)


def places(plan, utterances=3, epochs=2):
    return [(u, c, e) for u in range(utterances) for c in range(plan.copies) for e in range(epochs)]


@pytest.mark.parametrize(("mode", "copies"), [("union", 4), ("compose", 1), ("one_of", 1)])
def test_copies_of_each_utterance(mode, copies):
    assert plan(mode).copies == copies


def test_union_keeps_the_clean_utterance_once_and_adds_one_copy_for_each_augmentation():
    union = plan("union")
    np.testing.assert_array_equal(outcome(union, (5, 0, 1)), WAVEFORM)
    for number, augmentation in enumerate(AUGMENTERS):
        alone = augmentation(WAVEFORM, RATE, union.key(number, 5, number + 1, 1))
        np.testing.assert_array_equal(outcome(union, (5, number + 1, 1)), alone)
        assert not np.array_equal(alone, WAVEFORM)


def test_compose_applies_all_in_their_order():
    composed = plan("compose")
    expected = WAVEFORM
    for number, augmentation in enumerate(AUGMENTERS):
        expected = augmentation(expected, RATE, composed.key(number, 5, 0, 1))
    np.testing.assert_array_equal(outcome(composed, (5, 0, 1)), expected)
    swapped = plan("compose", augmenters=AUGMENTERS[::-1])
    assert not np.array_equal(outcome(swapped, (5, 0, 1)), expected)


def test_one_of_applies_one_and_each_in_its_turn():
    drawn = plan("one_of")
    numbers = [drawn.numbers(utterance, 0, 0) for utterance in range(300)]
    counts = np.bincount(np.concatenate(numbers))
    assert {len(values) for values in numbers} == {1}
    assert counts.sum() == 300
    assert (counts > 60).all()
    for utterance in range(3):
        (number,) = numbers[utterance]
        alone = AUGMENTERS[number](WAVEFORM, RATE, drawn.key(number, utterance, 0, 0))
        np.testing.assert_array_equal(outcome(drawn, (utterance, 0, 0)), alone)
    later = [drawn.numbers(utterance, 0, 1) for utterance in range(300)]
    assert later != numbers


@pytest.mark.parametrize("mode", MODES)
def test_frozen_draws_are_those_of_the_first_epoch(mode):
    online, frozen = plan(mode), plan(mode, "frozen")
    for utterance, copy, _ in places(online):
        first = outcome(online, (utterance, copy, 0))
        for epoch in (0, 1, 7):
            np.testing.assert_array_equal(outcome(frozen, (utterance, copy, epoch)), first)


def test_online_draws_differ_between_epochs_utterances_copies_and_seeds():
    noise = augmenter("AddGaussianSNR")
    twice = plan(augmenters=(noise, noise))
    outcomes = [
        outcome(replace(twice, seed=seed), (utterance, copy, epoch)).tobytes()
        for seed in range(2)
        for utterance in range(3)
        for copy in (1, 2)
        for epoch in range(3)
    ]
    assert len(set(outcomes)) == len(outcomes) == 36


@pytest.mark.parametrize("mode", MODES)
def test_neither_order_nor_threads_play_a_part(mode):
    asked = plan(mode)
    expected = {place: outcome(asked, place) for place in places(asked)}
    backwards = list(expected)[::-1]
    with ThreadPoolExecutor(6) as threads:
        given = threads.map(lambda place: outcome(asked, place), backwards)
    for place, waveform in zip(backwards, given, strict=True):
        np.testing.assert_array_equal(waveform, expected[place])


@pytest.mark.thorough
def test_nor_do_processes(tmp_path):
    (tmp_path / "mine.py").write_text(
        "class Noise:\n"
        "    def __call__(self, samples, sample_rate, rng):\n"
        "        return samples + rng.standard_normal(len(samples))\n"
    )
    mine = Augmenter(AugmentationSpec("mine", "mine.py", "Noise", {}), tmp_path)
    asked = plan(augmenters=(*AUGMENTERS, mine))
    wanted = [(asked, place) for place in places(asked)]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        given = list(processes.map(pickled_outcome, wanted, chunksize=2))
    for (_, place), waveform in zip(wanted, given, strict=True):
        np.testing.assert_array_equal(waveform, outcome(asked, place))


def test_it_can_be_pickled():
    again = pickle.loads(pickle.dumps(plan("one_of", "frozen", seed=9)))
    assert (again.mode, again.draws, again.seed) == ("one_of", "frozen", 9)
    np.testing.assert_array_equal(
        outcome(again, (1, 0, 4)), outcome(plan("one_of", "frozen", seed=9), (1, 0, 4))
    )


def test_mistakes_of_the_caller():
    with pytest.raises(ValueError, match="at least one augmentation"):
        plan(augmenters=())
    for mode, copy in (("union", 4), ("compose", 1), ("union", -1)):
        with pytest.raises(ValueError, match="below copies"):
            outcome(plan(mode), (0, copy, 0))
