"""What the page knows of its model."""

import pytest

from kser.serving.demo.page_facts import own_threshold, page_facts

EXPORTED = {
    "kser_version": "0.1.0",
    "model": "study",
    "outputs": {"logits": ["anger", "joy"], "values": ["arousal"]},
    "activations": {"logits": "softmax"},
    "calibration": {"logits": {"temperature": 2.0, "threshold": 0.6}},
    "sampling_rate": 16_000,
    "minimum_samples": 400,
    "maximum_samples": None,
    "recordings": {"min_seconds": None, "max_seconds": None, "too_long": None},
    "padding_counts_as_sound": False,
    "trained_on": "EmoDB",
}


def facts(**changed):
    return page_facts(EXPORTED | changed, "browser", threshold=0.6)


def test_it_names_what_the_model_answers_and_learned_from():
    said = facts()
    assert said["answers"] == [
        {"kind": "class", "names": ["anger", "joy"]},
        {"kind": "numbers", "names": ["arousal"]},
    ]
    assert said["trained_on"] == {
        "name": "EmoDB",
        "title": "Berlin Database of Emotional Speech (EmoDB)",
        "language": "German",
    }
    assert facts(trained_on="calls of our own")["trained_on"] == {"name": "calls of our own"}
    assert facts(activations={"logits": "sigmoid"})["answers"][0]["kind"] == "labels"


@pytest.mark.parametrize(
    ("longest_s", "model", "recordings", "samples"),
    [
        (300, None, {}, 960_000),
        (20, None, {}, 320_000),
        (300, 480_000, {}, 480_000),
        (300, 480_000, {"max_seconds": 6.0}, 96_000),
        (300, None, {"max_seconds": 6.0, "too_long": "crop"}, 96_000),
        (300, None, {"max_seconds": 6.0, "too_long": "split"}, 960_000),
    ],
)
def test_it_takes_no_more_of_a_recording_than_is_judged(longest_s, model, recordings, samples):
    exported = EXPORTED | {"maximum_samples": model, "recordings": EXPORTED["recordings"] | recordings}
    said = page_facts(exported, "server", threshold=None, longest_s=longest_s)
    assert said["maximum_samples"] == samples


def test_it_takes_no_shorter_recordings_than_the_model_was_given():
    assert facts()["minimum_samples"] == 400
    recordings = EXPORTED["recordings"] | {"min_seconds": 0.5}
    assert facts(recordings=recordings)["minimum_samples"] == 8000


def test_the_threshold_is_that_of_the_class():
    assert own_threshold(EXPORTED) == 0.6
    assert own_threshold(EXPORTED | {"calibration": {}}) is None
    assert own_threshold(EXPORTED | {"activations": {}}) is None
