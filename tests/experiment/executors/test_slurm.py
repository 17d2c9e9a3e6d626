"""An array job of SLURM ends as a study of one process; a stand-in for sbatch does the jobs here."""

import pytest

import kser
from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.executors.run_order import waves
from kser.experiment.executors.slurm import SlurmExecutor
from kser.experiment.executors.task_file import read_tasks
from kser.experiment.runs.planning import plan_runs
from kser.experiment.study.events import ignore
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment
from tests.experiment.results import assert_equal, results


@pytest.mark.thorough
def test_an_array_job_with_a_requeued_task_equals_a_study_of_one_process(tmp_path, small_corpus, sbatch):
    one, array = (
        write_experiment(tmp_path / name, small_corpus, ["log_mel"], cross_validation=2)
        for name in ("one", "array")
    )
    train_experiment(load_experiment(one))
    jobs = SlurmExecutor(workers=2).jobs(plan_runs(load_experiment(array)))
    jobs.submit(ignore)
    assert sbatch.read_text().splitlines() == [
        "job 1: --parsable: tasks 0 1, 2 at once",
        "job 1: task 0 killed and requeued",
        "job 2: --parsable --dependency=afterany:1",
    ]
    printed = {path.name: path.read_text() for path in jobs.folder.glob("*.txt")}
    assert printed.keys() == {"run_0.txt", "run_1.txt", "evaluation.txt"}
    assert printed["run_0.txt"].count("seed 0: trained: ") == 1
    for path in jobs.folder.iterdir():
        path.unlink()
    assert_equal(array, results(one))


def test_a_run_that_goes_on_with_the_model_of_another_one_comes_after_it(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, ["log_mel"], cross_validation=2)
    first = load_experiment(path)
    later = {
        "name": "later",
        "model_path_or_name": str(plan_runs(first)[1].paths.model),
        "continue_model_training": True,
    }
    runs = plan_runs(load_experiment(path, models=[first.models[0], later]))
    assert waves(runs) == [[0, 1], [2, 3]]
    first, second = SlurmExecutor().jobs(runs).arrays
    assert ["--array=0-1\n" in first.script, "--array=2-3\n" in second.script] == [True, True]
    assert (first.after, second.after) == ((), (0,))


def test_options_and_resources_are_in_the_scripts(tmp_path, small_corpus):
    runs = plan_runs(load_experiment(write_experiment(tmp_path, small_corpus)))
    further = "--partition=gpu --time 2:00:00"
    jobs = SlurmExecutor(workers=3, num_cpus=4, num_gpus=1, further=further).jobs(runs)
    script = jobs.arrays[0].script
    for line in ("--array=0-1%3", "--requeue", "--cpus-per-task=4", "--gres=gpu:1", further):
        assert f"#SBATCH {line}\n" in script
    assert "--array" not in jobs.evaluation
    assert "--gres" not in jobs.evaluation
    assert f"#SBATCH {further}\n" in jobs.evaluation
    assert not (tmp_path / "runs").exists()


def test_models_that_take_other_resources_have_an_array_of_their_own(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, ["log_mel"], cross_validation=2)
    (model,) = load_experiment(path).models
    large = model.model_dump(exclude_unset=True) | {"name": "large", "num_gpus": 2}
    runs = plan_runs(load_experiment(path, models=[model, large]))
    first, second = SlurmExecutor(num_cpus=3).jobs(runs).arrays
    assert "--gres" not in first.script
    assert "#SBATCH --gres=gpu:2\n" in second.script
    assert all("#SBATCH --cpus-per-task=3\n" in array.script for array in (first, second))
    assert (first.after, second.after) == ((), ())
    # No more than so many at once, in all arrays together.
    first, second = SlurmExecutor(workers=1).jobs(runs).arrays
    assert (first.after, second.after) == ((), (0,))


def test_an_array_has_no_more_tasks_than_slurm_lets(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, ["log_mel"], cross_validation=1002)
    jobs = SlurmExecutor().jobs(plan_runs(load_experiment(path)))
    first, second = (array.script for array in jobs.arrays)
    assert "#SBATCH --array=0-999\n" in first
    assert first.rstrip().endswith('--number "$SLURM_ARRAY_TASK_ID"')
    assert "#SBATCH --array=0-1\n" in second
    assert f"#SBATCH --output={jobs.folder}/run_1%3a.txt\n" in second
    assert second.rstrip().endswith('--number "$((1000 + SLURM_ARRAY_TASK_ID))"')


def test_without_sbatch_a_line_says_so(tmp_path, small_corpus, monkeypatch):
    jobs = SlurmExecutor().jobs(plan_runs(load_experiment(write_experiment(tmp_path, small_corpus))))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="sbatch: command not found"):
        jobs.submit(ignore)


def test_a_refusal_of_sbatch_is_passed_on(tmp_path, small_corpus, sbatch):
    experiment = kser.Experiment(write_experiment(tmp_path, small_corpus))
    with pytest.raises(UserError, match=r"runs\.sh: sbatch refused it: sbatch: error: invalid partition"):
        experiment.submit(kser.SlurmExecutor(further="--partition=nowhere"))


def test_a_file_that_holds_no_tasks_is_refused(tmp_path):
    (tmp_path / "tasks.pickle").write_bytes(b"nothing")
    with pytest.raises(UserError, match="no tasks that this kser can do"):
        read_tasks(tmp_path / "tasks.pickle")
