"""Recordings are in the page when asked for, and only then; never more than fit."""

import base64
import io

import pandas as pd
import pytest
import soundfile as sf

from kser.report import listening
from kser.report.listening import SAMPLING_RATE, encoded_clip, worst_mistakes
from kser.report.study_folder import read_study
from tests.experiment.made_up_study import LABELS, write_study
from tests.report.test_report import page_of


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("audio"), datasets=("own",), seeds=2, audio=True)


def test_recordings_only_on_request(study):
    assert not page_of(study).all("audio")
    page = page_of(study, with_audio=True)
    players = page.all("audio")
    assert 0 < len(players) <= listening.PAIRS * listening.CLIPS_OF_PAIR
    assert "read the licence" in page.words
    kind, content = players[0]["src"].split(",")
    assert kind == "data:audio/flac;base64"
    info = sf.info(io.BytesIO(base64.b64decode(content)))
    assert (info.channels, info.samplerate, info.subtype) == (1, SAMPLING_RATE, "PCM_16")


def test_the_most_confident_mistakes_of_frequent_pairs_come_first(study):
    read = read_study(study)
    mistakes = worst_mistakes(read, "own", problems := [])
    assert not problems
    pairs = [(mistake.true, mistake.predicted) for mistake in mistakes]
    assert all(true != predicted for true, predicted in pairs)
    assert max(map(pairs.count, pairs)) <= listening.CLIPS_OF_PAIR
    first = [mistake for mistake, pair in zip(mistakes, pairs, strict=True) if pair == pairs[0]]
    assert first[0].confidence >= first[-1].confidence
    shown = [(mistake.utterance, mistake.predicted) for mistake in mistakes]
    assert len(shown) == len(set(shown))


def test_long_recordings_are_cut(study):
    clip, cut = encoded_clip(study.parents[1] / "corpus" / "f0_0_0.wav")
    assert cut and sf.info(io.BytesIO(clip)).duration == listening.LONGEST_S
    assert not encoded_clip(study.parents[1] / "corpus" / "f0_0_1.wav")[1]


def test_the_page_holds_no_more_than_it_may(study, monkeypatch):
    clip, _ = encoded_clip(study.parents[1] / "corpus" / "f0_0_1.wav")
    monkeypatch.setattr(listening, "MOST_BYTES", 2 * len(clip) + 10)
    page = page_of(study, with_audio=True)
    assert len(page.all("audio")) == 2
    assert "MB at most" in page.words


def test_missing_recordings_are_named(tmp_path):
    results = write_study(tmp_path, datasets=("own",), seeds=1)
    page = page_of(results, with_audio=True)
    assert not page.all("audio")
    assert "audio file not found" in page.words
    (results / "small" / "seed_0" / "evaluation" / "own" / "predictions.csv").unlink()
    assert "predictions.csv: not found, so its" in page_of(results, with_audio=True).words


def test_without_predictions_it_is_not_said_that_there_are_no_mistakes(tmp_path):
    results = write_study(tmp_path, models=("small",), datasets=("own",), seeds=1, audio=True)
    evaluation = results / "small" / "seed_0" / "evaluation" / "own"
    predictions = pd.read_csv(evaluation / "predictions.csv")
    (evaluation / "confusion_matrix.csv").unlink()
    assert page_of(results, with_audio=True).all("audio")
    predictions.drop(columns=[f"p_{label}" for label in LABELS]).to_csv(
        evaluation / "predictions.csv", index=False
    )
    words = page_of(results, with_audio=True).words
    assert "mistakes has a probability and a recording in" in words
    (evaluation / "predictions.csv").unlink()
    words += page_of(results, with_audio=True).words
    assert "own: no mistake can be played, for these reasons:" in words
    assert "predictions.csv: not found" in words and "there is no mistake to listen to" not in words
    predictions.assign(predicted=predictions["true"]).to_csv(evaluation / "predictions.csv", index=False)
    assert "own: there is no mistake to listen to." in page_of(results, with_audio=True).words
