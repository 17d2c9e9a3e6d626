"""The command line, as a user who makes mistakes meets it: one line for each, nothing lost, exit status 2."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

import kser
from kser import cli, startup
from kser.corpora.recipes import RECIPES
from kser.errors import UserError
from tests.corpora.made_up_corpora import write_recording

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLING_RATE = 16_000
HEADER = "path,class_id,actor,gender"
HEAVY = {
    "keras",
    "jax",
    "tensorflow",
    "torch",
    "pandas",
    "numpy",
    "sklearn",
    "matplotlib",
    "pydantic",
    "scipy",
}
MODEL = {
    "model_path_or_name": "scratch:log_mel",
    "name": "tiny",
    "backbone_arguments": {"filters": [4], "kernel_sizes": [3]},
    "number_of_training_epochs": 1,
    "gradient_accumulation_steps": 1,
}
EXPERIMENT = {
    "experiment_name": "study",
    "model_files": "models",
    "training_dataset": {"name": "tones", "data_csv": "metadata.csv"},
    "length_buckets": 1,
}


@dataclass
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said on stderr: each line one mistake, without the name in front."""
        lines = self.err.splitlines()
        assert lines, "nothing on stderr"
        assert all(line.startswith("kser: ") for line in lines), self.err
        return [line.removeprefix("kser: ") for line in lines]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command in this process."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["kser", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            assert isinstance(end.code, int)
            status = end.code
        return Ended(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def study_template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    rows = [HEADER]
    for speaker, gender in (("a", "male"), ("b", "female"), ("c", "male"), ("d", "female")):
        for class_id, frequency in (("high", 1200), ("low", 300)):
            tone = np.sin(2 * np.pi * frequency * np.arange(4000) / SAMPLING_RATE)
            name = f"{speaker}_{class_id}.wav"
            soundfile.write(folder / name, 0.3 * tone + 0.05 * rng.normal(size=4000), SAMPLING_RATE)
            rows.append(f"{name},{class_id},{speaker},{gender}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    (folder / "models").mkdir()
    write_study(folder)
    return folder


@pytest.fixture
def study(study_template, tmp_path, monkeypatch) -> Path:
    """The working folder: eight tones of four speakers, a model and an experiment over both."""
    folder = tmp_path / "study"
    shutil.copytree(study_template, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def trained_template(study_template, tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("trained") / "study"
    shutil.copytree(study_template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["kser", "train", "--experiment_file", "experiment.json"])
        with pytest.raises(SystemExit) as end:
            cli.main()
    assert end.value.code == 0
    yield folder


@pytest.fixture
def trained(trained_template, monkeypatch) -> Path:
    """The working folder of a study that is trained and evaluated; tests leave it as it is."""
    monkeypatch.chdir(trained_template)
    return trained_template


def write_study(folder: Path, model: dict | None = None, **fields: object) -> None:
    (folder / "models" / "tiny.json").write_text(json.dumps({**MODEL, **(model or {})}))
    (folder / "experiment.json").write_text(json.dumps({**EXPERIMENT, **fields}))


def edit_metadata(folder: Path, old: str, new: str) -> None:
    text = (folder / "metadata.csv").read_text()
    assert old in text
    (folder / "metadata.csv").write_text(text.replace(old, new))


def everything_in(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every path below a folder with size and time of change."""
    stats = {path: path.stat() for path in sorted(folder.rglob("*"))}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items() if not path.is_dir()}


def refused(run, folder: Path, *arguments: object) -> list[str]:
    """The lines that a command is refused with; nothing in the folder may change."""
    before = everything_in(folder)
    ended = run(*arguments)
    assert ended.status == 2
    assert everything_in(folder) == before
    return [line.replace(f"{folder}/", "") for line in ended.lines]


class TestCommands:
    def test_importing_the_commands_imports_nothing_heavy(self):
        program = f"import sys, kser.cli; print(sorted({HEAVY} & set(sys.modules)))"
        ended = subprocess.run(
            [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        assert ended.stdout == "[]\n"

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            ("", ["train", "eval", "data", "version", "KERAS_BACKEND"]),
            ("train", ["--experiment_file", "--low_seed", "--high_seed"]),
            ("eval", ["--eval_path", "--redo"]),
            ("data", ["list", "info", "prepare"]),
            ("data list", ["corpora"]),
            ("data info", ["citation"]),
            ("data prepare", ["--source", "--download", "--output_path"]),
            ("version", ["version"]),
        ],
    )
    def test_help_says_what_there_is(self, run, monkeypatch, command, said):
        monkeypatch.setenv("COLUMNS", "200")
        ended = run(*command.split(), "--help")
        assert ended.status == 0
        assert not [word for word in said if word not in ended.out]

    def test_version_is_that_of_the_package(self, run):
        ended = run("version")
        assert (ended.status, ended.out) == (0, f"{kser.__version__}\n")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ("train --experiment_fle a.json", ["No such option: --experiment_fle", "--experiment_file"]),
            ("train experiment.json", ["unexpected extra argument", "experiment.json"]),
            ("train --low_seed one --high_seed 2", ["Invalid value for '--low_seed'"]),
            ("eval", ["Missing option '--eval_path'"]),
            ("tran", ["No such command 'tran'", "train"]),
            ("data prepare", ["Missing argument 'name'"]),
        ],
    )
    def test_a_mistyped_command_is_told_with_what_is_wrong(self, run, monkeypatch, arguments, said):
        monkeypatch.setenv("COLUMNS", "200")
        ended = run(*arguments.split())
        assert ended.status == 2
        assert not [words for words in said if words not in ended.err]

    def test_dashes_are_taken_for_underscores(self, run, study):
        ended = run("train", "--experiment-file", "nowhere.json", "--low-seed", 1, "--high-seed", 2)
        assert ended.lines == ["nowhere.json: no such file"]

    def test_an_interruption_says_how_to_go_on(self, run, study, monkeypatch):
        def interrupt(path):
            raise KeyboardInterrupt

        monkeypatch.setattr("kser.experiment.config.loading.load_experiment", interrupt)
        ended = run("train", "--experiment_file", "experiment.json")
        assert (ended.status, ended.lines) == (130, ["interrupted; the same command continues"])

    def test_each_line_of_a_mistake_stands_on_its_own(self, run, monkeypatch):
        def refuse(name):
            raise UserError("a: one\nb: two")

        monkeypatch.setattr("kser.corpora.recipes.recipe", refuse)
        ended = run("data", "info", "emodb")
        assert (ended.status, ended.err) == (2, "kser: a: one\nkser: b: two\n")


class TestData:
    @pytest.fixture
    def emodb(self, tmp_path, monkeypatch) -> Path:
        monkeypatch.chdir(tmp_path)
        for name in ("03a01Fa", "08b10Wc", "16a07Tb"):
            write_recording(tmp_path / "[EmoDB]" / "wav" / f"{name}.wav")
        return tmp_path / "[EmoDB]"

    def test_list_has_a_line_of_at_most_100_characters_for_each_corpus(self, run):
        ended = run("data", "list")
        assert ended.status == 0
        header, *lines = ended.out.split("\n\n")[0].splitlines()
        assert header.split() == [
            *("name", "language", "speakers", "utterances", "classes", "verified", "download", "corpus")
        ]
        assert [line.split()[0] for line in lines] == list(RECIPES)
        assert max(map(len, ended.out.splitlines())) <= 100
        (emodb,) = (line for line in lines if line.startswith("emodb "))
        assert emodb.split()[:8] == ["emodb", "German", "10", "535", "7", "yes", "no", "Berlin"]

    def test_list_gives_the_titles_the_room_that_there_is(self, run, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        ended = run("data", "list")
        assert not [recipe.title for recipe in RECIPES.values() if recipe.title not in ended.out]

    @pytest.mark.parametrize("name", RECIPES)
    def test_info_tells_everything(self, run, name):
        ended = run("data", "info", name.upper())
        assert ended.status == 0
        recipe = RECIPES[name]
        facts = [recipe.title, recipe.citation, recipe.licence, recipe.home_page, recipe.layout]
        facts += [", ".join(recipe.classes), str(recipe.expected_speakers), str(recipe.expected_utterances)]
        facts += [archive.url for archive in recipe.archives]
        facts += [
            "verified        yes: " if recipe.verified else "verified        no: this recipe was made after"
        ]
        facts += [f"kser data prepare {name} --{'download' if recipe.archives else 'source'}"]
        assert not [fact for fact in facts if fact not in ended.out]

    def test_an_unknown_corpus_is_refused_with_the_nearest(self, run):
        ended = run("data", "info", "emdb")
        assert ended.status == 2
        (line,) = ended.lines
        assert line.startswith("no recipe for the corpus 'emdb': did you mean 'emodb'? there are ")

    def test_prepare_writes_the_metadata_and_says_what_is_missing(self, run, emodb):
        ended = run("data", "prepare", "emodb", "--source", emodb)
        assert ended.status == 0
        assert "data/emodb/metadata.csv: 3 utterances, 3 speakers, 3 classes" in ended.out
        assert (
            "3 utterances, 535 were published; 3 speakers, 10 were published; no utterance of b" in ended.out
        )
        assert "data/emodb/metadata_report.md: the whole report" in ended.out
        rows = (emodb.parent / "data" / "emodb" / "metadata.csv").read_text().splitlines()
        assert rows[:2] == [
            f"{HEADER},sentence,version",
            f"{emodb}/wav/03a01Fa.wav,happiness,03,male,a01,a",
        ]

    def test_prepare_writes_where_it_is_told(self, run, emodb):
        ended = run("data", "prepare", "emodb", "--source", emodb, "--output_path", emodb / "mine.csv")
        assert f"{emodb}/mine.csv: 3 utterances" in ended.out
        assert (emodb / "mine.csv").read_text().splitlines()[1].startswith("wav/03a01Fa.wav,")

    def test_prepare_unpacks_an_archive(self, run, emodb):
        shutil.make_archive("emodb", "gztar", emodb)
        ended = run(
            "data", "prepare", "emodb", "--source", "emodb.tar.gz", "--output-path", "out/metadata.csv"
        )
        assert ended.status == 0
        assert Path("out/metadata.csv").read_text().splitlines()[1].startswith("corpus/wav/03a01Fa.wav,")

    @pytest.mark.parametrize(
        ("source", "output", "line"),
        [
            (
                "nowhere",
                "m.csv",
                "nowhere: no such folder or archive; emodb is a folder with the subfolder wav",
            ),
            ("empty", "m.csv", "empty: does not look like EmoDB, which is a folder with the subfolder wav"),
            ("file", "m.csv", "file: is neither a folder nor an archive (.zip, .tar, "),
            ("[EmoDB]", "empty", "empty: is a folder, where a file is to be written"),
            ("[EmoDB]", "file/m.csv", "file/m.csv: cannot be written: "),
        ],
    )
    def test_prepare_refuses_wrong_folders(self, run, emodb, source, output, line):
        (emodb.parent / "empty").mkdir()
        (emodb.parent / "file").touch()
        (said,) = refused(
            run, emodb.parent, "data", "prepare", "emodb", "--source", source, "--output_path", output
        )
        assert said.startswith(line)

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (
                ["emodb"],
                "emodb: give --source FOLDER_OR_ARCHIVE (to be had from http://emodb.bilderbar.info)",
            ),
            (["ravdess_song"], "ravdess_song: give --source FOLDER_OR_ARCHIVE or --download"),
            (
                ["ravdess_song", "--source", "[EmoDB]", "--download"],
                "ravdess_song: give --source FOLDER_OR_ARCHIVE or --download, not both",
            ),
            (["emodb", "--download"], "emodb: kser cannot download it (licence: offered by its authors"),
        ],
    )
    def test_prepare_asks_where_the_corpus_is(self, run, emodb, arguments, line):
        (said,) = refused(run, emodb.parent, "data", "prepare", *arguments)
        assert said.startswith(line)


class TestTrainingOnWrongFiles:
    """`kser train --experiment_file experiment.json` after something in the study was spoilt."""

    @pytest.fixture
    def train(self, run, study):
        return lambda: refused(run, study, "train", "--experiment_file", "experiment.json")

    def test_the_study_itself_is_right(self, run, trained):
        ended = run("train", "--experiment_file", "experiment.json")
        assert (ended.status, ended.err) == (0, "")
        assert "tiny, seed 0: is trained already" in ended.out

    def test_missing_experiment_file(self, run, study):
        lines = refused(run, study, "train", "--experiment_file", "nowhere.json")
        assert lines == ["nowhere.json: no such file"]

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
        assert train() == ["metadata.csv: no such file"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "is empty; a header and a row for each utterance are wanted"),
            (f"{HEADER}\n", "has a header and no rows; a row for each utterance is wanted"),
            (
                "path,emotion,actor,gender\na_low.wav,low,a,male\n",
                "the header lacks 'class_id'; it has 'path', 'emotion', 'actor', 'gender'",
            ),
            (
                "path,class_id,speaker\na_low.wav,low,a\n",
                "the header lacks 'actor', 'gender'; it has 'path', 'class_id', 'speaker'",
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
            (np.zeros(100), "0.006 s is too short: the model needs 0.032 s for one frame"),
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
        assert line.startswith("metadata.csv: recorded by one speaker alone: class middle (by b); ")

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
                "scratch:wav2vec3: no such architecture; there are scratch:log_mel, scratch:wav2vec2, "
                "scratch:hubert, scratch:wavlm, scratch:data2vec_audio, scratch:unispeech, "
                "scratch:unispeech_sat, scratch:whisper, scratch:moonshine",
            ),
            (
                {"model_path_or_name": "models", "backbone_arguments": {}},
                "models: has no config.json: neither a KerasHub preset nor a published checkpoint",
            ),
            (
                {"model_path_or_name": "nowhere", "backbone_arguments": {}},
                "nowhere: no such folder, and not a Hugging Face id of the form owner/name",
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
            "experiment.json: datasets: empty: eval_csv_path: no folder with a test.csv: empty",
            "experiment.json: datasets: nowhere: eval_csv_path: no folder with a test.csv: nowhere",
            "wrong/test.csv: has a header and no rows; a row for each utterance is wanted",
        ]

    @pytest.mark.parametrize(
        "field", ["output_path", "experiment_results_output_path", "checkpoint_save_folder"]
    )
    def test_a_file_in_place_of_an_output_folder(self, run, study, field):
        (study / "file").write_text("mine")
        write_study(study, **{field: "file"})
        ended = run("train", "--experiment_file", "experiment.json")
        assert ended.status == 2
        (line,) = ended.lines
        assert line.startswith(f"{study}/file/study/tiny/seed_0")
        assert "cannot be written: " in line
        assert (study / "file").read_text() == "mine"

    def test_a_backend_that_there_is_not(self, train, monkeypatch):
        monkeypatch.setenv("KERAS_BACKEND", "theano")
        assert train() == ["KERAS_BACKEND=theano: no such backend; there are jax, tensorflow, torch"]

    def test_a_backend_that_is_not_installed(self, train, monkeypatch):
        monkeypatch.setenv("KERAS_BACKEND", "torch")
        monkeypatch.setattr(startup, "find_spec", lambda name: None)
        (line,) = train()
        assert line.startswith("KERAS_BACKEND=torch: its library is not installed here")

    @pytest.mark.parametrize(
        ("bounds", "said"),
        [
            (("--low_seed", 1), "--low_seed and --high_seed: give both, or neither to take cross_validation"),
            (
                ("--low_seed", 2, "--high_seed", 1),
                "--low_seed 2 --high_seed 1: want 0 ≤ low_seed ≤ high_seed",
            ),
        ],
    )
    @pytest.mark.parametrize(
        "file", [("--experiment_file", "experiment.json"), ()], ids=["file", "quickstart"]
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

    def test_results_of_other_settings_are_refused_and_stay(self, run, again):
        write_study(again, {"learning_rate": 0.5})
        (line,) = refused(run, again, "train", "--experiment_file", "experiment.json")
        assert line.startswith("results/study/tiny/seed_0/model: holds a model trained with other settings")

    def test_results_of_other_data_are_refused_and_stay(self, run, again):
        soundfile.write(again / "a_low.wav", np.full(4000, 0.1), SAMPLING_RATE)
        for name in ("b", "c", "d"):
            shutil.copy(again / "a_low.wav", again / f"{name}_low.wav")
        (line,) = refused(run, again, "train", "--experiment_file", "experiment.json")
        assert line.startswith("results/study/tiny/seed_0/model: holds a model trained with other settings")

    def test_an_interrupted_run_of_other_settings_is_refused_and_stays(self, run, again):
        shutil.rmtree(again / "results")
        work = again / "runs" / "study" / "tiny" / "seed_0"
        (work / "settings.json").write_text('{"run_fingerprint": "of other settings"}')
        (line,) = refused(run, again, "train", "--experiment_file", "experiment.json")
        assert line.startswith("runs/study/tiny/seed_0: holds an interrupted run with other settings")

    def test_a_damaged_evaluation_csv_is_told_before_training(self, run, again):
        (path,) = (again / "results" / "study" / "evaluation_csv").glob("*.csv")
        path.write_text("model_name\n")
        command = ("train", "--experiment_file", "experiment.json", "--low_seed", 5, "--high_seed", 5)
        (line,) = refused(run, again, *command)
        assert line.startswith(f"{path.relative_to(again)}: the header lacks dataset_name")


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
            ("nowhere", "nowhere: no such file or folder"),
            ("models", "models: the folder holds no .csv file; training writes them to .../evaluation_csv"),
            ("metadata.csv", "metadata.csv: the header lacks model_name, dataset_name, "),
        ],
    )
    def test_a_path_without_evaluations_is_refused(self, run, study, path, said):
        (line,) = refused(run, study, "eval", "--eval_path", path)
        assert line.startswith(said)

    def test_a_backend_that_there_is_not(self, run, trained, monkeypatch):
        monkeypatch.setenv("KERAS_BACKEND", "theano")
        (line,) = refused(run, trained, "eval", "--eval_path", "results/study/evaluation_csv")
        assert line.startswith("KERAS_BACKEND=theano: no such backend")

    def test_rows_that_cannot_be_evaluated_are_told_and_the_others_are_done(self, run, trained, tmp_path):
        model = trained / "results" / "study" / "tiny" / "seed_0" / "model"
        for name in ("no_recordings", "other_version"):
            shutil.copytree(model, tmp_path / name)
        (tmp_path / "no_recordings" / "recordings.json").unlink()
        (tmp_path / "other_version" / "kser.json").write_text('{"seed": 1}')
        models = ["nowhere", "models", model, tmp_path / "no_recordings", tmp_path / "other_version"]
        self.write_rows(tmp_path / "rows.csv", trained, *map(str, models))
        ended = run("eval", "--eval_path", tmp_path / "rows.csv")
        assert ended.status == 2
        expected = {
            f"m0 on tones: {trained}/nowhere: no such folder",
            f"m1 on tones: {trained}/models: holds no model trained by kser (no kser.json)",
            f"m3 on tones: {tmp_path}/no_recordings/recordings.json: no such file",
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
        ended = run("eval", "--eval_path", tmp_path / "rows.csv")
        assert ended.status == 2
        (line,) = ended.lines
        assert line.endswith("nowhere/test.csv: no such file; eval_csv_path is a folder that holds test.csv")
        assert not (tmp_path / "out").exists()

    def test_two_rows_that_write_to_one_folder_are_refused(self, run, trained, tmp_path):
        model = str(trained / "results" / "study" / "tiny" / "seed_0" / "model")
        self.write_rows(tmp_path / "rows.csv", trained, model, model)
        text = (tmp_path / "rows.csv").read_text()
        (tmp_path / "rows.csv").write_text(text.replace("out/1", "out/0"))
        (line,) = refused(run, tmp_path, "eval", "--eval_path", tmp_path / "rows.csv")
        assert line.startswith(
            "rows.csv: eval_out_path out/0 stands in two rows: m0 on tones and m1 on tones"
        )
