"""From an experiment to runs: models × seeds, and where everything of a run is."""

import json
from pathlib import Path

import numpy as np
import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.runs.paths import evaluation_csv_folder
from kser.experiment.runs.planning import plan_runs
from kser.training.objectives import ClassificationObjective

LARGEST_SEED = 2**32 - 1


def experiment(folder: Path, models: dict[str, dict], **fields):
    (folder / "models").mkdir()
    for name, own in models.items():
        model = {"model_path_or_name": "scratch:log_mel", "name": name, **own}
        (folder / "models" / f"{name}.json").write_text(json.dumps(model))
    fields = {
        "experiment_name": "study",
        "model_files": "models",
        "training_dataset": {"name": "corpus", "data_csv": "metadata.csv"},
        **fields,
    }
    (folder / "experiment.json").write_text(json.dumps(fields))
    return load_experiment(folder / "experiment.json")


def planned(runs):
    return [(run.model.name, run.seed) for run in runs]


def test_without_more_there_is_one_run_a_model_with_the_models_seed(tmp_path):
    assert planned(plan_runs(experiment(tmp_path, {"a": {}, "b": {"seed": 7}}))) == [("a", 0), ("b", 7)]


def test_cross_validation_counts_seeds_from_the_models_own(tmp_path):
    runs = plan_runs(experiment(tmp_path, {"a": {}, "b": {"seed": 7}}, cross_validation=3))
    assert planned(runs) == [("a", 0), ("a", 1), ("a", 2), ("b", 7), ("b", 8), ("b", 9)]


@pytest.mark.parametrize("seeds", [range(3, 5), [3, 4, 3], np.array([3, 4]), iter([3, 4])])
def test_given_seeds_take_precedence_each_once(tmp_path, seeds):
    runs = plan_runs(experiment(tmp_path, {"a": {}, "b": {"seed": 7}}, cross_validation=9), seeds)
    assert planned(runs) == [("a", 3), ("a", 4), ("b", 3), ("b", 4)]


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (3, r"seeds: must be whole numbers such as range\(5\), got 3"),
        ([0.5], "seeds: must be whole numbers"),
        (["1"], "seeds: must be whole numbers"),
        ([], "seeds: must hold at least one, got none"),
        (range(10**9), "seeds: must be at most 10000 of them, got more"),
        ([1, -1], "seeds: must be from 0 to 4294967295, got -1"),
        ([LARGEST_SEED + 1], "seeds: must be from 0 to 4294967295, got 4294967296"),
    ],
)
def test_what_is_no_seed_is_refused(tmp_path, seeds, said):
    with pytest.raises(UserError, match=said):
        plan_runs(experiment(tmp_path, {"a": {}}), seeds)


def test_the_largest_seed_is_taken_and_no_larger_one(tmp_path):
    study = experiment(tmp_path, {"a": {"seed": LARGEST_SEED - 1}}, cross_validation=2)
    assert [run.seed for run in plan_runs(study)] == [LARGEST_SEED - 1, LARGEST_SEED]
    (tmp_path / "more").mkdir()
    study = experiment(tmp_path / "more", {"a": {"seed": LARGEST_SEED - 1}}, cross_validation=3)
    with pytest.raises(UserError, match=r"models/a\.json: seed: 4294967294 and those after it"):
        plan_runs(study)


def test_a_run_has_its_own_folders_below_those_of_the_experiment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = plan_runs(experiment(tmp_path, {"a": {}}))[0].paths
    assert paths.work == tmp_path / "runs/study/a/seed_0"
    assert paths.states == paths.work
    assert paths.log == tmp_path / "runs/study/a/seed_0/log.csv"
    assert paths.settings == tmp_path / "runs/study/a/seed_0/settings.json"
    assert paths.results == tmp_path / "results/study/a/seed_0"
    assert paths.model == paths.results / "model"
    assert paths.split == paths.results / "split"
    assert paths.evaluation("EMOVO") == paths.results / "evaluation" / "EMOVO"


def test_output_folders_are_read_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    monkeypatch.chdir(tmp_path)
    fields = {"output_path": "o", "experiment_results_output_path": "r", "checkpoint_save_folder": "c"}
    study = experiment(tmp_path / "study", {"a": {}}, **fields)
    paths = plan_runs(study, [5])[0].paths
    assert paths.work == tmp_path / "o/study/a/seed_5"
    assert paths.states == tmp_path / "c/study/a/seed_5"
    assert paths.results == tmp_path / "r/study/a/seed_5"
    assert evaluation_csv_folder(study.config) == tmp_path / "r/study/evaluation_csv"


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    fields = {"output_path": "~/o", "experiment_results_output_path": "~/r", "checkpoint_save_folder": "~/c"}
    study = experiment(tmp_path, {"a": {}}, **fields)
    paths = plan_runs(study)[0].paths
    assert [str(path)[:10] for path in (paths.work, paths.results, paths.states)] == [
        "/home/me/o",
        "/home/me/r",
        "/home/me/c",
    ]
    assert evaluation_csv_folder(study.config) == Path("/home/me/r/study/evaluation_csv")


def test_no_two_runs_share_a_folder(tmp_path):
    runs = plan_runs(experiment(tmp_path, {"a": {}, "b": {}}), range(5))
    assert len({run.paths.work for run in runs}) == len({run.paths.results for run in runs}) == 10


def test_the_corpus_is_looked_for_beside_the_experiment_then_in_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "study").mkdir()
    monkeypatch.chdir(tmp_path)
    study = experiment(tmp_path / "study", {"a": {}})
    assert plan_runs(study)[0].data_csv == tmp_path / "metadata.csv"
    (tmp_path / "study" / "metadata.csv").touch()
    assert plan_runs(study)[0].data_csv == tmp_path / "study" / "metadata.csv"


def test_steps_of_the_model_take_the_place_of_the_experiments(tmp_path):
    own = {"eval_steps": 5, "logging_steps": 3}
    runs = plan_runs(experiment(tmp_path, {"a": {}, "b": own}, eval_steps=20, logging_steps=4))
    plans = [run.training_plan for run in runs]
    assert [(plan.eval_steps, plan.logging_steps, plan.save_steps) for plan in plans] == [
        (20, 4, 20),
        (5, 3, 5),
    ]


def test_the_plan_takes_each_setting_from_its_field(tmp_path):
    model = {
        "per_device_batch_size": 2,
        "batch_size": 3,
        "number_of_training_epochs": 4,
        "learning_rate": 0.5,
        "gradient_accumulation_steps": 6,
        "max_grad_norm": 7.0,
        "lr_scheduler": "cosine",
        "warmup_ratio": 0.1,
        "layerwise_lr_decay": 0.9,
        "optimizer_weight_decay": 0.01,
        "ema_momentum": 0.99,
        "best_metric": "uar",
        "early_stopping_patience": 5,
        "early_stopping_threshold": 0.02,
        "gradual_unfreezing_epochs": 1.5,
        "use_class_weights": False,
        "label_smoothing": 0.2,
        "focal_gamma": 2.0,
        "keep_states_every": 20,
    }
    fields = {"save_steps": 30, "save_total_limit": 9, "length_buckets": 8, "eval_steps": 10}
    (run,) = plan_runs(experiment(tmp_path, {"a": model}, **fields), [11])
    assert vars(run.training_plan) == {
        "batch_size": 2,
        "evaluation_batch_size": 3,
        "epochs": 4,
        "learning_rate": 0.5,
        "gradient_accumulation_steps": 6,
        "max_grad_norm": 7.0,
        "lr_scheduler": "cosine",
        "warmup_ratio": 0.1,
        "layerwise_lr_decay": 0.9,
        "weight_decay": 0.01,
        "ema_momentum": 0.99,
        "best_metric": "uar",
        "early_stopping_patience": 5,
        "early_stopping_threshold": 0.02,
        "gradual_unfreezing_epochs": 1.5,
        "save_steps": 30,
        "save_total_limit": 9,
        "length_buckets": 8,
        "eval_steps": 10,
        "logging_steps": 10,
        "seed": 11,
        "keep_states_every": 20,
        "kept_states_limit": 9,
    }
    assert run.objective == ClassificationObjective(
        use_class_weights=False, label_smoothing=0.2, focal_gamma=2.0
    )
