"""What is shown of a run while it lasts: a live line on a terminal, a line an evaluation elsewhere."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from kser.training.console_progress import ConsoleProgress, LiveLines
from kser.training.events import AudioRead, BatchTrained, Evaluated, TrainingEnded, TrainingStarted
from tests.clock import Clock
from tests.training.small_run import PLAN, small_run


def shown_run(folder, terminal):
    shown_on = Console(file=io.StringIO(), force_terminal=terminal, width=160)
    display = ConsoleProgress(LiveLines(shown_on), "uar")
    _, result = small_run(folder, title="run", progress=display)
    return shown_on.file.getvalue(), display, result


@pytest.mark.thorough
def test_without_a_terminal_a_line_for_each_evaluation(tmp_path):
    text, display, result = shown_run(tmp_path / "run", terminal=False)
    rows = pd.read_csv(tmp_path / "run" / "log.csv").dropna(subset=["val_loss"])
    lines = [line for line in text.splitlines() if "val loss" in line]
    for line, row in zip(lines, rows.itertuples(), strict=True):
        assert line.startswith(f"run: update {row.step}/{result.updates}")
        assert f"val loss {row.val_loss:.4f} val uar {row.val_uar:.4f}" in line
    best = rows[rows["step"] == result.best_step].iloc[0]
    said = f"best at update {result.best_step} of {result.updates}, val loss {best.val_loss:.4f} val uar "
    assert display.result().startswith(said)
    assert display.trained_from_the_start


def test_on_a_terminal_one_live_line(tmp_path):
    text, _, result = shown_run(tmp_path / "run", terminal=True)
    assert f"epoch 8.0/{PLAN.epochs}, update {result.updates}/{result.updates} · loss" in text
    assert "val uar" in text
    assert "utt/s" in text
    assert "run: update" not in text


def test_without_a_terminal_evaluations_and_long_reading_say_how_long_the_rest_takes(monkeypatch):
    clock = Clock().set_in(monkeypatch)
    shown_on = Console(file=io.StringIO(), width=160)
    display = ConsoleProgress(LiveLines(shown_on))
    for done in range(1, 91):
        clock.now_s += 1
        display(AudioRead("run", done, 270, "computing features"))
    at = {"updates": 600, "epoch": 0.0, "epochs": 1, "utterances_per_s": None, "seconds": 0.0}
    display(TrainingStarted("run", 0, loss=None, validation={"loss": 2.0}, description="all", **at))
    for step in range(1, 121):
        clock.now_s += 1
        display(BatchTrained("run", step, loss=None, validation={}, **at))
    display(Evaluated("run", 120, loss=1.5, validation={"loss": 1.0}, **at))
    assert shown_on.file.getvalue().splitlines() == [
        "run: computing features: 61 of 270 files, about 3 min left",
        "run: all",
        "run: update 0/600  val loss 2.0000  0 s",
        "run: update 120/600  loss 1.5000  val loss 1.0000  0 s, about 8 min left",
    ]


def test_lines_share_one_place(tmp_path):
    shown_on = Console(file=io.StringIO(), force_terminal=True, width=40)
    lines = LiveLines(shown_on)
    lines.add("study")
    lines.add("run")
    shown_on.print("above")
    lines.remove("run")
    lines.remove("run")
    lines.remove("study")
    text = shown_on.file.getvalue()
    assert "above\nstudy\nrun" in text


@pytest.mark.thorough
def test_events_tell_the_whole_run(tmp_path):
    events = []
    _, result = small_run(tmp_path / "run", title="run", progress=events.append)
    rows = pd.read_csv(tmp_path / "run" / "log.csv").dropna(subset=["val_loss"]).set_index("step")
    started, ended = events[0], events[-1]
    assert isinstance(started, TrainingStarted)
    assert isinstance(ended, TrainingEnded)
    assert (started.step, started.loss, started.utterances_per_s) == (0, None, None)
    evaluations = [event for event in events if isinstance(event, Evaluated)]
    assert [event.step for event in evaluations] == list(rows.index[1:])
    for event in [started, *evaluations]:
        np.testing.assert_allclose(event.validation["uar"], rows.loc[event.step, "val_uar"], rtol=1e-6)
    batches = [event for event in events if isinstance(event, BatchTrained)]
    assert len(batches) == result.updates * PLAN.gradient_accumulation_steps
    assert all(event.utterances_per_s > 0 for event in batches)
    assert ended.best_step == result.best_step
    assert ended.best_validation["loss"] == result.best_loss


@pytest.mark.thorough
def test_a_finished_run_reports_its_end_again(tmp_path):
    events = []
    small_run(tmp_path / "run")
    small_run(tmp_path / "run", progress=events.append)
    (ended,) = events
    assert isinstance(ended, TrainingEnded)
