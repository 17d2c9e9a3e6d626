"""What is shown of a run while it lasts: a live line on a terminal, a line an evaluation elsewhere."""

import io

import pandas as pd
from rich.console import Console

from kser.training.progress import LiveLines, ProgressDisplay
from tests.training.small_run import PLAN, small_run


def shown_run(folder, terminal):
    shown_on = Console(file=io.StringIO(), force_terminal=terminal, width=160)
    display = ProgressDisplay("run", LiveLines(shown_on), "uar")
    _, result = small_run(folder, [display])
    return shown_on.file.getvalue(), display, result


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
    assert not display.continued


def test_on_a_terminal_one_live_line(tmp_path):
    text, _, result = shown_run(tmp_path / "run", terminal=True)
    assert f"epoch 8.0/{PLAN.epochs}, update {result.updates}/{result.updates} · loss" in text
    assert "val uar" in text
    assert "utt/s" in text
    assert "run: update" not in text


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
