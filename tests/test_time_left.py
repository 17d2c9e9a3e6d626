"""How long the rest takes: at an even pace, in bursts, on a terminal and in a pipe."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from kser.progress_bar import bar_of_reports, progress_bar
from kser.time_left import Pace, ProgressLines, TimeLeft
from kser.words import duration_in_words
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch):
    return Clock().set_in(monkeypatch)


def console(terminal=False, quiet=False):
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, quiet=quiet)


def do(report, clock, every_s, until_s, of_each=1):
    """Report a number of things at once, every so often, from now on."""
    done = 0
    while clock.now_s + every_s <= until_s:
        clock.now_s += every_s
        for _ in range(of_each):
            done += 1
            report(done)
    return done


def test_an_even_pace_tells_the_rest(clock):
    pace = Pace()
    done = do(pace.report, clock, 0.5, 50)
    assert pace.seconds_left(done + 100) == pytest.approx(50, abs=2)


def test_bursts_are_told_apart_from_the_pace(clock):
    pace = Pace()
    do(pace.report, clock, 40, 40, of_each=40)
    assert pace.seconds_left(1000) is None
    pace = Pace()
    clock.now_s = 0
    done = do(pace.report, clock, 40, 80, of_each=40)
    clock.now_s += 10
    assert pace.seconds_left(1000) == pytest.approx(1000 - done - 10)


def test_slow_steps_have_an_estimate_after_the_second(clock):
    pace = Pace()
    do(pace.report, clock, 35, 70)
    clock.now_s += 5
    assert pace.seconds_left(28) == pytest.approx(26 * 35 - 5)


def test_the_first_report_begins_the_pace_and_what_came_before_does_not_count(clock):
    clock.now_s = 600
    pace = Pace()
    for done, now_s in ((1, 600), (2, 610), (3, 620)):
        clock.now_s = now_s
        pace.report(done)
    clock.now_s += 3
    assert pace.seconds_left(10) == pytest.approx(67)


def test_what_takes_longer_than_it_should_has_no_estimate(clock):
    pace = Pace()
    do(pace.report, clock, 10, 30)
    clock.now_s += 1000
    assert pace.seconds_left(4) is None


def test_what_is_done_takes_no_more_time(clock):
    pace = Pace()
    pace.report(4)
    assert pace.seconds_left(4) == 0


def test_a_bar_shows_the_time_left(clock):
    column = TimeLeft()
    progress = Progress(column, console=console(terminal=True))
    progress.add_task("reading", total=20)
    (task,) = progress.tasks
    assert str(column.render(task)) == ""
    for done in (1, 2, 3):
        clock.now_s += 60
        progress.update(task.id, completed=done)
        column.render(task)
    clock.now_s += 3
    assert str(column.render(task)) == "17 min left"


def test_a_pipe_gets_a_line_a_minute(clock):
    shown_on = console()
    with progress_bar(shown_on, "predicting", 400, "files") as show:
        do(show, clock, 1, 150)
    assert shown_on.file.getvalue().splitlines() == [
        "predicting: 400 files",
        "predicting: 60 of 400 files, about 6 min left",
        "predicting: 120 of 400 files, about 5 min left",
    ]


def test_lines_of_bytes_are_in_megabytes(clock):
    shown_on = console()
    lines = ProgressLines(shown_on, "corpus.zip", "bytes", announces=False)
    clock.now_s += 60
    lines(25_500_000, 300e6)
    assert shown_on.file.getvalue() == "corpus.zip: 25.5 of 300.0 MB\n"


def test_one_thing_is_counted_in_percent(clock):
    shown_on = console()
    with progress_bar(shown_on, "predicting", 1, "%") as show:
        do(lambda done: show(done / 400), clock, 1, 70)
    assert shown_on.file.getvalue() == "predicting: 15%, about 6 min left\n"


def test_on_a_terminal_a_bar_begins_with_its_first_report_and_ends_with_its_last(clock):
    shown_on = console(terminal=True)
    with bar_of_reports(shown_on, "compiling", "programs") as report:
        shown_on.print("loaded")
        assert "compiling" not in shown_on.file.getvalue()
        report(1, 2)
        report(2, 2)
        written = shown_on.file.getvalue()
        assert "2/2" in written
        shown_on.print("ready")
    assert shown_on.file.getvalue() == f"{written}ready\n"


def test_a_long_title_is_cut_and_not_what_is_counted(clock):
    shown_on = console(terminal=True)
    with progress_bar(shown_on, "hidden states of /a/[very]/long/path" * 9, 134, "files") as show:
        show(14)
    *_, last, _ = shown_on.file.getvalue().splitlines()
    assert "hidden states of /a/[very]/long" in last and "…" in last
    assert "14/134" in last and "files" in last


def test_the_end_has_no_line_of_its_own(clock):
    shown_on = console()
    lines = ProgressLines(shown_on, "predicting", "files", announces=False)
    clock.now_s += 60
    lines(2, 2)
    assert shown_on.file.getvalue() == ""


def test_a_quiet_console_shows_nothing(clock):
    for terminal in (False, True):
        shown_on = console(terminal, quiet=True)
        with progress_bar(shown_on, "predicting", 400, "files") as show:
            do(show, clock, 1, 150)
        assert shown_on.file.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(45, "45 s"), (720, "12 min"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")],
)
def test_durations_in_words(seconds, words):
    assert duration_in_words(seconds) == words
