"""The synthetic corpus: the same for a seed, balanced, within its limits, and never written over anything."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from kser.corpora import synthetic
from kser.corpora.synthetic import (
    EMOTIONS,
    SAMPLING_RATE_HZ,
    SENTENCES,
    SPEAKERS,
    Emotion,
    Speaker,
    synthesise_utterance,
    write_synthetic_corpus,
)
from kser.errors import UserError


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    return write_synthetic_corpus(tmp_path_factory.mktemp("corpora") / "synthetic")


@pytest.fixture(scope="session")
def table(corpus) -> pd.DataFrame:
    """The metadata with what is measured on each file."""
    rows = pd.read_csv(corpus)
    infos = [soundfile.info(corpus.parent / path) for path in rows["path"]]
    samples = [soundfile.read(corpus.parent / path)[0] for path in rows["path"]]
    return rows.assign(
        format=[(info.samplerate, info.channels, info.subtype) for info in infos],
        duration_s=[info.duration for info in infos],
        peak=[np.abs(signal).max() for signal in samples],
        level_db=[10 * np.log10(np.mean(signal**2)) for signal in samples],
    )


@pytest.fixture
def small(monkeypatch):
    """The corpus cut down to its first speaker and sentence, to be quick."""
    monkeypatch.setattr(synthetic, "SPEAKERS", SPEAKERS[:1])
    monkeypatch.setattr(synthetic, "SENTENCES", {"s1": SENTENCES["s1"]})


def wav_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.wav")}


@pytest.mark.thorough
def test_metadata_lists_exactly_the_files(corpus, table):
    assert list(pd.read_csv(corpus).columns) == ["path", "class_id", "actor", "gender", "sentence", "take"]
    assert set(table["path"]) == set(wav_bytes(corpus.parent))
    assert len(table) == 320


@pytest.mark.thorough
def test_every_speaker_says_everything_in_every_emotion(table):
    assert set(table.groupby(["actor", "class_id"]).size()) == {8}
    assert len(table.groupby(["actor", "class_id", "sentence", "take"])) == len(table)
    assert sorted(table["class_id"].unique()) == ["anger", "happiness", "neutral", "sadness"]
    assert table.groupby("gender")["actor"].nunique().to_dict() == {"female": 5, "male": 5}


def test_audio_is_within_its_limits(table):
    assert set(table["format"]) == {(16_000, 1, "PCM_16")}
    assert table["duration_s"].between(1.0, 2.2).all()
    assert table["peak"].between(0.01, 0.951).all()


def test_same_seed_same_bytes_whatever_else_is_made(corpus, tmp_path, small):
    alone = wav_bytes(write_synthetic_corpus(tmp_path / "alone").parent)
    full = wav_bytes(corpus.parent)
    assert len(alone) == 8
    assert all(full[name] == content for name, content in alone.items())


def test_other_seed_other_sounds(corpus, tmp_path, small):
    other = wav_bytes(write_synthetic_corpus(tmp_path / "other", seed=1).parent)
    full = wav_bytes(corpus.parent)
    assert all(full[name] != content for name, content in other.items())


def test_takes_differ(corpus):
    full = wav_bytes(corpus.parent)
    assert len(set(full.values())) == len(full)


def test_global_random_state_is_not_touched():
    before = np.random.get_state()[1].copy()
    synthesise_utterance(SPEAKERS[0], EMOTIONS["neutral"], SENTENCES["s1"], np.random.default_rng(0))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("actor", [speaker.name for speaker in SPEAKERS])
def test_emotions_can_be_told_apart_within_a_speaker(table, actor):
    means = table[table["actor"] == actor].groupby("class_id")[["level_db", "duration_s"]].mean()
    assert means["level_db"]["anger"] > means["level_db"]["sadness"] + 2
    assert means["duration_s"]["sadness"] > means["duration_s"]["anger"] + 0.1


def test_level_alone_does_not_tell_the_emotions(table):
    # Recording gain varies: even with the true means known, the nearest mean is wrong about every other time.
    means = table.groupby("class_id")["level_db"].mean()
    nearest = table["level_db"].map(lambda level: (means - level).abs().idxmin())
    assert (nearest == table["class_id"]).mean() < 0.55


def test_a_second_call_leaves_the_corpus_as_it_is(corpus):
    before = {path: path.stat().st_mtime_ns for path in corpus.parent.rglob("*")}
    assert write_synthetic_corpus(corpus.parent) == corpus
    assert {path: path.stat().st_mtime_ns for path in corpus.parent.rglob("*")} == before


def test_readme_says_what_it_is(corpus):
    text = (corpus.parent / "README.txt").read_text(encoding="utf-8")
    assert "not speech" in text
    assert "no benchmark" in text


def test_an_empty_folder_is_filled(tmp_path, small):
    assert write_synthetic_corpus(tmp_path).is_file()


def test_a_foreign_folder_is_refused_and_kept(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="something other"):
        write_synthetic_corpus(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "corpus").write_text("years of work")
    with pytest.raises(UserError, match="something other"):
        write_synthetic_corpus(tmp_path / "corpus")


def test_the_corpus_of_another_seed_is_refused(corpus):
    with pytest.raises(UserError, match="'seed': 0"):
        write_synthetic_corpus(corpus.parent, seed=1)
    assert corpus.is_file()


def test_an_incomplete_corpus_is_refused(tmp_path, small):
    folder = write_synthetic_corpus(tmp_path / "corpus").parent
    (folder / "f1" / "f1_anger_s1_1.wav").unlink()
    with pytest.raises(UserError, match=r"lacks 1 files, first f1/f1_anger_s1_1\.wav"):
        write_synthetic_corpus(folder)


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(UserError, match="at least 0, got -1"):
        write_synthetic_corpus(tmp_path / "corpus", seed=-1)


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic.soundfile, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_synthetic_corpus(tmp_path / "corpus")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def steady(monkeypatch):
    """Says a vowel for long, with nothing left to chance: vowel, tilt and breath in dB → samples."""
    monkeypatch.setattr(synthetic, "VARIATION", Emotion(*[0.0] * 6))
    monkeypatch.setattr(synthetic, "SNR_DB", (90.0, 90.0))

    def say(vowel: str, tilt_db: float = 0.0, breath_db: float = -90.0) -> np.ndarray:
        manner = Emotion(0.0, 0.0, 0.2, 0.0, tilt_db, breath_db)
        speaker = Speaker("m0", "male", 125.0, 1.0, 1.0, 0.0)
        samples = synthesise_utterance(speaker, manner, f"{vowel} {vowel}", np.random.default_rng(0))
        return samples[6000:-6000]

    return say


def power_db(signal: np.ndarray, frequency_hz: float) -> float:
    """Power of a signal within 25 Hz of a frequency."""
    power = np.abs(np.fft.rfft(signal * np.hanning(len(signal)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(signal), 1 / SAMPLING_RATE_HZ) - frequency_hz) < 25
    return 10 * np.log10(power[near].sum())


def test_pulses_come_at_the_pitch(steady):
    assert power_db(steady("a"), 250) > power_db(steady("a"), 187.5) + 40
    assert power_db(steady("a"), 375) > power_db(steady("a"), 312.5) + 40


def test_tilt_is_lost_with_each_octave(steady):
    lost_db = [power_db(steady("a", 0.0), hz) - power_db(steady("a", 6.0), hz) for hz in (500, 1000, 2000)]
    np.testing.assert_allclose(np.diff(lost_db), [6.0, 6.0], atol=0.2)


def test_vowels_have_their_formants(steady):
    assert power_db(steady("i"), 2250) > power_db(steady("u"), 2250) + 10
    assert power_db(steady("u"), 875) > power_db(steady("i"), 875) + 10
    assert power_db(steady("a"), 750) > power_db(steady("u"), 750) + 3


def test_breath_fills_the_space_between_harmonics(steady):
    assert power_db(steady("a", breath_db=-10.0), 187.5) > power_db(steady("a"), 187.5) + 20
