"""How far an evaluation of several rows is, on a terminal and elsewhere."""

import io

import pytest
from rich.console import Console

from kser.cli.evaluation_progress import EvaluationProgress
from kser.experiment.study.events import TestSetStarted
from kser.training.console_progress import LiveLines
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch):
    return Clock().set_in(monkeypatch)


def console(terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=120)


def evaluate(progress, clock, rows, of_rows, every_s=30):
    for number in range(1, rows + 1):
        progress.begin(TestSetStarted(f"model {number} on EMOVO", number, of_rows))
        clock.now_s += every_s


def test_without_a_terminal_a_line_a_minute(clock):
    shown_on = console(terminal=False)
    progress = EvaluationProgress(LiveLines(shown_on))
    evaluate(progress, clock, 6, of_rows=110)
    assert shown_on.file.getvalue().splitlines() == [
        "evaluation: 2 of 110 models on test sets",
        "evaluation: 4 of 110 models on test sets, about 53 min left",
    ]
    assert progress.prefix == "[6/110] "


def test_on_a_terminal_the_line_is_live_and_goes(clock):
    shown_on = console(terminal=True)
    progress = EvaluationProgress(LiveLines(shown_on))
    evaluate(progress, clock, 2, of_rows=110)
    progress.begin(TestSetStarted("last on EMOVO", 110, 110))
    shown_on.print("above")
    assert "evaluation: 109 of 110 models on test sets done" in shown_on.file.getvalue()
    assert "last on EMOVO" in shown_on.file.getvalue()
    progress.stop()
    assert shown_on.file.getvalue().endswith("\x1b[2K")


def test_an_evaluation_of_one_row_has_no_line_of_its_own(clock):
    shown_on = console(terminal=False)
    progress = EvaluationProgress(LiveLines(shown_on))
    evaluate(progress, clock, 1, of_rows=1, every_s=300)
    assert shown_on.file.getvalue() == ""
    assert progress.prefix == ""
