"""`kser features`, from the command line to the folder."""

import pandas as pd
import pytest
import soundfile

from tests.cli.commands import refused
from tests.representations.expert_features.signals import RATE, noise, sawtooth


@pytest.fixture
def corpus(tmp_path):
    soundfile.write(tmp_path / "high.wav", sawtooth(220, 0.3), RATE)
    soundfile.write(tmp_path / "whisper.wav", 0.1 * noise(0.3), RATE)
    (tmp_path / "data.csv").write_text("file,mood\nhigh.wav,good\nwhisper.wav,good\n")
    return tmp_path


def command(folder, *options: object) -> tuple[object, ...]:
    shared = ("--data", folder / "data.csv", "--output", folder / "made", "--input-column", "file")
    return ("features", *shared, "--workers", 1, *options)


def test_a_folder_of_features_and_the_same_command_leaves_it(run, corpus):
    for _ in range(2):
        ended = run(*command(corpus))
        assert ended.status == 0
        assert "made: 2 recordings, 58 features (pitch 11, energy 9, spectral 23," in ended.out
        assert "1 of 2 recordings have no pitch and voice_quality, for want of a voice" in ended.err
        assert "whisper.wav" in ended.err and "high.wav" not in ended.err
    table = pd.read_csv(corpus / "made" / "features.csv")
    assert table["pitch_mean"].round().tolist()[0] == 36 and table["pitch_mean"].isna().tolist() == [
        False,
        True,
    ]


def test_bad_files_are_named_and_passed_over(run, corpus):
    (corpus / "whisper.wav").write_text("no audio")
    ended = run(*command(corpus))
    assert ended.status == 1 and "whisper.wav: cannot be read as audio" in ended.err
    (corpus / "high.wav").unlink()
    ended = run(*command(corpus, "--output", corpus / "other"))
    assert ended.status == 2 and "other: not written: no recording can be used: " in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "mfcc"], "--set mfcc: must be one of functionals, egemaps, compare"),
        (["--set", "egemaps"], "accept that with --accept-licence or KSER_ACCEPT_OPENSMILE_LICENCE=1"),
        (["--workers", "0"], "--workers 0: must be at least 1"),
        (["--input-column", "path"], "data.csv: "),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(run, corpus, monkeypatch, options, said):
    monkeypatch.delenv("KSER_ACCEPT_OPENSMILE_LICENCE", raising=False)
    assert said in refused(run, corpus, *command(corpus, *options))[-1]
