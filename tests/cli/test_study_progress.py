"""How far a study is and how long it will take, on a terminal and elsewhere."""

import io
from dataclasses import dataclass

import pytest
from rich.console import Console

from kser.cli import study_progress
from kser.cli.study_progress import StudyProgress
from kser.training.console_progress import LiveLines


@dataclass
class Model:
    name: str


@dataclass
class Run:
    model: Model
    title: str


RUNS = [Run(Model(name), f"{name}, seed {seed}") for name in ("large", "small") for seed in (0, 1)]


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(study_progress.time, "monotonic", lambda: now[0])
    return now


def console(terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


def run_for(progress, clock, run, seconds, **ended):
    progress.start_run(run.title)
    clock[0] += seconds
    progress.end_run(run, **{"trained": True, **ended})


def test_time_left_follows_from_runs_of_the_same_model(clock):
    progress = StudyProgress(RUNS, LiveLines(console(terminal=False)))
    assert progress.seconds_left() is None
    run_for(progress, clock, RUNS[0], 100.0)
    assert progress.seconds_left() == 300.0
    progress.start_run(RUNS[1].title)
    clock[0] += 30.0
    assert progress.seconds_left() == 270.0
    run_for(progress, clock, RUNS[1], 100.0)
    run_for(progress, clock, RUNS[2], 10.0)
    assert progress.seconds_left() == 10.0
    run_for(progress, clock, RUNS[3], 10.0)
    assert progress.seconds_left() == 0.0


def test_the_first_run_computes_what_later_ones_share_and_does_not_count_beside_them(clock):
    progress = StudyProgress(RUNS, LiveLines(console(terminal=False)))
    run_for(progress, clock, RUNS[0], 600.0)
    assert "at most about 30 min left" in str(progress)
    run_for(progress, clock, RUNS[1], 6.0)
    assert str(progress) == "study: 2 of 4 runs done, about 12 s left"


def test_runs_at_once_share_what_is_left(clock):
    progress = StudyProgress(RUNS, LiveLines(console(terminal=False)))
    for run in RUNS[:2]:
        progress.start_run(run.title)
    clock[0] += 100.0
    progress.end_run(RUNS[1], trained=True)
    progress.start_run(RUNS[2].title)
    assert progress.seconds_left() == 100.0
    clock[0] += 40.0
    progress.end_run(RUNS[0], trained=True)
    assert progress.seconds_left() == 140.0  # of a single run that has not begun


def test_runs_that_were_there_or_failed_say_nothing_of_the_time(clock):
    progress = StudyProgress(RUNS, LiveLines(console(terminal=False)))
    run_for(progress, clock, RUNS[0], 1.0, trained=False)
    run_for(progress, clock, RUNS[1], 1.0, trained=False, failed=True)
    assert progress.seconds_left() is None
    assert str(progress) == "study: 2 of 4 runs done, 1 failed"


def test_without_a_terminal_a_line_after_each_trained_run(clock):
    shown_on = console(terminal=False)
    progress = StudyProgress(RUNS, LiveLines(shown_on))
    run_for(progress, clock, RUNS[0], 1.0, trained=False)
    run_for(progress, clock, RUNS[1], 600.0)
    assert shown_on.file.getvalue() == "study: 2 of 4 runs done, at most about 20 min left\n"


def test_on_a_terminal_the_line_is_live_and_goes(clock):
    shown_on = console(terminal=True)
    progress = StudyProgress(RUNS, LiveLines(shown_on))
    run_for(progress, clock, RUNS[0], 600.0)
    with shown_on.capture() as capture:
        shown_on.print(progress)
    assert "study: 1 of 4 runs done, at most about 30 min left" in capture.get()
    progress.stop()
    assert shown_on.file.getvalue().endswith("\x1b[2K")  # the line is cleared at the end


def test_a_study_of_one_run_has_no_line_of_its_own(clock):
    shown_on = console(terminal=False)
    progress = StudyProgress(RUNS[:1], LiveLines(shown_on))
    run_for(progress, clock, RUNS[0], 600.0)
    assert shown_on.file.getvalue() == ""
