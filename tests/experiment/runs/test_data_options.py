"""One study that asks for everything between a recording and a batch: it is done, and recorded."""

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from rich.console import Console

from kser.audio.loading import load_audio
from kser.audio.processing import AudioProcessing
from kser.cli.study_display import StudyDisplay
from kser.corpora.metadata import read_metadata, write_metadata
from kser.errors import UserError
from kser.experiment.checking.input_checks import checked_inputs
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import COLUMNS, read_evaluation_csv
from kser.experiment.execution.run_fingerprint import run_fingerprint
from kser.experiment.runs.planning import plan_runs
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.runs.trained_model import load_classifier, load_provenance
from kser.experiment.study.evaluation import evaluate
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment

NOISE = {"module": "audiomentations", "class": "AddGaussianNoise", "p": 1.0}
OPTIONS = {
    "augmentations": {
        "noise": NOISE,
        "bands": {"module": "kser.audio.spectrogram_masks", "class": "FrequencyMask"},
    },
    "loudness_lufs": -23.0,
    "trim": 40.0,
    "on_bad_audio": "skip",
    "run_grapher": True,
}


def console() -> Console:
    return Console(file=StringIO(), width=200, record=True)


@pytest.fixture(scope="module")
def foreign_test_set(tmp_path_factory, small_corpus) -> Path:
    """Recordings of the corpus under the class names of another, with classes that the model lacks."""
    folder = tmp_path_factory.mktemp("foreign")
    table = read_metadata(small_corpus).copy()
    names = {"happiness": "gioia", "neutral": "neutrality", "sadness": "boredom", "anger": "Wut"}
    table["class_id"] = table["class_id"].map(names)
    table["mood"] = ["calm", ""] * (len(table) // 2)
    write_metadata(table, folder / "test.csv")
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory, small_corpus, foreign_test_set) -> tuple[Path, Path, str]:
    """A trained study with all options; its folder, its evaluation CSV and what was said."""
    folder = tmp_path_factory.mktemp("options")
    table = read_metadata(small_corpus).copy()
    bad = {0: b"no audio", 7: b""}
    for position, content in bad.items():
        (folder / f"bad_{position}.wav").write_bytes(content)
        table.loc[table.index[position], "path"] = str(folder / f"bad_{position}.wav")
    write_metadata(table, folder / "metadata.csv")
    experiment = write_experiment(
        folder,
        folder / "metadata.csv",
        models=["log_mel"],
        training_dataset={
            "name": "synthetic",
            "data_csv": "metadata.csv",
            "label_map": {"anger": "rage"},
            "classes": ["rage", "happiness", "neutral"],
            "split": {"scheme": "k_fold", "folds": 5},
        },
        datasets=[
            {
                "name": "foreign",
                "eval_csv_path": str(foreign_test_set),
                "label_map": {"Wut": "rage", "boredom": None},
            },
            {"name": "unmapped", "eval_csv_path": str(foreign_test_set)},
        ],
        audio_cache=str(folder / "cache"),
        data_workers=1,
        **OPTIONS,
    )
    shown = console()
    evaluation_csv = train_experiment(
        load_experiment(experiment), progress=StudyDisplay(shown)
    ).evaluation_csv
    return folder, evaluation_csv, shown.export_text()


def report_of(study, name: str) -> dict:
    _, evaluation_csv, _ = study
    (row,) = [row for row in read_evaluation_csv(evaluation_csv) if row.dataset_name == name]
    return json.loads((row.eval_out_path / "classification_report.json").read_text())


@pytest.mark.thorough
def test_the_classes_are_those_asked_for(study) -> None:
    folder, _, _ = study
    model = folder / "results" / "small" / "log_mel" / "seed_0"
    assert load_classifier(model / "model").labels == ["happiness", "neutral", "rage"]
    split = json.loads((model / "split" / "split.json").read_text())
    assert split["labels_renamed"] == {"anger": "rage"}
    assert split["left_out"] == {"sadness": 10}


@pytest.mark.thorough
def test_files_that_cannot_be_used_are_left_out_and_listed(study) -> None:
    folder, _, _ = study
    split = folder / "results" / "small" / "log_mel" / "seed_0" / "split"
    skipped = pd.read_csv(split / "skipped_audio.csv")
    used = pd.concat([read_metadata(split / f"{part}.csv") for part in ("train", "validation", "test")])
    assert len(skipped) == json.loads((split / "split.json").read_text())["skipped_audio"]
    assert {Path(path).name for path in skipped["path"]} <= {"bad_0.wav", "bad_7.wav"}
    assert len(used) + len(skipped) == 30
    assert not set(used["path"]) & set(skipped["path"])
    provenance = load_provenance(split.parent / "model")
    assert sum(provenance.audio["skipped"].values()) == len(skipped) > 0


@pytest.mark.thorough
def test_what_was_done_to_the_audio_travels_with_the_model(study, small_corpus) -> None:
    folder, _, _ = study
    model = folder / "results" / "small" / "log_mel" / "seed_0" / "model"
    provenance = load_provenance(model)
    assert provenance.audio["loudness_lufs"] == -23.0
    assert provenance.audio["trim_db"] == 40.0
    assert list(provenance.augmentation["augmentations"]) == ["noise", "bands"]
    classifier = load_classifier(model)
    assert classifier.preprocessor.audio_converter.processing == AudioProcessing(-23.0, 40.0)
    # A plain waveform gets the same treatment: a softer copy gives the same answer.
    path = read_metadata(small_corpus)["path"].iloc[3]
    waveform = load_audio(path, 16_000)
    padded = np.concatenate([np.zeros(8000, np.float32), 0.1 * waveform])
    inputs = [classifier.preprocessor.audio_converter(sound)["waveform"] for sound in (waveform, padded)]
    assert inputs[0].shape[1] == pytest.approx(inputs[1].shape[1], abs=2 * 512)


def test_evaluation_hears_the_test_set_as_training_did(study) -> None:
    """The cache holds every file once: training and evaluation asked for the same audio."""
    folder, _, _ = study
    split = folder / "results" / "small" / "log_mel" / "seed_0" / "split"
    used = pd.concat([read_metadata(split / f"{part}.csv") for part in ("train", "validation", "test")])
    entries = list((folder / "cache").rglob("*.waveform"))
    # The foreign test set has the whole corpus, the two files that are bad here included.
    assert len(used) <= len(entries) == 40


def test_union_triples_the_training_set(study) -> None:
    folder, _, output = study
    train = read_metadata(folder / "results" / "small" / "log_mel" / "seed_0" / "split" / "train.csv")
    assert f"{len(train)} utterances × 3 by augmentation" in output


def test_curves_are_drawn(study) -> None:
    folder, _, _ = study
    assert (folder / "results" / "small" / "training_curves.png").read_bytes().startswith(b"\x89PNG")


def test_another_corpus_is_evaluated_over_the_common_classes(study) -> None:
    report = report_of(study, "foreign")
    assert report["n"] == 30
    assert report["labels_renamed"] == {"Wut": "rage", "gioia": "happiness", "neutrality": "neutral"}
    assert report["labels_left_out"] == {"boredom": 10}
    assert report["labels_unknown_to_model"] == []
    _, _, output = study
    assert "classes by the model's names: Wut → rage, gioia → happiness, neutrality → neutral" in output


def test_what_cannot_be_mapped_is_counted_and_named_on_both_sides(study) -> None:
    report = report_of(study, "unmapped")
    assert report["n"] == 20
    assert report["labels_renamed"] == {"gioia": "happiness", "neutrality": "neutral"}
    unknown = [{"label": "Wut", "support": 10}, {"label": "boredom", "support": 10}]
    assert report["labels_unknown_to_model"] == unknown
    assert report["labels_without_samples"] == ["rage"]
    _, _, output = study
    assert "left out, the model does not know these classes: Wut (10), boredom (10)" in output
    assert "the test set has no utterance of: rage" in output


def test_predictions_have_every_row_with_both_names(study) -> None:
    _, evaluation_csv, _ = study
    (row,) = [row for row in read_evaluation_csv(evaluation_csv) if row.dataset_name == "foreign"]
    table = pd.read_csv(row.eval_out_path / "predictions.csv")
    assert len(table) == 40
    assert table[table["class_id"] == "gioia"]["true"].unique().tolist() == ["happiness"]
    assert table[table["class_id"] == "boredom"]["true"].isna().all()
    names = {path.name for path in row.eval_out_path.iterdir()}
    assert {"female_confusion_matrix.png", "male_confusion_matrix.csv", "reliability_diagram.png"} <= names


@pytest.mark.thorough
def test_groups_are_compared_by_any_column(study, foreign_test_set, tmp_path) -> None:
    folder, _, _ = study
    model = folder / "results" / "small" / "log_mel" / "seed_0" / "model"
    by_hand = tmp_path / "rows.csv"
    line = f"m\td\t{model}\t{foreign_test_set}\t{tmp_path / 'out'}"
    by_hand.write_text("\t".join(COLUMNS) + f"\n{line}\n")
    evaluate(by_hand, by=["mood"])
    report = json.loads((tmp_path / "out" / "classification_report.json").read_text())
    assert set(report["subgroups"]) == {"gender", "mood"}
    assert set(report["subgroups"]["mood"]) == {"calm"}
    assert report["subgroup_tests"]["mood"]["n_without_group"] > 0
    assert report["intervals"]["uar"][0] <= report["uar"] <= report["intervals"]["uar"][1]
    evaluate(by_hand)  # what was compared once stays
    assert "mood" in json.loads((tmp_path / "out" / "classification_report.json").read_text())["subgroups"]
    with pytest.raises(UserError, match="by: no test set has the column moods"):
        evaluate(by_hand, by=["moods"])


def test_accuracies_and_averaged_matrices_stand_in_the_summary(study) -> None:
    _, evaluation_csv, _ = study
    folder = evaluation_csv.parent / "summary" / evaluation_csv.stem
    accuracies = json.loads((folder / "accuracies.json").read_text())
    assert set(accuracies["log_mel"]) == {"synthetic", "foreign", "unmapped"}
    assert accuracies["log_mel"]["foreign"][0]["uar"] == report_of(study, "foreign")["uar"]
    assert (folder / "log_mel_on_foreign_confusion_matrix.png").is_file()
    shares = pd.read_csv(folder / "log_mel_on_foreign_confusion_shares.csv", index_col=0)
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"augmentations": {"noise": {**NOISE, "class": "AddGaussianNose"}}},
            r"experiment\.json: augmentations\.noise\.class: .*AddGaussianNoise",
        ),
        (
            {"on_bad_audio": "error"},
            r"(?s)bad_0\.wav: cannot be read.*bad_7\.wav: is empty|bad_7.*bad_0",
        ),
    ],
)
def test_mistakes_are_told_before_training(study, tmp_path, fields, line) -> None:
    folder, _, _ = study
    options = {**OPTIONS, "experiment_name": "wrong", **fields}
    path = write_experiment(tmp_path, folder / "metadata.csv", models=["log_mel"], **options)
    with pytest.raises(UserError, match=line):
        train_experiment(load_experiment(path))
    assert not (tmp_path / "runs").exists()


def run_of(folder: Path, metadata: Path, split: dict, seed: int = 0, label_map=None, **model):
    path = write_experiment(
        folder,
        metadata,
        models=["log_mel"],
        training_dataset={"name": "s", "data_csv": str(metadata), "split": split, "label_map": label_map},
        cross_validation=seed + 1,
    )
    if model:
        file = folder / "models" / "log_mel.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | model))
    return plan_runs(load_experiment(path))[seed]


@pytest.mark.thorough
def test_results_that_are_not_whole_are_made_again(study, foreign_test_set, tmp_path) -> None:
    folder, _, _ = study
    model = folder / "results" / "small" / "log_mel" / "seed_0" / "model"
    rows, out = tmp_path / "rows.csv", tmp_path / "out"
    rows.write_text("\t".join(COLUMNS) + f"\nm\td\t{model}\t{foreign_test_set}\t{out}\n")
    evaluate(rows)
    (out / "confusion_matrix.csv").unlink()
    (tmp_path / "summary" / "rows" / "m_on_d_confusion_sd.csv").unlink()
    evaluate(rows)
    assert (out / "confusion_matrix.csv").is_file()
    (out / "classification_report.json").write_text("{")
    evaluate(rows)
    rows.write_text(rows.read_text().replace("m\td", "renamed\tset"))
    evaluate(rows)
    report = json.loads((out / "classification_report.json").read_text())
    assert (report["model_name"], report["dataset_name"]) == ("renamed", "set")


def test_the_split_says_how_it_was_made(study) -> None:
    folder, _, _ = study
    split = json.loads((folder / "results/small/log_mel/seed_0/split/split.json").read_text())
    assert (split["scheme"], split["shared_speakers"]) == ("k_fold", 0)


def test_seeds_go_through_the_folds(tmp_path, small_corpus) -> None:
    split = {"scheme": "leave_one_speaker_out"}
    tested = []
    for seed in range(10):
        data = load_run_data(run_of(tmp_path, small_corpus, split, seed))
        tested.append(set(data.rows("test")["actor"]))
        assert not set(data.rows("train")["actor"]) & set(data.rows("validation")["actor"])
    assert all(len(speakers) == 1 for speakers in tested)
    assert set().union(*tested) == set(read_metadata(small_corpus)["actor"])


def test_official_parts_come_from_a_column_or_from_files(tmp_path, small_corpus) -> None:
    table = read_metadata(small_corpus)
    parts = dict.fromkeys(table["actor"].unique(), "Train") | {
        "f1": "Development",
        "m1": "Test1",
        "m2": "Test2",
    }
    published = table.assign(partition=table["actor"].map(parts))
    write_metadata(published, tmp_path / "metadata.csv")
    split = {
        "scheme": "fixed",
        "column": "partition",
        "parts": {"train": ["Train"], "validation": ["Development"], "test": ["Test1"]},
    }
    data = load_run_data(run_of(tmp_path, tmp_path / "metadata.csv", split))
    assert set(data.rows("test")["actor"]) == {"m1"}
    assert data.left_out == {"by the split": 4}
    for part in ("Train", "Development", "Test1"):
        write_metadata(published[published["partition"] == part], tmp_path / f"{part}.csv")
    by_files = {"scheme": "fixed", "validation_csv": "Development.csv", "test_csv": "Test1.csv"}
    same = load_run_data(run_of(tmp_path, tmp_path / "Train.csv", by_files))
    for part in ("train", "validation", "test"):
        assert set(same.rows(part)["path"]) == set(data.rows(part)["path"])


def test_a_class_may_be_absent_from_a_part_that_label_map_drops(tmp_path, small_corpus) -> None:
    table = read_metadata(small_corpus)
    test = (table["actor"] == "m1") & (table["class_id"] != "sadness")
    write_metadata(table[table["actor"] != "m1"], tmp_path / "train.csv")
    write_metadata(table[test], tmp_path / "test.csv")
    split = {"scheme": "fixed", "test_csv": "test.csv"}
    run = run_of(tmp_path, tmp_path / "train.csv", split, label_map={"sadness": None})
    assert load_run_data(run).labels == ["anger", "happiness", "neutral"]


def test_folds_that_no_seed_tests_on_are_told(tmp_path, small_corpus) -> None:
    run = run_of(tmp_path, small_corpus, {"scheme": "leave_one_speaker_out"}, seed=1)
    runs = plan_runs(run.experiment)
    (note,) = [
        line for line in checked_inputs(run.experiment, runs).notes if "folds" in line and "seeds" in line
    ]
    assert note == (
        "log_mel: the seeds test on 2 of the 10 folds of leave_one_speaker_out; "
        "cross_validation: 10 tests on every one"
    )


def test_a_class_must_not_be_lost_by_skipping(study, tmp_path, small_corpus) -> None:
    table = read_metadata(small_corpus).copy()
    bad = tmp_path / "bad"
    bad.mkdir()
    for position in table.index[table["class_id"] == "anger"]:
        (bad / f"{position}.wav").write_bytes(b"no audio")
        table.loc[position, "path"] = str(bad / f"{position}.wav")
    write_metadata(table, tmp_path / "metadata.csv")
    path = write_experiment(tmp_path, tmp_path / "metadata.csv", models=["log_mel"], on_bad_audio="skip")
    with pytest.raises(
        UserError, match=r"metadata\.csv: no audio file of anger in the train part can be used"
    ):
        train_experiment(load_experiment(path))


def test_a_bad_file_of_a_test_set_is_told_before_training(tmp_path, small_corpus) -> None:
    table = read_metadata(small_corpus).copy()
    (tmp_path / "cut.wav").write_bytes(Path(table["path"].iloc[0]).read_bytes()[:2000])
    table.loc[table.index[0], "path"] = str(tmp_path / "cut.wav")
    write_metadata(table, tmp_path / "set" / "test.csv")
    sets = [{"name": "set", "eval_csv_path": "set"}]
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"], datasets=sets)
    with pytest.raises(UserError, match=r"cut\.wav: is cut short"):
        train_experiment(load_experiment(path))
    assert not (tmp_path / "runs").exists()


def test_a_split_that_contradicts_the_model_is_refused(tmp_path, small_corpus) -> None:
    with pytest.raises(UserError, match=r"log_mel\.json: speaker_independent_scenario: false contradicts"):
        run_of(
            tmp_path, small_corpus, {"scheme": "leave_one_speaker_out"}, speaker_independent_scenario=False
        )


def test_what_changes_the_result_changes_the_fingerprint(tmp_path, small_corpus) -> None:
    shutil.copy(small_corpus, tmp_path / "metadata.csv")
    module = tmp_path / "mine.py"
    module.write_text(
        "class Louder:\n    def __call__(self, samples, sample_rate):\n        return 2 * samples\n"
    )
    mine = {"mine": {"module": "mine.py", "class": "Louder"}}

    def fingerprint(**fields) -> str:
        path = write_experiment(tmp_path, small_corpus, models=["log_mel"], **fields)
        run = plan_runs(load_experiment(path))[0]
        return run_fingerprint(run, load_run_data(run))

    plain = fingerprint()
    assert fingerprint(data_workers=2, audio_cache="cache", on_bad_audio="skip", devices=2) == plain
    (tmp_path / "noises").mkdir()
    (tmp_path / "noises" / "hum.wav").write_bytes(b"hum")
    folder = {"n": {"module": "audiomentations", "class": "AddBackgroundNoise", "sounds_path": "noises"}}
    with_noises = fingerprint(augmentations=folder)
    (tmp_path / "noises" / "hum.wav").write_bytes(b"hiss")
    assert fingerprint(augmentations=folder) != with_noises
    two = {"noise": NOISE, **mine}
    different = [
        fingerprint(loudness_lufs=-23.0),
        fingerprint(trim=40.0),
        fingerprint(augmentations=mine),
        fingerprint(augmentations=mine, augmentation_mode="compose"),
        fingerprint(augmentations=two, augmentation_mode="compose"),
        fingerprint(augmentations=dict(reversed(two.items())), augmentation_mode="compose"),
    ]
    module.write_text(module.read_text().replace("2 *", "3 *"))
    different.append(fingerprint(augmentations=mine))
    assert len({plain, *different}) == 1 + len(different)


@pytest.mark.thorough
def test_a_bad_file_in_a_test_set_stops_its_row_or_is_skipped(study, small_corpus, tmp_path) -> None:
    folder, _, _ = study
    model = folder / "results" / "small" / "log_mel" / "seed_0" / "model"
    table = read_metadata(small_corpus).copy()
    sf.write(tmp_path / "nan.wav", np.full(9000, np.nan), 16_000, subtype="FLOAT")
    table.loc[table.index[0], "path"] = str(tmp_path / "nan.wav")
    write_metadata(table, tmp_path / "set" / "test.csv")
    rows = tmp_path / "rows.csv"
    rows.write_text("\t".join(COLUMNS) + f"\nm\td\t{model}\t{tmp_path / 'set'}\t{tmp_path / 'out'}\n")
    with pytest.raises(UserError, match=r"test\.csv: .*nan\.wav: has samples that are NaN"):
        evaluate(rows)
    evaluate(rows, on_bad_audio="skip")
    with pytest.raises(UserError, match=r"nan\.wav"):  # what was skipped is no result for who wants an error
        evaluate(rows)
    report = json.loads((tmp_path / "out" / "classification_report.json").read_text())
    assert [Path(path).name for path in report["skipped_audio"]] == ["nan.wav"]
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 39
