"""A corpus with one fault of each kind: check tells each, and --strict ends with status 2."""

import numpy as np
import pytest
import soundfile as sf

from kser.audio.decoding import decode
from kser.cli import main
from kser.corpora.metadata import read_metadata, write_metadata
from kser.experiment.checking.study_check import check_study
from kser.experiment.config.loading import load_experiment
from tests.experiment.conftest import write_experiment

UNUSABLE = {
    "silent": lambda sound: 0 * sound,
    "not scaled": lambda sound: np.round(sound * 2**15),
    "cancelled": lambda sound: np.stack([sound, -sound], axis=1),
}
USABLE = {
    "nearly silent": lambda sound: sound * 1e-4,
    "nearly cancelled": lambda sound: np.stack([sound, -0.95 * sound], axis=1),
    "clipped": lambda sound: np.clip(sound / np.abs(sound).max(), -0.3, 0.3),
    "offset": lambda sound: sound + 0.1,
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory, small_corpus):
    """An experiment, and the faulty file of each kind; each in another row of the corpus."""
    folder = tmp_path_factory.mktemp("faulty")
    table = read_metadata(small_corpus)
    files = {}
    for place, (kind, change) in enumerate((UNUSABLE | USABLE).items()):
        sound = decode(table["path"].iloc[5 * place])
        files[kind] = str(folder / f"{kind}.wav")
        sf.write(files[kind], change(sound.samples[:, 0]), sound.sampling_rate, "FLOAT")
        table.loc[table.index[5 * place], "path"] = files[kind]
    files["long"] = str(folder / "long.wav")
    whole = np.tile(decode(table["path"].iloc[1]).samples[:, 0], 100)[: 61 * sound.sampling_rate]
    sf.write(files["long"], whole, sound.sampling_rate)
    table.loc[table.index[1], "path"] = files["long"]
    write_metadata(table, folder / "metadata.csv")
    return write_experiment(folder, folder / "metadata.csv", models=["log_mel"], on_bad_audio="skip"), files


def test_each_fault_is_told_with_its_file(faulty):
    path, files = faulty
    check = check_study(load_experiment(path))
    assert check.mistakes == []
    assert [line.partition(": ")[0] for line in check.warnings] == [files[kind] for kind in ("long", *USABLE)]
    left_out = [line.split(": ")[1] for line in check.notes if line.startswith("left out: ")]
    assert sorted(left_out) == sorted(files[kind] for kind in UNUSABLE)


@pytest.mark.thorough
def test_strict_ends_with_what_puts_results_in_question(faulty, monkeypatch, capsys):
    path, files = faulty
    with pytest.raises(SystemExit) as usual:
        run(monkeypatch, "check", str(path))
    assert usual.value.code in (0, None)
    capsys.readouterr()
    with pytest.raises(SystemExit) as strict:
        run(monkeypatch, "check", str(path), "--strict")
    assert strict.value.code == 2
    said = capsys.readouterr().err
    assert all(f"kser: {files[kind]}: " in said for kind in ("long", *USABLE))


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["kser", *arguments])
    main()
