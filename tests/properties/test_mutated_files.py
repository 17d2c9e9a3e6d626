"""Whatever is in a file that a user hands over, a command ends well or says in lines what is wrong."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from kser import cli
from kser.errors import UserError
from kser.models import EmotionTask, SpeechAudioConverter, SpeechBackbone
from tests.cli.small_study import EXPERIMENT, HEADER, write_study
from tests.experiment import made_up_study
from tests.experiment.evaluated_models import LABELS, published_classifier, save_model, write_rows
from tests.mutations import mutated

SEARCH = {
    "skip_hp_search": False,
    "hp_search_space": {
        "learning_rate": {"min": 1e-4, "max": 1e-1, "sampling": "log"},
        "use_relu": {"values": [True, False]},
    },
}
AUGMENTATION = {
    "noise": {
        "module": "audiomentations",
        "class": "AddGaussianNoise",
        "min_amplitude": 0.001,
        "max_amplitude": 0.01,
        "p": 1.0,
    }
}


CASES_OF_A_KIND = 84  # a thousand of all twelve


class Kind(NamedTuple):
    """A kind of input: files of a template folder, and what reads them."""

    files: str
    command: tuple[str, ...] = ()
    load: Callable[[Path], object] | None = None


def load_published(folder: Path) -> None:
    SpeechBackbone.from_preset(folder / "published")
    SpeechAudioConverter.from_preset(folder / "published")
    EmotionTask.from_preset(folder / "published")


KINDS = {
    "experiment": Kind("experiment.json", ("check", "experiment.json")),
    "model": Kind("models/tiny.json", ("check", "experiment.json")),
    "metadata": Kind("metadata.csv", ("check", "experiment.json")),
    "split": Kind("metadata.csv", ("check", "fixed.json")),
    "test set": Kind("tests/test.csv", ("eval", "rows.csv", "--redo")),
    "evaluation CSV": Kind("rows.csv", ("eval", "rows.csv", "--redo")),
    "preset": Kind("model/*", ("eval", "rows.csv", "--redo")),
    "predictions": Kind("results/study/*/*/evaluation/*/*.csv", ("report", "results/study")),
    "reports": Kind("results/study/*/*/*/*/*.json", ("stats", "results/study")),
    "results": Kind("results.csv", ("stats", "results.csv")),
    "safetensors": Kind("published/model.safetensors", load=load_published),
    "published configuration": Kind("published/*.json", load=load_published),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("mutated") / "template"
    (folder / "models").mkdir(parents=True)
    (folder / "tests").mkdir()
    rng = np.random.default_rng(0)
    rows = [f"{HEADER},part"]
    parts = ("train", "train", "validation", "test")
    for speaker, part in zip("abcd", parts, strict=True):
        for class_id in LABELS:
            soundfile.write(folder / f"{speaker}_{class_id}.wav", 0.1 * rng.normal(size=1600), 16000)
            rows.append(
                f"{speaker}_{class_id}.wav,{class_id},{speaker},{'f' if speaker < 'c' else 'm'},{part}"
            )
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    shutil.copy(folder / "metadata.csv", folder / "tests" / "test.csv")
    split = {"scheme": "fixed", "column": "part"}
    write_study(folder, training_dataset=EXPERIMENT["training_dataset"] | {"split": split})
    (folder / "experiment.json").rename(folder / "fixed.json")
    tests = [{"name": "own", "eval_csv_path": "tests", "classes": LABELS}]
    write_study(folder, SEARCH, augmentations=AUGMENTATION, datasets=tests, save_steps=10, cross_validation=2)
    save_model(folder / "model", "class")
    write_rows(folder / "rows.csv", [("tiny", Path("model"), Path("tests"), Path("out"))])
    made_up_study.write_study(folder, models=("small",), datasets=("own",), seeds=2)
    (folder / "results.csv").write_text(
        "model,seed,uar\n"
        + "".join(f"{model},{seed},{0.4 + seed / 50}\n" for model in "ab" for seed in range(5))
    )
    published_classifier(folder / "published")
    yield folder


def ended(kind: Kind, monkeypatch, capsys) -> str:
    """What a command or function did, in the working folder: "" where it ended as it should."""
    if kind.load is not None:
        try:
            kind.load(Path.cwd())
        except UserError as error:
            return "" if "\n" not in str(error) else f"several lines: {error}"
        return ""
    monkeypatch.setattr(sys, "argv", ["kser", *kind.command])
    capsys.readouterr()
    try:
        cli.main()
    except SystemExit as end:
        said = capsys.readouterr()
        if "Traceback" in said.err or end.code not in (0, 1, 2):
            return f"status {end.code}: {said.err}"
        if end.code == 2 and not all(line.startswith("kser: ") for line in said.err.splitlines()):
            return f"not in lines: {said.err}"
    return ""


def assert_refused_in_lines_or_taken(
    template: Path, folder: Path, name: str, cases: range, monkeypatch, capsys
):
    """Change a file of the kind, run what reads it, and put it back, once for each number."""
    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    # A name in the place of a folder's may be one of the hub's, which huggingface_hub would ask for.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    kind = KINDS[name]
    files = sorted(folder.glob(kind.files))
    wrong = {}
    for case in cases:
        rng = random.Random(f"{name} {case}")
        file = rng.choice(files)
        content = file.read_bytes()
        # Not in place: weights of a model may be mapped into memory.
        file.unlink()
        file.write_bytes(mutated(template / file.relative_to(folder), rng))
        try:
            said = ended(kind, monkeypatch, capsys)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        if said:
            wrong[f"{name} {case}, {file.relative_to(folder)}"] = said[:1000]
        file.unlink()
        file.write_bytes(content)
    assert not wrong


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file(template, tmp_path, name, monkeypatch, capsys):
    assert_refused_in_lines_or_taken(template, tmp_path / "study", name, range(3), monkeypatch, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_a_thousand_times(template, tmp_path, name, monkeypatch, capsys):
    cases = range(1000, 1000 + CASES_OF_A_KIND)
    assert_refused_in_lines_or_taken(template, tmp_path / "study", name, cases, monkeypatch, capsys)
