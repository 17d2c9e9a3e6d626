"""A study that kser 0.1.0 trained, evaluated and tested: its files load, with the same numbers."""

import io
import json
import math
import shutil
import sys
import zipfile
from pathlib import Path

import keras
import pandas as pd
import pytest

import kser
from kser import cli
from tests.golden import STUDY_0_1_0

EXPERIMENTS = {"study": ["classes", "classes_and_numbers"], "further_kinds": ["labels", "numbers"]}
# Of what is computed from stored weights, which processors round differently (Pearson's r of few utterances
# by 1e-5); and of training anew, where rounding adds up over twelve updates.
SAME, TRAINED_ANEW = 5e-5, 1e-3


def unpacked(folder: Path) -> Path:
    """The stored study in a folder."""
    with zipfile.ZipFile(STUDY_0_1_0) as archive:
        archive.extractall(folder)
    for path in folder.rglob("*"):
        if path.suffix in {".csv", ".json", ".md"}:
            path.write_text(path.read_text().replace("{folder}", str(folder)))
    return folder


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """The study as it was stored; tests leave it as it is."""
    return unpacked(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def study(tmp_path) -> Path:
    """The study, to work on."""
    return unpacked(tmp_path / "study")


@pytest.fixture
def run(monkeypatch, stored):
    """Run a command in a folder under the versions of the study: they are part of a run's fingerprint."""
    facts = json.loads((stored / "results/study/classes/seed_0/model/kser.json").read_text())
    monkeypatch.setattr(kser, "__version__", facts["kser_version"])
    monkeypatch.setattr(keras, "__version__", facts["keras_version"])

    def run(folder: Path, *arguments: object) -> None:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["kser", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 0

    return run


def files(folder: Path, *patterns: str) -> dict[str, Path]:
    """The files of some patterns in a folder, by their path in it; there is at least one of each."""
    found = {pattern: sorted(folder.glob(pattern)) for pattern in patterns}
    assert all(found.values()), found
    return {str(path.relative_to(folder)): path for paths in found.values() for path in paths}


def differences(old, new, tolerance: float, place: str = "") -> list[str]:
    """Where a value of a report or table is not as it was; what there is in addition is no difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        missing = [f"{place}/{name}: missing" for name in old.keys() - new.keys()]
        pairs = [(name, old[name], new[name]) for name in old.keys() & new.keys()]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        missing, pairs = [], [(str(i), *both) for i, both in enumerate(zip(old, new, strict=True))]
    else:
        return [] if is_same(old, new, tolerance) else [f"{place}: {old!r} became {new!r}"]
    deeper = (differences(*both, tolerance, f"{place}/{name}") for name, *both in pairs)
    return missing + [line for lines in deeper for line in lines]


def is_same(old, new, tolerance: float) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        both_missing = math.isnan(old) and math.isnan(new)
        return both_missing or math.isclose(old, new, rel_tol=tolerance, abs_tol=tolerance)
    return type(old) is type(new) and old == new


def contents(file: str, folder: Path) -> object:
    """What a report or table of a study says, wherever the study is."""
    text = (folder / file).read_text().replace(str(folder), "")
    if file.endswith(".csv"):
        return pd.read_csv(io.StringIO(text)).to_dict("list")
    # Test parts name their recordings with their folder, which is part of the fingerprint of an evaluation.
    return {name: value for name, value in json.loads(text).items() if name != "evaluation_fingerprint"}


def changes(old: Path, new: Path, *patterns: str, tolerance: float = SAME) -> list[str]:
    """What differs between the files of two folders."""
    return [
        f"{name}{line}"
        for name in files(old, *patterns)
        for line in differences(contents(name, old), contents(name, new), tolerance)
    ]


def reports_and_summary(name: str) -> list[str]:
    """Everything that an experiment's evaluation says in numbers."""
    patterns = (
        "*/seed_*/evaluation/*/*_report.json",
        "*/seed_*/evaluation/*/*.csv",
        "evaluation_csv/summary/*/*.json",
        "evaluation_csv/summary/*/*.csv",
    )
    return [f"results/{name}/{pattern}" for pattern in patterns]


def untouched(results: Path) -> dict[str, int]:
    """When the files that are not made again were last changed: all but evaluations on own test parts.

    Their evaluation gives models a card, which 0.1.0 did not write.
    """
    patterns = (f"*/seed_*/{pattern}" for pattern in ("model/*", "split/*", "evaluation/further/*"))
    found = files(results, *patterns)
    return {name: path.stat().st_mtime_ns for name, path in found.items() if path.name != "README.md"}


@pytest.mark.thorough
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_its_runs_are_finished_and_evaluated_to_the_same_numbers(run, stored, study, capsys, name):
    results = study / "results" / name
    before = untouched(results)
    run(study, "train", "--experiment_file", f"{name}.json")
    assert capsys.readouterr().out.count("is trained already") == len(list(results.glob("*/seed_*")))
    assert untouched(results) == before
    # The study lies elsewhere than it was made: what it says of its own test parts has been computed anew.
    assert not changes(stored, study, *reports_and_summary(name))
    for folder in results.glob("*/seed_*/evaluation/further"):
        shutil.rmtree(folder)
    (evaluation_csv,) = results.glob("evaluation_csv/*.csv")
    run(study, "eval", "--eval_path", evaluation_csv)
    assert not changes(stored, study, *reports_and_summary(name))


@pytest.mark.thorough
def test_its_statistics_are_the_same(run, stored, study):
    shutil.rmtree(study / "results/study/statistics")
    run(study, "stats", "--input_path", "results/study")
    assert not changes(stored, study, "results/study/statistics/*.csv")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_training_anew_gives_the_same_models(run, stored, study, name):
    shutil.rmtree(study / "results")
    shutil.rmtree(study / "runs")
    run(study, "train", "--experiment_file", f"{name}.json", "--low_seed", 0, "--high_seed", 0)
    for model in EXPERIMENTS[name]:
        of_run = f"results/{name}/{model}/seed_0"
        assert not changes(stored, study, f"{of_run}/split/*")
        predictions = f"{of_run}/evaluation/*/predictions.csv"
        assert not changes(stored, study, predictions, tolerance=TRAINED_ANEW)
        log = Path("runs") / name / model / "seed_0" / "log.csv"
        old, new = (pd.read_csv(folder / log).drop(columns="seconds") for folder in (stored, study))
        pd.testing.assert_frame_equal(old, new, check_exact=False, atol=TRAINED_ANEW, rtol=TRAINED_ANEW)
        made_by = [
            json.loads((folder / of_run / "model/kser.json").read_text()) for folder in (stored, study)
        ]
        for fingerprint in ("run_fingerprint", "split_fingerprint"):
            assert made_by[0][fingerprint] == made_by[1][fingerprint]
