"""`kser report` on the command line."""

import json
import subprocess
import sys

import pytest
from matplotlib.figure import Figure

from kser import cli
from kser.files import replacing
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
    status, out, _ = run("--input-path", results)
    assert status == 0
    assert f"{results / 'report.html'}: models: 2, runs: 2, test sets: 1" in out
    assert (results / "report.html").is_file()
    elsewhere = tmp_path / "new folder" / "page.html"
    assert run("--input-path", results, "--output-path", elsewhere)[0] == 0
    assert elsewhere.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_wrong_folder_is_one_line_and_writes_nothing(run, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, err = run("--input-path", tmp_path / "empty")
    assert status == 2
    assert err.startswith("kser: ") and "no MODEL/seed_N below it" in err and len(err.splitlines()) == 1
    assert not list((tmp_path / "empty").iterdir())


def test_an_analysis_in_the_results_or_elsewhere_is_shown(run, tmp_path):
    results = write_study(tmp_path, seeds=1, datasets=("own",))
    figure = Figure()
    figure.subplots().set_title("drift")
    facts = {"stores": [], "utterances": 7, "speakers": 2, "notes": ["one was left out"], "figures": {}}
    with replacing(results / "analysis") as draft:
        (draft / "figures").mkdir(parents=True)
        for ending in ("svg", "png"):
            figure.savefig(draft / "figures" / f"drift.{ending}")
        facts["figures"] = {"drift": {"caption": "How far it went.", "width": 400}}
        (draft / "analysis.json").write_text(json.dumps(facts))
    assert run("--input-path", results)[0] == 0
    page = (results / "report.html").read_text(encoding="utf-8")
    for shown in (
        "Representations",
        "for 7 utterances of 2 speakers",
        "one was left out",
        "How far it went.",
    ):
        assert shown in page
    (results / "analysis").rename(tmp_path / "other")
    assert run("--input-path", results)[0] == 0
    assert "Representations" not in (results / "report.html").read_text(encoding="utf-8")
    assert run("--input-path", results, "--analysis", tmp_path / "other")[0] == 0
    assert "Representations" in (results / "report.html").read_text(encoding="utf-8")
    status, _, err = run("--input-path", results, "--analysis", tmp_path)
    assert status == 2 and "holds no analysis; kser analyse makes such a folder" in err


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
