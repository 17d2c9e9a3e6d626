"""The log is a CSV that a data frame reads, whole after every row."""

import pandas as pd

from kser.training.training_log import COLUMNS, TrainingLog


def test_each_row_is_on_disk_at_once(tmp_path):
    log = TrainingLog(tmp_path / "log.csv")
    log.add({"step": 0, "val_loss": 1.5, "seconds": 0.25})
    log.add({"step": 10, "loss": 1.25, "learning_rate": 5e-5})
    table = pd.read_csv(tmp_path / "log.csv")
    assert list(table.columns) == list(COLUMNS)
    assert table["step"].tolist() == [0, 10]
    assert table["val_loss"].isna().tolist() == [False, True]
    assert table["learning_rate"].iloc[1] == 5e-5


def test_continues_with_the_rows_it_is_given(tmp_path):
    first = TrainingLog(tmp_path / "log.csv")
    for step in (0, 10, 20):
        first.add({"step": step})
    second = TrainingLog(tmp_path / "log.csv", first.rows[:2])
    second.add({"step": 20, "loss": 1.0})
    assert pd.read_csv(tmp_path / "log.csv")["step"].tolist() == [0, 10, 20]
    assert pd.read_csv(tmp_path / "log.csv")["loss"].iloc[-1] == 1.0


def test_columns_of_evaluations_are_those_that_it_is_given(tmp_path):
    log = TrainingLog(tmp_path / "log.csv", measures=("val_loss", "val_ccc"))
    log.add({"step": 3, "val_loss": 0.5, "val_ccc": 0.25})
    table = pd.read_csv(tmp_path / "log.csv")
    assert list(table.columns) == [
        *("step", "epoch", "loss", "learning_rate"),
        *("val_loss", "val_ccc", "seconds"),
    ]
    assert table["val_ccc"].tolist() == [0.25]


def test_without_a_file_it_keeps_the_rows_all_the_same(tmp_path):
    log = TrainingLog(tmp_path / "log.csv", on_disk=False)
    log.add({"step": 3})
    assert log.rows == [{"step": 3}]
    assert not log.path.exists()
