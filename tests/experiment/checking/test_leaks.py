"""The same sound in two places is told before training, whatever its file; what is nearly so, too."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from kser.audio.decoding import decode
from kser.corpora.metadata import read_metadata, write_metadata
from kser.experiment.checking.input_checks import read_inputs
from kser.experiment.checking.sound_warnings import sound_warnings
from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.planning import plan_runs
from tests.experiment.conftest import write_experiment

PARTS = ("train", "validation", "test")
LEAK = "LEAK: recordings of the {} are in the {} as well: 1 (seed 0): copy.flac = {}; keep each in one place"


def warnings_of(path) -> list[str]:
    experiment = load_experiment(path)
    runs = plan_runs(experiment)
    inputs = read_inputs(experiment, runs)
    assert not inputs.mistakes
    return sound_warnings(inputs, runs)


def parts_of(path):
    """The metadata of each part of seed 0."""
    experiment = load_experiment(path)
    data = read_inputs(experiment, plan_runs(experiment)).data["log_mel", 0]
    return {part: data.rows(part) for part in PARTS}


def write_copy(path, source, change=lambda samples: samples):
    sound = decode(source)
    sf.write(path, change(sound.samples), sound.sampling_rate)


@pytest.fixture
def experiment(tmp_path, small_corpus):
    """An experiment on the small corpus, whose metadata are in the same folder."""
    write_metadata(read_metadata(small_corpus), tmp_path / "metadata.csv")
    return write_experiment(tmp_path, tmp_path / "metadata.csv", models=["log_mel"])


def replace_row(experiment, row, path):
    """Let a row of the corpus have another file."""
    csv_path = experiment.parent / "metadata.csv"
    table = read_metadata(csv_path)
    table.loc[table["path"] == row["path"], "path"] = str(path)
    write_metadata(table, csv_path)


def test_a_corpus_without_copies_has_no_leak(experiment):
    assert warnings_of(experiment) == []


@pytest.mark.parametrize(("earlier", "later"), list(combinations(PARTS, 2)))
def test_the_same_sound_as_another_speaker_is_a_leak(experiment, tmp_path, earlier, later):
    parts = parts_of(experiment)
    first, second = parts[earlier].iloc[0], parts[later].iloc[0]
    write_copy(tmp_path / "copy.flac", first["path"])
    replace_row(experiment, second, tmp_path / "copy.flac")
    lines = warnings_of(experiment)
    assert LEAK.format(f"{later} part", f"{earlier} part", first["utterance"]) in lines
    speakers = [line for line in lines if line.startswith("the same recording with more than one actor: 1: ")]
    assert (
        len(speakers) == 1 and f"({first['actor']})" in speakers[0] and f"({second['actor']})" in speakers[0]
    )


@pytest.mark.parametrize("part", PARTS)
def test_the_same_sound_in_a_further_test_set_is_a_leak(experiment, tmp_path, small_corpus, part):
    row = parts_of(experiment)[part].iloc[0]
    write_copy(tmp_path / "copy.flac", row["path"])
    (tmp_path / "other").mkdir()
    unknown = read_metadata(small_corpus).iloc[:1]
    write_copy(tmp_path / "unlike.wav", unknown["path"].iloc[0], lambda samples: samples[::-1])
    table = pd.concat([row.to_frame().T, unknown])
    table["path"] = [str(tmp_path / "copy.flac"), str(tmp_path / "unlike.wav")]
    write_metadata(table, tmp_path / "other" / "test.csv")
    path = write_experiment(
        tmp_path,
        tmp_path / "metadata.csv",
        models=["log_mel"],
        datasets=[{"name": "other", "eval_csv_path": str(tmp_path / "other")}],
    )
    expected = f"LEAK: recordings of the test set other are in the {part} part as well: 1 (seed 0): "
    lines = warnings_of(path)
    # The test part of the corpus is only another test set.
    assert len(lines) == (0 if part == "test" else 1)
    assert all(line.startswith(expected) and f"= {row['utterance']};" in line for line in lines)


def test_each_column_that_a_model_reads_of_a_test_set_is_compared(experiment, tmp_path):
    """Two models, two microphones: only the far one of the test set holds a recording of training."""
    of_training = parts_of(experiment)["train"].iloc[0]["path"]
    close, far = tmp_path / "unlike.wav", tmp_path / "copy.flac"
    write_copy(close, of_training, lambda samples: samples[::-1])
    write_copy(far, of_training)
    table = read_metadata(tmp_path / "metadata.csv")
    two = table.assign(close=table["path"], far=table["path"]).drop(columns=["path", "utterance"])
    two.to_csv(tmp_path / "metadata.csv", index=False)
    two.iloc[:1].assign(close=str(close), far=str(far)).to_csv(tmp_path / "test.csv", index=False)
    path = write_experiment(
        tmp_path,
        tmp_path / "metadata.csv",
        models=["log_mel"],
        datasets=[{"name": "other", "eval_csv_path": str(tmp_path / "test.csv")}],
    )
    model = tmp_path / "models" / "log_mel.json"
    settings = json.loads(model.read_text())
    for name in ("close", "far"):
        model.with_name(f"{name}.json").write_text(
            json.dumps({**settings, "name": name, "input_column": name})
        )
    model.unlink()
    expected = f"LEAK: recordings of the test set other are in the train part as well: 1 (seed 0): {far} = "
    (line,) = warnings_of(path)
    assert line.startswith(expected)


def test_what_nearly_sounds_the_same_may_be_a_leak(experiment, tmp_path):
    parts = parts_of(experiment)
    first, second = parts["train"].iloc[0], parts["test"].iloc[0]
    write_copy(tmp_path / "copy.mp3", first["path"], lambda samples: 0.3 * samples[1000:])
    replace_row(experiment, second, tmp_path / "copy.mp3")
    assert warnings_of(experiment) == [
        "maybe a LEAK: recordings of the test part nearly sound as some of the train part: 1 (seed 0): "
        f"copy.mp3 ≈ {first['utterance']}"
    ]


def test_silent_and_damaged_files_are_not_copies_of_each_other(experiment, tmp_path):
    parts = parts_of(experiment)
    for part in PARTS:
        sf.write(tmp_path / f"{part}.wav", np.zeros(16_000), 16_000)
        replace_row(experiment, parts[part].iloc[0], tmp_path / f"{part}.wav")
        (tmp_path / f"{part}.mp3").write_bytes(b"no audio")
        replace_row(experiment, parts[part].iloc[1], tmp_path / f"{part}.mp3")
    assert warnings_of(experiment) == []


@pytest.mark.thorough
def test_seeds_with_a_leak_are_named_together(tmp_path, small_corpus):
    table = read_metadata(small_corpus)
    speaker = table[table["actor"] == table["actor"].iloc[0]]
    copies = []
    for number, source in enumerate(speaker["path"]):
        copies.append(str(tmp_path / f"copy {number}.flac"))
        write_copy(copies[-1], source)
    other = table.index[table["actor"] == table["actor"].unique()[1]][: len(copies)]
    table.loc[other, "path"] = copies
    write_metadata(table, tmp_path / "metadata.csv")
    path = write_experiment(tmp_path, tmp_path / "metadata.csv", models=["log_mel"], cross_validation=6)
    lines = [line for line in warnings_of(path) if line.startswith("LEAK")]
    experiment = load_experiment(path)
    expected = set()
    for run in plan_runs(experiment):
        data = read_inputs(experiment, [run]).data["log_mel", run.seed]
        of_speakers = data.parts.groupby(data.table["actor"]).first()
        places = {of_speakers[actor] for actor in table["actor"].unique()[:2]}
        if len(places) == 2:
            expected.add(run.seed)
    assert expected and len(expected) < 6, "the seeds should differ in this"
    named = {seed for seed in range(6) if any(_names_seed(line, seed) for line in lines)}
    assert named == expected


def _names_seed(line, seed):
    seeds = line.partition("(seed ")[2].partition(")")[0]
    bounds = [part.split("–") for part in seeds.split(", ")]
    return any(int(bound[0]) <= seed <= int(bound[-1]) for bound in bounds)
