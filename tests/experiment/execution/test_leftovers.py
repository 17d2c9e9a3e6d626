"""What a finished run leaves is removed; what another run left in its place is not."""

import io
import json

from rich.console import Console

from kser.cli.study_display import StudyDisplay
from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment


def start(experiment) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    train_experiment(load_experiment(experiment), progress=StudyDisplay(console))
    return console.export_text()


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
