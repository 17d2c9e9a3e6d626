"""What a finished run leaves is removed; what another run left in its place is not."""

import io
import json
import signal
from pathlib import Path

import pytest
from rich.console import Console

from kser.cli.study_display import StudyDisplay
from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment
from tests.experiment.searching_runs import SPACE
from tests.experiment.study_process import Point
from tests.experiment.study_process import start as start_process


def start(experiment) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    train_experiment(load_experiment(experiment), progress=StudyDisplay(console))
    return console.export_text()


@pytest.mark.thorough
def test_only_what_is_of_the_finished_run_is_removed(tmp_path, small_corpus):
    experiment = write_experiment(tmp_path, small_corpus, ["log_mel"], run_eval=False)
    start(experiment)
    (run,) = plan_runs(load_experiment(experiment))
    fingerprint = json.loads((run.paths.model / "kser.json").read_text())["run_fingerprint"]
    state = run.paths.states / "state-00000004"

    def started_again_with(settings: str) -> list[str]:
        (state / "inside").mkdir(parents=True, exist_ok=True)
        run.paths.settings.write_text(json.dumps({"run_fingerprint": settings}))
        assert "is trained already" in start(experiment)
        return sorted(path.name for path in run.paths.work.iterdir())

    # An experiment of the same name that writes its results to another folder, interrupted.
    assert started_again_with("another") == ["log.csv", "settings.json", state.name]
    # The run itself, killed before it had tidied up.
    assert started_again_with(fingerprint) == ["log.csv"]


def hidden(folder: Path) -> list[str]:
    """Locks, drafts and whatever else begins with a dot."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*")]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "point",
    [
        Point("os.rename", r"trial_1/trial_log\.csv", "half"),
        Point("os.rename", r"trial_2/best\.safetensors", "half"),
        Point("os.rename", r"search/trials\.csv", "half"),
        Point("os.rename", r"evaluation_csv/\d+\.csv", "half"),
        Point("os.rename", r"confusion_matrix\.csv", "half"),
        Point("os.rename", r"summary\.md", "half"),
    ],
    ids=lambda point: point.path,
)
def test_nothing_is_left_of_a_study_that_was_killed(tmp_path, small_corpus, point):
    tests = [{"name": "own", "eval_csv_path": str(small_corpus)}]
    experiment = write_experiment(
        tmp_path, small_corpus, ["log_mel"], hp_num_trials=2, eval_steps=2, datasets=tests
    )
    file = tmp_path / "models" / "log_mel.json"
    fields = {"skip_hp_search": False, "hp_search_space": SPACE, "number_of_training_epochs": 1}
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    killed = start_process(experiment, point)
    killed.join()
    assert killed.exitcode == -signal.SIGKILL, (tmp_path / "output.txt").read_text()
    assert hidden(tmp_path)
    finished = start_process(experiment)
    finished.join()
    assert finished.exitcode == 0, (tmp_path / "output.txt").read_text()
    assert hidden(tmp_path) == []
