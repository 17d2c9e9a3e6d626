"""`kser data` as a user meets it, and the mistakes it refuses."""

import shutil
from pathlib import Path

import pytest

from kser.corpora.recipes import RECIPES
from tests.cli.commands import refused
from tests.cli.small_study import HEADER
from tests.corpora.made_up_corpora import write_recording


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
        assert line.startswith("no recipe for the corpus 'emdb' (did you mean 'emodb'?); there are ")

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

    def test_prepare_goes_on_without_unexpected_names_where_asked(self, run, emodb):
        (emodb / "wav" / "strange.wav").write_bytes(b"sound")
        ended = run("data", "prepare", "emodb", "--source", emodb)
        assert ended.status == 2
        assert "names are like 03a01Fa.wav: take the others out of the folder, or" in ended.lines[0]
        ended = run("data", "prepare", "emodb", "--source", emodb, "--allow-unknown")
        assert ended.status == 0
        assert "1 audio files left out, which have unexpected names" in ended.out

    def test_prepare_writes_where_it_is_told(self, run, emodb):
        ended = run("data", "prepare", "emodb", "--source", emodb, "--output-path", emodb / "mine.csv")
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
                "nowhere: folder or archive not found; emodb is a folder with the subfolder wav",
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
            run, emodb.parent, "data", "prepare", "emodb", "--source", source, "--output-path", output
        )
        assert said.startswith(line)

    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (
                ["emodb"],
                "emodb: give --source FOLDER_OR_ARCHIVE (available from http://emodb.bilderbar.info)",
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
