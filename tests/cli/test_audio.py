"""`kser normalize` and `kser trim` as a user meets them."""

import numpy as np
import pytest
import soundfile as sf

RATE = 16_000


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        noise = np.random.default_rng(number).normal(0, 0.02, RATE)
        noise[: RATE // 2] = 0
        (tmp_path / "in").mkdir(exist_ok=True)
        sf.write(tmp_path / "in" / f"{number}.wav", noise, RATE)
    return tmp_path / "in"


@pytest.mark.parametrize("dashes", [False, True])
def test_normalize(run, folder, tmp_path, dashes):
    spelt = (lambda name: name.replace("_", "-")) if dashes else str
    options = (spelt("--input-path"), folder, spelt("--output-path"), tmp_path / "out")
    status, out, err = run("normalize", *options, spelt("--target-lufs"), "-30", "--workers", 2)
    assert (status, err) == (0, "")
    assert "3 recordings at -30 LUFS" in out
    _, out, _ = run("normalize", *options, "--target-lufs", "-30")
    assert "3 of them before" in out


def test_clipping_is_told(run, folder, tmp_path):
    samples, _ = sf.read(folder / "1.wav")
    samples[9000] = 0.99
    sf.write(folder / "1.wav", samples, RATE)
    _, out, _ = run("normalize", "--input-path", folder, "--output-path", tmp_path / "out")
    assert f"1 are softer than requested, to avoid clipping; {tmp_path}/out/normalize_report.csv" in out


def test_trim(run, folder, tmp_path):
    status, out, _ = run("trim", "--input-path", folder, "--output-path", tmp_path / "out", "--top-db", 30)
    assert status == 0
    assert "3 recordings trimmed at 30 dB" in out
    assert "s of silence cut off" in out
    assert sf.info(tmp_path / "out" / "0.wav").duration < 0.6


def test_bad_recordings_end_with_status_2(run, folder, tmp_path):
    (folder / "bad.wav").write_text("text")
    status, out, err = run("normalize", "--input-path", folder, "--output-path", tmp_path / "out")
    assert status == 2
    assert "3 recordings at -23 LUFS" in out
    first, second = err.splitlines()
    assert first == "kser: 1 of 4 recordings were left out:"
    assert second.startswith(f"kser:   {folder}/bad.wav: cannot be read as audio")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("normalize", "--target-lufs", "3"), "--target-lufs: must be from -70 to 0, got 3"),
        (("normalize", "--target-lufs", "nan"), "--target-lufs: must be from -70 to 0, got nan"),
        (("normalize", "--workers", "0"), "--workers: must be at least 1, got 0"),
        (("trim", "--top-db", "0"), "--top-db: must be above 0, got 0"),
        (("trim", "--top-db", "inf"), "--top-db: must be above 0, got inf"),
    ],
)
def test_values_out_of_range(run, folder, tmp_path, arguments, says):
    status, _, err = run(*arguments, "--input-path", folder, "--output-path", tmp_path / "out")
    assert status == 2
    assert err.startswith(f"kser: {says}")
    assert not (tmp_path / "out").exists()
