"""The command line itself: its help, mistyped commands, interruptions, and how mistakes are printed."""

import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kser
from kser.errors import UserError

COMMANDS = [
    *("", "check", "train", "eval", "graph", "stats", "report", "augment", "normalize", "trim", "convert"),
    *("embed", "serve", "demo", "version", "data", "data list", "data info", "data prepare"),
]
REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = {
    "keras",
    "jax",
    "tensorflow",
    "torch",
    "pandas",
    "numpy",
    "sklearn",
    "matplotlib",
    "pydantic",
    "scipy",
}


class TestCommands:
    def test_importing_the_commands_imports_nothing_heavy(self):
        program = f"import sys, kser.cli; print(sorted({HEAVY} & set(sys.modules)))"
        ended = subprocess.run(
            [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        assert ended.stdout == "[]\n"

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            ("", ["train", "eval", "data", "version", "KERAS_BACKEND"]),
            ("train", ["--experiment-file", "--low-seed", "--high-seed"]),
            ("eval", ["--eval-path", "--redo"]),
            ("data", ["list", "info", "prepare"]),
            ("data list", ["corpora"]),
            ("data info", ["citation"]),
            ("data prepare", ["--source", "--download", "--output-path"]),
            ("version", ["version"]),
            ("convert", ["(extra torch)"]),
        ],
    )
    def test_help_says_what_there_is(self, run, monkeypatch, command, said):
        monkeypatch.setenv("COLUMNS", "200")
        ended = run(*command.split(), "--help")
        assert ended.status == 0
        assert not [word for word in said if word not in ended.out]

    @pytest.mark.parametrize("width", ["40", "80", "200"])
    @pytest.mark.parametrize("command", COMMANDS)
    def test_help_names_every_option_once(self, run, monkeypatch, command, width):
        monkeypatch.setenv("COLUMNS", width)
        ended = run(*command.split(), "--help")
        assert ended.status == 0
        options = re.findall(r"^  (--[a-z-]+)", ended.out, flags=re.MULTILINE)
        assert options == list(dict.fromkeys(options))
        assert "--help" in options
        assert not re.search(r"--\w+_\w", ended.out)

    def test_the_list_of_commands_has_a_whole_sentence_for_each(self, run, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        for command in ("", "data"):
            commands = run(*command.split(), "--help").out.strip().split("Commands:\n")[1].splitlines()
            assert not [line for line in commands if not line.endswith(".") or line.endswith("...")]

    @pytest.mark.parametrize("command", ["version", "--version"])
    def test_version_is_that_of_the_package(self, run, command):
        ended = run(command)
        assert (ended.status, ended.out) == (0, f"{kser.__version__}\n")

    @pytest.mark.parametrize("command", ["check", "train", "augment --output-path out"])
    def test_a_file_may_be_given_with_or_without_its_option(self, run, study, command):
        for file in (["nowhere.json"], ["--experiment-file", "nowhere.json"]):
            assert run(*command.split(), *file).lines == ["nowhere.json: file not found"]

    @pytest.mark.parametrize("command", ["eval", "graph", "stats", "report"])
    def test_a_path_may_be_given_with_or_without_its_option(self, run, study, command):
        option = "--eval-path" if command == "eval" else "--input-path"
        without = run(command, "nowhere")
        assert without.status == 2
        assert without.lines == run(command, option, "nowhere").lines

    @pytest.mark.parametrize(
        ("command", "option"),
        [
            ("check", "experiment-file"),
            ("train", "experiment-file"),
            ("augment --output-path out", "experiment-file"),
            ("eval", "eval-path"),
            ("graph", "input-path"),
            ("stats", "input-path"),
            ("report", "input-path"),
        ],
    )
    def test_a_path_is_given_once(self, run, study, command, option):
        said = f"give a or --{option} b, not both"
        assert run(*command.split(), "a", f"--{option}", "b").lines == [said]

    @pytest.mark.parametrize("command", ["eval", "graph", "stats", "report", "augment --output-path out"])
    def test_a_command_that_needs_a_path_says_so(self, run, study, command):
        (line,) = run(*command.split()).lines
        assert line.startswith("give a path, with or without --")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ("train --experiment-fle a.json", ["No such option: --experiment-fle", "--experiment-file"]),
            ("train a.json b.json", ["unexpected extra argument", "b.json"]),
            ("train --low-seed one --high-seed 2", ["Invalid value for '--low-seed'"]),
            ("tran", ["No such command 'tran'", "train"]),
            ("data prepare", ["Missing argument 'name'"]),
        ],
    )
    def test_a_mistyped_command_is_told_with_what_is_wrong(self, run, monkeypatch, arguments, said):
        monkeypatch.setenv("COLUMNS", "200")
        ended = run(*arguments.split())
        assert ended.status == 2
        assert not [words for words in said if words not in ended.err]

    def test_dashes_are_taken_for_underscores(self, run, study):
        ended = run("train", "--experiment-file", "nowhere.json", "--low-seed", 1, "--high-seed", 2)
        assert ended.lines == ["nowhere.json: file not found"]

    def test_an_interruption_says_how_to_go_on(self, run, study, monkeypatch):
        def interrupt(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("kser.experiment.config.loading.load_experiment", interrupt)
        ended = run("train", "--experiment-file", "experiment.json")
        assert (ended.status, ended.lines) == (130, ["interrupted; the same command continues"])

    def test_each_line_of_a_mistake_stands_on_its_own(self, run, monkeypatch):
        def refuse(name):
            raise UserError("a: one\nb: two")

        monkeypatch.setattr("kser.corpora.recipes.recipe", refuse)
        ended = run("data", "info", "emodb")
        assert (ended.status, ended.err) == (2, "kser: a: one\nkser: b: two\n")

    @pytest.mark.parametrize("command", ["check", "train", "eval", "graph", "stats", "report"])
    def test_a_path_longer_than_any(self, run, study, command):
        (line,) = run(command, "x" * 300).lines
        assert "x" * 300 in line

    def test_a_full_disk_says_what_to_do(self, run, study, monkeypatch):
        def full(name):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("kser.corpora.recipes.recipe", full)
        (line,) = run("data", "info", "emodb").lines
        assert line.startswith("No space left on device; free some space, or name a folder on another disk")

    def test_other_errors_of_the_system_are_not_hidden(self, run, study, monkeypatch):
        def fail(name):
            raise OSError(errno.EBADF, "Bad file descriptor")

        monkeypatch.setattr("kser.corpora.recipes.recipe", fail)
        with pytest.raises(OSError, match="Bad file descriptor"):
            run("data", "info", "emodb")

    def test_a_terminal_is_not_given_what_it_would_obey(self, run, study):
        Path("it.json").write_text(r'{"\u001b[2J\u202eé": 1, "\u001b[2J\u202eé": 1}', encoding="utf-8")
        (line,) = run("check", "it.json").lines
        assert line == r"it.json: \x1b[2J\u202eé: given more than once; keep one"
