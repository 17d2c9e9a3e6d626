"""Logs of kser and of the Trainer, wherever they lie, as one table."""

import sys

import numpy as np
import pandas as pd
import pytest

from kser.errors import UserError
from kser.evaluation.curve_files import read_training_curves
from kser.training.training_log import COLUMNS, TrainingLog
from tests.evaluation.event_writing import write_events


@pytest.fixture
def without_tensorboard(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)


def write_log(folder, rows):
    log = TrainingLog(folder / "log.csv")
    for row in rows:
        log.add(row)


def values(curves, name, model=None, seed=None):
    chosen = curves
    if model is not None:
        chosen = chosen[(chosen["model"] == model) & (chosen["seed"] == seed)]
    known = chosen.dropna(subset=[name])
    return dict(zip(known["step"].astype(int), known[name], strict=True))


def test_models_and_seeds_of_a_study(tmp_path):
    for model, seed in [("wavlm", 10), ("wavlm", 2), ("hubert", 2)]:
        write_log(tmp_path / "runs/study" / model / f"seed_{seed}", [{"step": 0, "val_uar": seed / 10}])
    for path in (tmp_path, tmp_path / "runs/study"):
        curves, notes = read_training_curves(path)
        runs = list(zip(curves["model"], curves["seed"], strict=True))
        assert runs == [("hubert", "2"), ("wavlm", "2"), ("wavlm", "10")]
        assert notes == []
    curves, _ = read_training_curves(tmp_path / "runs/study/wavlm/seed_10/log.csv")
    assert curves[["model", "seed"]].to_numpy().tolist() == [["wavlm", "10"]]


def test_studies_tell_models_of_one_name_apart(tmp_path):
    for study in ("a", "b"):
        write_log(tmp_path / study / "wavlm" / "seed_1", [{"step": 0, "val_uar": 0.5}])
    assert list(read_training_curves(tmp_path)[0]["model"]) == ["a/wavlm", "b/wavlm"]


def test_values_are_those_of_the_log(tmp_path):
    rows = [{"step": 0, "val_loss": 1.5}, {"step": 10, "loss": 1.25, "learning_rate": 5e-5}]
    write_log(tmp_path / "m" / "seed_0", rows)
    curves, _ = read_training_curves(tmp_path)
    assert values(curves, "val_loss") == {0: 1.5}
    assert values(curves, "loss") == {10: 1.25}
    assert values(curves, "learning_rate") == {10: 5e-5}


@pytest.mark.parametrize(
    ("tail", "lines"),
    [
        ("20,1.0,1.2", "4"),  # fewer cells
        ("20,1,1.1,,,,,,1", "4"),  # as many cells, but no end of the line: the last number may go on
        ("20,1,1.1x,,,,,,1\n", "4"),
        ("\0\0\0\0\n", "4"),
        ("\n20,1.0\n,1,1,,,,,,1\n", "4, 5, 6"),
    ],
)
def test_broken_rows_are_left_out_and_told(tmp_path, tail, lines):
    write_log(tmp_path / "m" / "seed_0", [{"step": 0, "loss": 2.0}, {"step": 10, "loss": 1.0}])
    path = tmp_path / "m" / "seed_0" / "log.csv"
    with path.open("a") as file:
        file.write(tail)
    curves, notes = read_training_curves(tmp_path)
    assert values(curves, "loss") == {0: 2.0, 10: 1.0}
    assert notes == [f"{path}: left out, broken or half written: line {lines}"]


def test_a_diverged_run_ends_where_its_numbers_do(tmp_path):
    path = tmp_path / "m" / "seed_0" / "log.csv"
    path.parent.mkdir(parents=True)
    path.write_text("step,loss\n0,1.5\n10,inf\n20,nan\n")
    assert values(read_training_curves(tmp_path)[0], "loss") == {0: 1.5}


def test_other_csv_and_empty_logs_are_told_and_the_rest_is_read(tmp_path):
    write_log(tmp_path / "m" / "seed_0", [{"step": 0, "loss": 2.0}])
    write_log(tmp_path / "m" / "seed_1", [])
    (tmp_path / "log.csv").write_text("a,b\n1,2\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "log.csv").write_text("not read")
    curves, notes = read_training_curves(tmp_path)
    assert list(curves["seed"]) == ["0"]
    assert len(notes) == 2
    assert "no column step" in notes[0]
    assert "no rows yet" in notes[1]


def test_nothing_to_read_says_what_is_needed(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: not found; give the folder"):
        read_training_curves(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"no log\.csv and no events\.out\.tfevents\.\*"):
        read_training_curves(tmp_path)
    (tmp_path / "log.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(UserError, match="no rows yet"):
        read_training_curves(tmp_path)


def test_tags_of_the_trainer_have_the_names_of_kser(tmp_path):
    folder = tmp_path / "wav2vec2" / "seed_7" / "runs" / "Nov22_10-30-01_host"
    write_events(folder / "events.out.tfevents.1.host.1.0", [
        (5, "train/loss", 2.0), (5, "train/learning_rate", 0.5), (5, "train/epoch", 1.0),
        (5, "train/grad_norm", 3.0), (9, "eval/loss", 1.5), (9, "eval/uar", 0.25), (9, "eval/accuracy", 0.5),
    ])  # fmt: skip
    curves, notes = read_training_curves(tmp_path)
    assert notes == []
    assert curves[["model", "seed"]].drop_duplicates().to_numpy().tolist() == [["wav2vec2", "7"]]
    row = curves.set_index("step")
    assert row.loc[5, ["loss", "learning_rate", "epoch", "train_grad_norm"]].tolist() == [2.0, 0.5, 1.0, 3.0]
    assert row.loc[9, ["val_loss", "val_uar", "val_accuracy"]].tolist() == [1.5, 0.25, 0.5]
    assert np.isnan(row.loc[9, "loss"])


def test_a_folder_without_a_seed_is_a_model_with_one_run(tmp_path):
    write_events(
        tmp_path / "hubert" / "runs" / "Nov22_10-30-01_h" / "events.out.tfevents.1.h", [(1, "eval/uar", 0.5)]
    )
    write_events(tmp_path / "wavlm" / "3" / "events.out.tfevents.1.h", [(1, "eval/uar", 0.5)])
    curves, _ = read_training_curves(tmp_path)
    assert curves[["model", "seed"]].to_numpy().tolist() == [["hubert", ""], ["wavlm", "3"]]


def test_event_files_of_one_run_go_on_from_each_other(tmp_path):
    folder = tmp_path / "m" / "seed_1"

    def steps(begin, end, value):
        return [(step, "train/loss", value) for step in range(begin, end, 10)]

    write_events(folder / "events.out.tfevents.9.h.1.0", [*steps(0, 60, 2.0), (40, "eval/uar", 0.5)])
    write_events(folder / "events.out.tfevents.10.h.2.0", steps(30, 50, 1.0))
    write_events(folder / "events.out.tfevents.10.h.2.1", [(40, "eval/accuracy", 0.75)])
    curves, _ = read_training_curves(tmp_path)
    assert values(curves, "loss") == {0: 2.0, 10: 2.0, 20: 2.0, 30: 1.0, 40: 1.0}
    assert values(curves, "val_uar") == {40: 0.5}
    assert values(curves, "val_accuracy") == {40: 0.75}


def test_damaged_event_files_are_read_as_far_as_they_go(tmp_path):
    path = tmp_path / "m" / "seed_1" / "events.out.tfevents.1.h"
    write_events(path, [(1, "train/loss", 2.0), (2, "train/loss", 1.0)])
    path.write_bytes(path.read_bytes()[:-3])
    curves, [note] = read_training_curves(tmp_path)
    assert values(curves, "loss") == {1: 2.0}
    assert "cut off" in note


def test_event_files_of_which_nothing_can_be_read_are_said_to_be_so(tmp_path):
    write_events(tmp_path / "m" / "seed_1" / "events.out.tfevents.1.h", [(1, "train/loss", 2.0)])
    for seed, content in (("2", b"garbage" * 100), ("3", b"")):
        path = tmp_path / "m" / f"seed_{seed}" / "events.out.tfevents.1.h"
        path.parent.mkdir()
        path.write_bytes(content)
    curves, [damaged, empty] = read_training_curves(tmp_path)
    assert set(curves["seed"]) == {"1"}
    assert damaged.endswith("cut off or damaged; left out: no value could be read")
    assert empty.endswith("left out: empty")


def test_both_kinds_of_logs_stand_in_one_table(tmp_path):
    write_log(tmp_path / "new" / "seed_1", [{"step": 0, "val_uar": 0.5}])
    write_events(tmp_path / "old" / "seed_1" / "events.out.tfevents.1.h", [(0, "eval/uar", 0.25)])
    curves, _ = read_training_curves(tmp_path)
    assert dict(zip(curves["model"], curves["val_uar"], strict=True)) == {"new": 0.5, "old": 0.25}
    assert isinstance(curves, pd.DataFrame)


def test_a_run_with_a_log_is_read_from_that_only(tmp_path, without_tensorboard):
    write_log(tmp_path / "m" / "seed_1", [{"step": 0, "val_uar": 0.5}])
    write_events(tmp_path / "m" / "seed_1" / "events" / "events.out.tfevents.1.h", [(7, "eval/uar", 0.25)])
    curves, notes = read_training_curves(tmp_path)
    assert values(curves, "val_uar") == {0: 0.5}
    assert notes == []


def test_event_files_without_tensorboard_say_what_to_install(tmp_path, without_tensorboard):
    write_events(tmp_path / "m" / "seed_1" / "events.out.tfevents.1.h", [(7, "eval/uar", 0.25)])
    with pytest.raises(
        UserError, match=r"tfevents\.1\.h: .* requires TensorBoard; install the extra tensorboard: "
    ):
        read_training_curves(tmp_path)
