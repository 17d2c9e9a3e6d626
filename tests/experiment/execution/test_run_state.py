"""A run is known by its settings: those of 0.1.0 stay the same, and others are told by name and value."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.execution.recorded_settings import recorded_settings
from kser.experiment.execution.run_fingerprint import fingerprint_of, run_fingerprint, run_settings
from kser.experiment.execution.run_state import RunState, run_state
from kser.experiment.runs.planning import Run, plan_runs
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.trained_model import Provenance
from kser.files import write_json
from tests.experiment.conftest import write_experiment

# What kser 0.1.0 hashed of three runs, the audio files left out, with their fingerprints.
OF_0_1_0 = json.loads(Path(__file__).with_name("settings_0_1_0.json").read_text())
OTHER_THAN_SETTINGS = ("keras", "backend", "checkpoint", "labels", "split", "values", "audio")


def run_of(folder: Path, corpus: Path, experiment: dict | None = None, **fields) -> tuple[Run, dict]:
    """The run of a small experiment with one model, and its settings."""
    path = write_experiment(folder, corpus, models=["log_mel"], **(experiment or {}))
    file = folder / "models" / "log_mel.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    (run,) = plan_runs(load_experiment(path))
    return run, run_settings(run, load_run_data(run))


def provenance_of(run: Run, settings: dict, recorded: dict) -> Provenance:
    return Provenance(
        run_fingerprint=fingerprint_of(settings),
        kser_version="0.1.0",
        keras_version=settings["keras"],
        backend=settings["backend"],
        experiment_name=run.config.experiment_name,
        training_dataset=run.config.training_dataset.name,
        seed=run.seed,
        model_config=run.model.model_dump(),
        audio={"loudness_lufs": None, "trim_db": None},
        augmentation={},
        label_column="class_id",
        split_fingerprint=settings["split"],
        training={},
        recordings={},
        settings=recorded,
    )


def finish(run: Run, settings: dict, recorded: dict) -> None:
    """Write down that a run is finished, as training does."""
    facts = asdict(provenance_of(run, settings, recorded))
    write_json(run.paths.model / "recordings.json", facts.pop("recordings"))
    write_json(run.paths.model / "kser.json", facts)


@pytest.mark.parametrize("case", OF_0_1_0)
def test_the_settings_of_0_1_0_have_the_fingerprint_that_they_had(tmp_path, case):
    earlier = OF_0_1_0[case]
    rows = [
        f"{speaker}{name}.wav,{name},{speaker},female,{number}"
        for speaker in "abcdef"
        for number, name in enumerate(("anger", "joy"))
    ]
    for row in rows:
        (tmp_path / row.partition(",")[0]).write_bytes(row.encode())
    (tmp_path / "metadata.csv").write_text("\n".join(["path,class_id,actor,gender,arousal", *rows]))
    (tmp_path / "model.json").write_text(json.dumps(earlier["model"]))
    dataset = {"name": "c", "data_csv": "metadata.csv"}
    experiment = {**earlier["experiment"], "model_files": "model.json", "training_dataset": dataset}
    (tmp_path / "experiment.json").write_text(json.dumps(experiment))
    (run,) = plan_runs(load_experiment(tmp_path / "experiment.json"))
    data = load_run_data(run)
    settings = run_settings(run, data)
    assert run_fingerprint(run, data) == fingerprint_of(settings)
    settings |= {name: earlier["settings"][name] for name in OTHER_THAN_SETTINGS}
    for part, package in (("augmentation", "audiomentations"), ("search", "keras_tuner")):
        if package in settings[part]:
            settings[part][package] = earlier["settings"][part][package]
    assert json.loads(json.dumps(settings)) == earlier["settings"]
    assert fingerprint_of(settings) == earlier["fingerprint"]


@pytest.mark.parametrize("recorded", [True, False], ids=["now", "by 0.1.0"])
def test_a_finished_run_of_other_settings_is_refused_with_what_differs(tmp_path, small_corpus, recorded):
    run, settings = run_of(tmp_path, small_corpus)
    assert run_state(run, settings) is RunState.TO_DO
    finish(run, settings, recorded_settings(run, settings) if recorded else {})
    assert run_state(run, settings) is RunState.FINISHED
    assert run_state(run, None) is RunState.FINISHED
    other, others = run_of(
        tmp_path, small_corpus, {"loudness_lufs": -23.0}, learning_rate=0.5, pooling_mode="max"
    )
    with pytest.raises(UserError) as error:
        run_state(other, others)
    differences = 'learning_rate: 0.001 → 0.5; pooling_mode: "mean" → "max"; loudness_lufs: null → -23.0'
    assert str(error.value) == (
        f"{run.paths.model}: holds a model trained with other settings ({differences}); give the experiment "
        "another experiment_name, or move that folder away"
    )
    other, others = run_of(tmp_path, small_corpus, {"eval_steps": 8})
    said = "eval_steps: 4 → 8" if recorded else "which of them is not recorded there"
    with pytest.raises(UserError, match=said):
        run_state(other, others)


def test_an_interrupted_run_of_other_settings_is_refused_with_what_differs(tmp_path, small_corpus):
    run, settings = run_of(tmp_path, small_corpus)
    started_with = {"run_fingerprint": fingerprint_of(settings), "settings": recorded_settings(run, settings)}
    write_json(run.paths.settings, started_with)
    assert run_state(run, settings) is RunState.INTERRUPTED
    changes = dict.fromkeys(("gradient_accumulation_steps", "per_device_batch_size", "freeze_layers"), 2)
    changes |= {"use_relu": False, "number_of_training_epochs": 9, "warmup_ratio": 0.5}
    augmentations = {"noise": {"module": "audiomentations", "class": "AddGaussianSNR"}}
    other, others = run_of(tmp_path, small_corpus, {"augmentations": augmentations}, **changes)
    with pytest.raises(UserError, match=r"holds an interrupted run with other settings .*; and 2 more\)"):
        run_state(other, others)
    other, others = run_of(tmp_path, small_corpus, {"augmentations": augmentations})
    with pytest.raises(UserError, match=r"\(augmentations: \{\} → \{\"noise\": "):
        run_state(other, others)
    write_json(run.paths.settings, started_with | {"settings": {}})
    with pytest.raises(UserError, match="which of them is not recorded there"):
        run_state(other, others)


def test_other_data_are_told_as_such(tmp_path, small_corpus):
    run, settings = run_of(tmp_path, small_corpus)
    finish(run, settings, recorded_settings(run, settings))
    with pytest.raises(
        UserError, match=r"other settings \(the audio of training and validation part: changed\)"
    ):
        run_state(run, settings | {"audio": [["another"], []]})


def test_another_split_is_told_with_its_settings(tmp_path, small_corpus):
    run, settings = run_of(tmp_path, small_corpus)
    finish(run, settings, recorded_settings(run, settings))
    dataset = {"name": "synthetic", "data_csv": str(small_corpus)}
    by_folds = {"split": {"scheme": "k_fold", "folds": 5}}
    other, others = run_of(tmp_path, small_corpus, {"training_dataset": dataset | by_folds})
    with pytest.raises(UserError, match=r'split: null → \{"scheme": "k_fold", "folds": 5\}'):
        run_state(other, others)
    renamed = {"label_map": {"anger": "rage"}}
    other, others = run_of(tmp_path, small_corpus, {"training_dataset": dataset | renamed})
    with pytest.raises(UserError, match=r'training_dataset.label_map: null → \{"anger": "rage"\}'):
        run_state(other, others)


def test_values_that_a_search_found_are_no_other_settings(tmp_path, small_corpus):
    run, settings = run_of(tmp_path, small_corpus, skip_hp_search=False)
    facts = asdict(provenance_of(run, settings, {})) | {"search": {"space": {"learning_rate": {}}}}
    facts["model_config"]["learning_rate"] = 0.02
    write_json(run.paths.model / "recordings.json", facts.pop("recordings"))
    write_json(run.paths.model / "kser.json", facts)
    assert run_state(run, settings) is RunState.FINISHED
    other, others = run_of(tmp_path, small_corpus, skip_hp_search=False, warmup_ratio=0.5)
    with pytest.raises(UserError, match=r"\(warmup_ratio: 0.0 → 0.5\)"):
        run_state(other, others)


def test_a_field_of_the_head_that_is_added_changes_fingerprints_only_where_it_is_used(tmp_path, small_corpus):
    run, settings = run_of(tmp_path, small_corpus)
    known = run.model.model_dump(exclude_unset=True)

    class Extended(type(run.model)):
        bottleneck_dim: int = 0

    def model_settings(**fields):
        return run_settings(replace(run, model=Extended(**known, **fields)), load_run_data(run))["model"]

    assert model_settings() == settings["model"]
    assert model_settings(bottleneck_dim=3) == settings["model"] | {"bottleneck_dim": 3}
