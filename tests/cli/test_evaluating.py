"""`kser eval` as a user who makes mistakes meets it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.commands import refused


class TestEvaluating:
    def write_rows(self, path: Path, trained: Path, *model_paths: str) -> None:
        seed = trained / "results" / "study" / "tiny" / "seed_0"
        rows = ["model_name\tdataset_name\tmodel_path\teval_csv_path\teval_out_path"]
        for number, model_path in enumerate(model_paths):
            rows.append(f"m{number}\ttones\t{model_path}\t{seed}/split\t{path.parent}/out/{number}")
        path.write_text("\n".join(rows))

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("nowhere", "nowhere: file or folder not found"),
            ("models", "models: the folder holds no .csv file; training writes them to .../evaluation_csv"),
            ("metadata.csv", "metadata.csv: the header lacks model_name, dataset_name, "),
        ],
    )
    def test_a_path_without_evaluations_is_refused(self, run, study, path, said):
        (line,) = refused(run, study, "eval", "--eval-path", path)
        assert line.startswith(said)

    @pytest.mark.thorough
    def test_a_backend_that_there_is_not(self, run, trained, monkeypatch):
        monkeypatch.setenv("KERAS_BACKEND", "theano")
        (line,) = refused(run, trained, "eval", "--eval-path", "results/study/evaluation_csv")
        assert line.startswith("KERAS_BACKEND=theano: unknown backend")

    @pytest.mark.thorough
    def test_rows_that_cannot_be_evaluated_are_told_and_the_others_are_done(self, run, trained, tmp_path):
        model = trained / "results" / "study" / "tiny" / "seed_0" / "model"
        for name in ("no_recordings", "other_version"):
            shutil.copytree(model, tmp_path / name)
        (tmp_path / "no_recordings" / "recordings.json").unlink()
        (tmp_path / "other_version" / "kser.json").write_text('{"seed": 1}')
        models = ["nowhere", "models", model, tmp_path / "no_recordings", tmp_path / "other_version"]
        self.write_rows(tmp_path / "rows.csv", trained, *map(str, models))
        ended = run("eval", "--eval-path", tmp_path / "rows.csv")
        assert ended.status == 2
        expected = {
            f"m0 on tones: {trained}/nowhere: folder not found",
            f"m1 on tones: {trained}/models: holds no trained model, nor do the folders within it as of a "
            "study",
            f"m3 on tones: {tmp_path}/no_recordings/recordings.json: file not found",
        }
        assert expected < set(ended.lines)
        (rest,) = set(ended.lines) - expected
        assert rest.startswith(
            f"m4 on tones: {tmp_path}/other_version/kser.json: not as this version of kser"
        )
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["2"]
        assert (tmp_path / "out" / "2" / "classification_report.json").is_file()
        assert "m2 on tones, seed 0: UAR" in ended.out
        assert (tmp_path / "summary" / "rows" / "summary.csv").is_file()

    def test_a_row_without_test_set_is_told(self, run, trained, tmp_path):
        model = trained / "results" / "study" / "tiny" / "seed_0" / "model"
        self.write_rows(tmp_path / "rows.csv", trained, str(model))
        text = (tmp_path / "rows.csv").read_text()
        (tmp_path / "rows.csv").write_text(text.replace("/split", "/nowhere"))
        ended = run("eval", "--eval-path", tmp_path / "rows.csv")
        assert ended.status == 2
        (line,) = ended.lines
        assert line.endswith(
            "nowhere/test.csv: file not found; eval_csv_path is a metadata CSV, or a folder with test.csv"
        )
        assert not (tmp_path / "out").exists()

    def test_commas_the_file_of_a_test_set_and_no_output_path(self, run, trained, tmp_path):
        seed = trained / "results" / "study" / "tiny" / "seed_0"
        shutil.copytree(seed / "model", tmp_path / "mine")
        (tmp_path / "rows.csv").write_text(
            "model_name,dataset_name,model_path,eval_csv_path\n"
            f"m,tones,mine,{seed / 'split' / 'validation.csv'}\n"
        )
        ended = run("eval", tmp_path / "rows.csv")
        assert (ended.status, ended.err) == (0, "")
        assert "m on tones, seed 0: UAR" in ended.out
        report = tmp_path / "mine_evaluation" / "tones" / "classification_report.json"
        assert json.loads(report.read_text())["test_csv"] == str(seed / "split" / "validation.csv")

    def test_two_rows_that_write_to_one_folder_are_refused(self, run, trained, tmp_path):
        model = str(trained / "results" / "study" / "tiny" / "seed_0" / "model")
        self.write_rows(tmp_path / "rows.csv", trained, model, model)
        text = (tmp_path / "rows.csv").read_text()
        (tmp_path / "rows.csv").write_text(text.replace("out/1", "out/0"))
        (line,) = refused(run, tmp_path, "eval", "--eval-path", tmp_path / "rows.csv")
        assert line.startswith("rows.csv: eval_out_path out/0 is in two rows: m0 on tones and m1 on tones")
