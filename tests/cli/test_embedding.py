"""`kser embed`, from the command line to the folder."""

import json

import numpy as np
import pytest

MODEL = "results/study/tiny/seed_0/model"
DATA = ("--data", "metadata.csv")


def test_a_model_makes_a_folder_and_the_same_command_leaves_it(run, trained, tmp_path):
    command = ("embed", MODEL, *DATA, "--output", tmp_path / "store", "--layers", "0,1")
    for _ in range(2):
        ended = run(*command)
        assert ended.status == 0
        assert "store: 8 recordings, 2 of 2 hidden states" in ended.out and "mean, float32" in ended.out
    assert np.load(tmp_path / "store" / "layer_01.npy").shape[0] == 8


@pytest.mark.thorough
def test_several_models_make_a_folder_each(run, trained, tmp_path):
    (tmp_path / "bad.wav").write_text("no audio")
    (tmp_path / "data.csv").write_text(f"file,mood\n{trained}/a_high.wav,good\nbad.wav,bad\n")
    options = ("--data", tmp_path / "data.csv", "--input-column", "file", "--output", tmp_path / "stores")
    again = tmp_path / "copy" / "model"
    again.parent.mkdir()
    again.symlink_to(trained / MODEL)
    ended = run("embed", "results/study", again, *options, "--pool", "mean+std", "--layers", "1")
    assert ended.status == 1 and "bad.wav: cannot be read as audio" in ended.err
    facts = [json.loads(file.read_text()) for file in (tmp_path / "stores").glob("*/embeddings.json")]
    assert {path.name for path in (tmp_path / "stores").iterdir()} == {"seed_0", "copy"}
    assert [each["pool"] for each in facts] == ["mean+std"] * 2 and facts[0]["made_from"] == facts[1][
        "made_from"
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layers", "all,1"], "--layers all,1: must be all, or numbers with commas between them"),
        (["--layers", "9"], "layers: must be from 0 to 1, the layers of"),
        (["--pool", "median"], "pool: must be one of mean, max, first_last, mean+std, got median"),
        (["--dtype", "int8"], "dtype: must be float32 or float16, got int8"),
        (["--batch-size", "0"], "--batch-size 0: must be at least 1"),
        (["--input-column", "file"], "metadata.csv: "),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(run, trained, tmp_path, options, said):
    ended = run("embed", MODEL, *DATA, "--output", tmp_path / "store", *options)
    assert ended.status == 2 and said in ended.err.splitlines()[-1]
    assert not list(tmp_path.iterdir())
