"""`kser report` on the command line."""

import subprocess
import sys

import pytest

from kser import cli
from tests.experiment.made_up_study import write_study


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kser", "report", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    return run


def test_the_page_goes_into_the_results_unless_told_otherwise(run, tmp_path):
    results = write_study(tmp_path, seeds=1, datasets=("own",))
    status, out, _ = run("--input_path", results)
    assert status == 0
    assert f"{results / 'report.html'}: models: 2, runs: 2, test sets: 1" in out
    assert (results / "report.html").is_file()
    elsewhere = tmp_path / "new folder" / "page.html"
    assert run("--input-path", results, "--output-path", elsewhere)[0] == 0
    assert elsewhere.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_wrong_folder_is_one_line_and_writes_nothing(run, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, err = run("--input_path", tmp_path / "empty")
    assert status == 2
    assert err.startswith("kser: ") and "no MODEL/seed_N below it" in err and len(err.splitlines()) == 1
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("report", "(default: report.html in"),
        ("graph", "(default: training_curves.png"),
        ("normalize", "(default: one a core)"),
    ],
)
def test_help_tells_what_is_done_by_default(command, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kser", command, "--help"])
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setenv("TERMINAL_WIDTH", "240")
    with pytest.raises(SystemExit):
        cli.main()
    assert message in " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.thorough
def test_it_needs_no_backend():
    heavy = "{'keras', 'jax', 'torch', 'tensorflow'}"
    program = f"import sys, kser.report.page; print({heavy} & {{*sys.modules}})"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"
