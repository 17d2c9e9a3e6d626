"""How much a command says, and how: quietly or with more, in colours or without, in a terminal or a pipe."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from rich.console import Console

import kser
from kser.cli.study_display import StudyDisplay
from kser.console import is_live, loud, print_line, print_note, print_table
from kser.experiment.study.events import FileWritten, Note

COLOUR = re.compile(r"\x1b\[[0-9;]*[34]\d")


@pytest.fixture
def results(tmp_path):
    """A CSV with two models and three seeds."""
    rows = [
        {"model_name": model, "dataset_name": "speech", "seed": seed, "uar": 0.5 + shift + seed / 50}
        for model, shift in (("small", 0.0), ("large", 0.1))
        for seed in range(3)
    ]
    path = tmp_path / "results.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_quiet_commands_show_their_results_only(run, results):
    told, quiet = run("stats", results), run("stats", results, "--quiet")
    assert told.status == quiet.status == 0
    assert told.out.startswith(quiet.out)
    written = told.out.removeprefix(quiet.out).splitlines()
    assert written and all(line.startswith("written: ") for line in written)
    assert "small" in quiet.out and "large" in quiet.out


def test_the_next_command_of_a_process_is_not_quiet(run, results):
    assert "written: " not in run("stats", results, "--quiet").out
    assert "written: " in run("stats", results).out


def test_verbose_commands_show_versions_and_where_an_error_comes_from(run, study):
    plain, verbose = run("check", "nowhere.json"), run("check", "nowhere.json", "--verbose")
    assert plain.status == verbose.status == 2
    assert verbose.err.startswith(f"kser {kser.__version__}, Keras ")
    assert "Traceback" in verbose.err and "Traceback" not in plain.err
    assert verbose.err.endswith(plain.err)


def test_quiet_and_verbose_exclude_each_other(run, study):
    assert run("check", "--quiet", "--verbose").lines == ["give --quiet or --verbose, not both"]


def test_colours_are_for_terminals_that_want_them(run, study, monkeypatch):
    assert not COLOUR.search(run("check", "nowhere.json").err)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert COLOUR.search(run("check", "nowhere.json").err)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(run("check", "nowhere.json").err)


def quiet_console(**given) -> Console:
    return Console(file=io.StringIO(), quiet=True, **given)


def test_a_quiet_console_shows_what_is_printed_loudly():
    console = quiet_console()
    print_line(console, "progress")
    print_note(console, "a note")
    with loud(console):
        print_line(console, "a result")
    print_line(console, "more progress")
    assert console.file.getvalue() == "a note\na result\n"


def test_a_quiet_terminal_is_not_live():
    assert is_live(Console(file=io.StringIO(), force_terminal=True))
    assert not is_live(quiet_console(force_terminal=True))
    assert not is_live(Console(file=io.StringIO()))


def test_a_quiet_study_shows_what_needs_attention(tmp_path):
    console = quiet_console(force_terminal=True, color_system=None)
    with StudyDisplay(console) as display:
        display(FileWritten("", "summary", tmp_path))
        display(Note("", "a speaker is in two parts"))
    assert console.file.getvalue() == "a speaker is in two parts\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_tables_have_frames_on_terminals_alone(is_terminal):
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=60)
    print_table(console, "UAR [%]", ["model", "runs"], [["a[b]", "12"]], texts=1)
    text = console.file.getvalue()
    assert "UAR [%]" in text and "a[b]" in text
    assert ("│" in text) is is_terminal
    if not is_terminal:
        assert text == "UAR [%]\nmodel  runs\na[b]     12\n"


def test_quiet_lists_and_summaries_are_shown(run, tmp_path):
    assert run("convert", "--list", "--quiet").out == run("convert", "--list").out
    (tmp_path / "calls").mkdir()
    sf.write(tmp_path / "calls" / "a.wav", np.sin(np.arange(16_000) / 20) / 2, 16_000)
    ended = run("normalize", "--quiet", "--input-path", tmp_path / "calls", "--output-path", tmp_path / "out")
    assert ended.status == 0, ended.err
    assert ended.out.splitlines() == [f"{tmp_path / 'out'}: 1 recordings at -23 LUFS"]
