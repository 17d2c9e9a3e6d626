"""`kser train` as a user who makes mistakes meets it: one line for each, nothing lost, exit status 2."""

import shutil

import numpy as np
import pytest
import soundfile

from kser import startup
from tests.cli.commands import refused
from tests.cli.small_study import HEADER, SAMPLING_RATE, edit_metadata, write_study


class TestTrainingOnWrongFiles:
    """`kser train --experiment-file experiment.json` after something in the study was spoilt."""

    @pytest.fixture
    def train(self, run, study):
        return lambda: refused(run, study, "train", "--experiment-file", "experiment.json")

    @pytest.mark.thorough
    def test_the_study_itself_is_right(self, run, trained):
        ended = run("train", "--experiment-file", "experiment.json")
        assert (ended.status, ended.err) == (0, "")
        assert "tiny, seed 0: is trained already" in ended.out

    def test_a_head_that_no_updates_have_led_to(self, run, study):
        solved = {"freeze_layers": "all", "head_solver": "logistic_regression"}
        defaults = {"number_of_training_epochs": 50, "gradient_accumulation_steps": 8}
        write_study(study, solved | defaults, run_eval=False)
        ended = run("train", "--experiment-file", "experiment.json")
        assert (ended.status, ended.err) == (0, "")
        assert "tiny, seed 0: logistic regression with C " in ended.out
        assert f"tiny, seed 0: trained; model: {study}/results/study/tiny/seed_0/model" in ended.out

    def test_missing_experiment_file(self, run, study):
        lines = refused(run, study, "train", "--experiment-file", "nowhere.json")
        assert lines == ["nowhere.json: file not found"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "not valid JSON: Expecting property name enclosed in double quotes, line 1 column 2"),
            (
                "[]",
                "should be a JSON object, {…}, with experiment_name, model_files, training_dataset",
            ),
        ],
    )
    def test_experiment_file_of_something_else(self, train, study, text, said):
        (study / "experiment.json").write_text(text)
        assert train() == [f"experiment.json: {said}"]

    def test_mistakes_in_several_files_are_told_at_once(self, train, study):
        twice = {"name": "corpus", "eval_csv_path": "test"}
        write_study(study, {"batch_sise": 2, "name": "a/b"}, datasets=[twice, twice])
        (study / "models" / "other.json").write_text("{}")
        assert [line.split(": ")[:2] for line in train()] == [
            ["experiment.json", "datasets"],
            ["models/other.json", "model_path_or_name"],
            ["models/other.json", "name"],
            ["models/tiny.json", "name"],
            ["models/tiny.json", "batch_sise"],
        ]

    def test_misspelt_field(self, train, study):
        write_study(study, eval_stesp=5)
        assert train() == ["experiment.json: eval_stesp: unknown field; did you mean eval_steps?"]

    def test_missing_metadata(self, train, study):
        (study / "metadata.csv").unlink()
        assert train() == ["metadata.csv: file not found"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "is empty; expected a header and a row for each utterance"),
            (f"{HEADER}\n", "has a header but no rows; expected a row for each utterance"),
            (
                "path,emotion,actor,gender\na_low.wav,low,a,male\n",
                "the header lacks 'class_id'; it has 'path', 'emotion', 'actor', 'gender'",
            ),
            (
                "path,class_id,speaker\na_low.wav,low,a\n",
                "the header lacks 'actor'; it has 'path', 'class_id', 'speaker'; rename them in the file, or "
                'in the experiment: "columns": {"speaker": "actor"}?',
            ),
            (f"{HEADER}\na_low.wav,low,a\n", "row 2: not 4 cells, as the header has"),
            (f"{HEADER}\na_low.wav,,a,male\n", "empty cells: 'class_id' in row 2"),
        ],
    )
    def test_wrong_metadata(self, train, study, text, said):
        (study / "metadata.csv").write_text(text)
        (line,) = train()
        assert line.startswith(f"metadata.csv: {said}")

    def test_a_column_that_the_metadata_lack(self, train, study):
        write_study(study, {"output_column": "emotion"})
        (line,) = train()
        assert line.startswith("metadata.csv: the header lacks 'emotion'; it has 'path', 'class_id'")

    def test_missing_audio_files(self, train, study):
        (study / "b_low.wav").unlink()
        (line,) = train()
        assert line.startswith("metadata.csv: 1 of 8 audio files not found: b_low.wav (row 5)")

    # Each in every recording's place in turn, so that training, validation and test part have had it.
    @pytest.mark.parametrize("name", ["a_low.wav", "b_low.wav", "c_low.wav", "d_low.wav"])
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"this is no sound", "cannot be read as audio: "),
            (b"", "is empty (0 bytes); leave the file out or obtain it again"),
            (np.zeros(0), "has no samples; leave the file out or obtain it again"),
            (np.linspace(-0.5, 0.5, 100), "0.006 s is too short: the model needs 0.032 s for one frame"),
            ("cut", "is cut short: "),
        ],
        ids=["corrupt", "no bytes", "no samples", "too short", "cut short"],
    )
    def test_wrong_audio(self, train, study, name, content, said):
        if isinstance(content, np.ndarray):
            soundfile.write(study / name, content, SAMPLING_RATE)
        else:
            whole = (study / name).read_bytes()
            (study / name).write_bytes(whole[:2000] if content == "cut" else content)
        (line,) = train()
        assert line.startswith(f"{name}: {said}")

    def test_a_class_that_one_speaker_alone_recorded(self, train, study):
        edit_metadata(study, "b_low.wav,low", "b_low.wav,middle")
        (line,) = train()
        assert line.startswith("metadata.csv: recorded by only one speaker: class middle (by b); ")

    def test_one_class_in_all(self, train, study):
        edit_metadata(study, ",low,", ",high,")
        assert train() == ["metadata.csv: class_id: 'high' in every row; a classifier needs two classes"]

    @pytest.mark.parametrize(("speakers", "said"), [("a", "one speaker"), ("ab", "two speakers")])
    def test_too_few_speakers(self, train, study, speakers, said):
        rows = (study / "metadata.csv").read_text().splitlines()
        kept = [row for row in rows if row == HEADER or row[0] in speakers]
        (study / "metadata.csv").write_text("\n".join(kept))
        (line,) = train()
        assert line.startswith(
            f"metadata.csv: {said} in all; a speaker-independent split needs at least three"
        )

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            (
                {"backbone_arguments": {"filtres": [4]}},
                "backbone_arguments: LogMelBackbone has no argument filtres; did you mean filters?",
            ),
            (
                {"model_path_or_name": "scratch:wav2vec3"},
                "scratch:wav2vec3: unknown architecture; known are scratch:data2vec_audio, scratch:hubert, "
                "scratch:log_mel, scratch:moonshine, scratch:unispeech, scratch:unispeech_sat, "
                "scratch:wav2vec2, scratch:wavlm, scratch:whisper",
            ),
            (
                {"model_path_or_name": "models", "backbone_arguments": {}},
                "model_path_or_name: models: has no config.json: neither a KerasHub preset nor a published "
                "checkpoint",
            ),
            (
                {"model_path_or_name": "nowhere", "backbone_arguments": {}},
                "model_path_or_name: nowhere: folder not found, and not a Hugging Face id of the form "
                "owner/name",
            ),
        ],
    )
    def test_a_model_that_there_is_not(self, train, study, fields, said):
        write_study(study, fields)
        assert train() == [f"models/tiny.json: {said}"]

    def test_all_test_sets_that_are_missing_or_wrong(self, train, study):
        for name in ("empty", "wrong"):
            (study / name).mkdir()
        (study / "wrong" / "test.csv").write_text("path\n")
        write_study(study, datasets=[{"name": n, "eval_csv_path": n} for n in ("empty", "nowhere", "wrong")])
        assert train() == [
            "experiment.json: datasets: empty: eval_csv_path: file not found: empty/test.csv",
            "experiment.json: datasets: nowhere: eval_csv_path: file not found: nowhere/test.csv",
            "wrong/test.csv: has a header but no rows; expected a row for each utterance",
        ]

    @pytest.mark.parametrize(
        "field", ["output_path", "experiment_results_output_path", "checkpoint_save_folder"]
    )
    def test_a_file_in_place_of_an_output_folder(self, run, study, field):
        (study / "file").write_text("mine")
        write_study(study, **{field: "file"})
        ended = run("train", "--experiment-file", "experiment.json")
        assert ended.status == 2
        (line,) = ended.lines
        assert line.startswith(f"{study}/file/study/tiny/seed_0")
        assert "cannot be written: " in line
        assert (study / "file").read_text() == "mine"

    def test_a_backend_that_there_is_not(self, train, monkeypatch):
        monkeypatch.setenv("KERAS_BACKEND", "theano")
        assert train() == ["KERAS_BACKEND=theano: unknown backend; kser runs on jax, tensorflow, torch"]

    def test_a_backend_that_is_not_installed(self, train, monkeypatch):
        monkeypatch.setenv("KERAS_BACKEND", "torch")
        monkeypatch.setattr(startup, "find_spec", lambda name: None)
        (line,) = train()
        assert line.startswith("KERAS_BACKEND=torch: its library is not installed here")

    @pytest.mark.parametrize(
        ("bounds", "said"),
        [
            (("--low-seed", 1), "--low-seed and --high-seed: give both, or neither to take cross_validation"),
            (
                ("--low-seed", 2, "--high-seed", 1),
                "--low-seed 2 --high-seed 1: must be 0 ≤ low_seed ≤ high_seed",
            ),
        ],
    )
    @pytest.mark.parametrize(
        "file", [("--experiment-file", "experiment.json"), ()], ids=["file", "quickstart"]
    )
    def test_seed_bounds_that_mean_nothing(self, run, study, bounds, said, file):
        (line,) = refused(run, study, "train", *file, *bounds)
        assert line.startswith(said)

    def test_run_json_of_the_working_folder_is_taken(self, run, study):
        (study / "run.json").write_text("{}")
        ended = run("train")
        assert ended.status == 2
        assert {line.split(": ")[0] for line in ended.lines} == {"run.json"}


class TestTrainingAgain:
    """Results that are there already."""

    @pytest.fixture
    def again(self, trained_template, tmp_path, monkeypatch):
        folder = tmp_path / "study"
        shutil.copytree(trained_template, folder)
        monkeypatch.chdir(folder)
        return folder

    @pytest.mark.thorough
    def test_results_of_other_settings_are_refused_and_stay(self, run, again):
        write_study(again, {"learning_rate": 0.5})
        (line,) = refused(run, again, "train", "--experiment-file", "experiment.json")
        assert line.startswith("results/study/tiny/seed_0/model: holds a model trained with other settings")

    @pytest.mark.thorough
    def test_results_of_other_data_are_refused_and_stay(self, run, again):
        soundfile.write(again / "a_low.wav", np.full(4000, 0.1), SAMPLING_RATE)
        for name in ("b", "c", "d"):
            shutil.copy(again / "a_low.wav", again / f"{name}_low.wav")
        (line,) = refused(run, again, "train", "--experiment-file", "experiment.json")
        assert line.startswith("results/study/tiny/seed_0/model: holds a model trained with other settings")

    def test_an_interrupted_run_of_other_settings_is_refused_and_stays(self, run, again):
        shutil.rmtree(again / "results")
        work = again / "runs" / "study" / "tiny" / "seed_0"
        (work / "settings.json").write_text('{"run_fingerprint": "of other settings"}')
        (line,) = refused(run, again, "train", "--experiment-file", "experiment.json")
        assert line.startswith("runs/study/tiny/seed_0: holds an interrupted run with other settings")

    def test_a_damaged_evaluation_csv_is_told_before_training(self, run, again):
        (path,) = (again / "results" / "study" / "evaluation_csv").glob("*.csv")
        path.write_text("model_name\n")
        command = ("train", "--experiment-file", "experiment.json", "--low-seed", 5, "--high-seed", 5)
        (line,) = refused(run, again, *command)
        assert line.startswith(f"{path.relative_to(again)}: the header lacks dataset_name")


class TestExecutors:
    """The options that say what does the runs."""

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--workers", 0], "--workers: must be at least 1, got 0"),
            (["--num-gpus", 1], "--num-gpus: is for --executor ray or slurm, got local"),
            (["--dry-run"], "--dry-run: is for --executor slurm, got local"),
            (
                ["--executor", "slurm", "--ray-address", "auto"],
                "--ray-address: is for --executor ray, got slurm",
            ),
            (["--executor", "ray", "--num-cpus", 0], "--num-cpus: must be at least 1, got 0"),
        ],
    )
    def test_an_option_that_is_wrong_or_of_another_executor(self, run, study, options, said):
        assert refused(run, study, "train", "experiment.json", *options) == [said]

    def test_a_dry_run_prints_the_scripts_and_writes_nothing(self, run, study):
        before = sorted(study.rglob("*"))
        ended = run("train", "experiment.json", "--executor", "slurm", "--workers", 2, "--dry-run")
        assert (ended.status, ended.err) == (0, "")
        assert ended.out.count("#!/bin/bash\n") == 2
        assert "#SBATCH --array=0%2\n" in ended.out
        assert sorted(study.rglob("*")) == before

    def test_what_executors_start_is_no_command_for_people(self, run, study):
        (line,) = refused(run, study, "worker")
        assert line == "kser train --executor starts this command; give --connection or --tasks"
