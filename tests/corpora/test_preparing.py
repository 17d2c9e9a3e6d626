"""Preparing a corpus: from a folder, archives or a download to metadata and a report; nothing is lost."""

import dataclasses
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from kser.corpora import preparing, sources
from kser.corpora.metadata import read_metadata
from kser.corpora.preparing import prepare
from kser.corpora.recipe import Archive, Recipe
from kser.corpora.recipes import RECIPES
from kser.errors import UserError
from tests.corpora.made_up_corpora import SAMPLES, write_recording, write_tree

EMODB = RECIPES["emodb"]
FILES = ["wav/03a01Fa.wav", "wav/08b10Wc.wav", "wav/16a07Tb.wav", "wav/16a07Wb.wav"]
DURATION_S = SAMPLES / 16_000


@pytest.fixture
def emodb(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "EmoDB", [*FILES, "erklaerung.txt", "extra/other.wav", "extra/._other.wav"])


@pytest.fixture
def csv_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "emodb" / "metadata.csv"


def zipped(folder: Path, archive: Path, top: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, f"{top}{path.relative_to(folder).as_posix()}")
    return archive


def refusal(*arguments) -> str:
    with pytest.raises(UserError) as error:
        prepare(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def report_of(csv_path: Path) -> dict:
    return json.loads(csv_path.with_name("metadata_report.json").read_text(encoding="utf-8"))


def everything_in(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def said_while_preparing(recipe: Recipe, source: Path, csv_path: Path) -> str:
    console = Console(file=io.StringIO(), width=200)
    prepare(recipe, source, csv_path, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


class TestReport:
    def test_it_counts_what_there_is(self, emodb: Path, csv_path: Path) -> None:
        prepare(EMODB, emodb, csv_path)
        report = report_of(csv_path)
        assert report["recipe_verified"] is True
        assert report["recordings"] == {"found": 4, "expected": 535}
        assert report["speakers"] == {"found": 3, "expected": 10}
        assert (report["utterances"], report["other_audio_files"]) == (4, 1)
        assert (report["unreadable"], report["duplicates"]) == ({}, [])
        assert report["unexpected_names"] == []
        assert (report["sampling_rates_hz"], report["channels"]) == ({"16000": 4}, {"1": 4})
        one = {"total_s": DURATION_S, "min_s": DURATION_S, "median_s": DURATION_S, "max_s": DURATION_S}
        assert report["durations"] == {**one, "total_s": 4 * DURATION_S}
        assert report["classes"]["sadness"] == {"utterances": 1, "speakers": 1, **one}
        assert report["classes"]["fear"] == {"utterances": 0, "speakers": 0, "total_s": 0.0}
        assert list(report["classes"]) == list(EMODB.classes)
        assert {name: group["utterances"] for name, group in report["genders"].items()} == {
            "female": 3,
            "male": 1,
        }
        woman = report["by_speaker"]["16"]
        assert (woman["gender"], woman["utterances"]) == ("female", 2)
        assert {name: n for name, n in woman["classes"].items() if n} == {"anger": 1, "sadness": 1}
        assert "folds" not in report

    def test_it_can_be_read(self, emodb: Path, csv_path: Path) -> None:
        prepare(EMODB, emodb, csv_path)
        text = csv_path.with_name("metadata_report.md").read_text(encoding="utf-8")
        for line in (
            "| recordings | 4 | 535 |",
            "| anger | 2 | 2 | 0.05 | 0.025 | 0.025 | 0.025 |",
            "| 16 | female | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 1 |",
            "- 0.0 min in all; an utterance 0.0 to 0.0 s, median 0.0 s; 16000 Hz, mono",
        ):
            assert line in text.splitlines()

    def test_official_folds_are_counted(self, emodb: Path, csv_path: Path) -> None:
        prepare(dataclasses.replace(EMODB, folds="version"), emodb, csv_path)
        assert {name: fold["utterances"] for name, fold in report_of(csv_path)["folds"].items()} == {
            "a": 1,
            "b": 2,
            "c": 1,
        }

    def test_it_is_named_after_the_csv(self, emodb: Path, tmp_path: Path) -> None:
        prepare(EMODB, emodb, tmp_path / "out" / "mine.tsv")
        names = sorted(path.name for path in (tmp_path / "out").iterdir())
        assert names == ["mine.tsv", "mine_report.json", "mine_report.md"]

    def test_recordings_that_cannot_be_read_are_left_out_and_named(self, emodb: Path, csv_path: Path) -> None:
        (emodb / FILES[0]).write_bytes(b"no sound")
        whole = (emodb / FILES[1]).read_bytes()
        write_recording(emodb / FILES[1], samples=40_000)
        (emodb / FILES[1]).write_bytes((emodb / FILES[1]).read_bytes()[: len(whole)])
        said = said_while_preparing(EMODB, emodb, csv_path)
        table = read_metadata(csv_path)
        assert [Path(path).name for path in table["path"]] == ["16a07Tb.wav", "16a07Wb.wav"]
        first, second = (f"{emodb}/{name}" for name in FILES[:2])
        unreadable = report_of(csv_path)["unreadable"]
        assert list(unreadable) == [first, second]
        assert unreadable[first].startswith("cannot be read as audio: ")
        assert unreadable[second].startswith("is cut short: ")
        assert report_of(csv_path)["recordings"]["found"] == 4
        assert report_of(csv_path)["utterances"] == 2
        assert f"\n{first}: left out: cannot be read as audio: " in said
        assert first in csv_path.with_name("metadata_report.md").read_text(encoding="utf-8")

    def test_recordings_that_a_list_names_and_that_are_not_there(self, emodb: Path, csv_path: Path) -> None:
        def read(folder: Path) -> pd.DataFrame:
            table = EMODB.read(folder)
            absent = table.iloc[[0]].assign(path=str(folder / "wav" / "absent.wav"))
            return pd.concat([table, absent], ignore_index=True)

        assert len(prepare(dataclasses.replace(EMODB, make_table=read), emodb, csv_path)) == 4
        assert report_of(csv_path)["unreadable"] == {f"{emodb}/wav/absent.wav": "audio file not found"}

    def test_the_same_recording_twice_is_named(self, emodb: Path, csv_path: Path) -> None:
        shutil.copy(emodb / FILES[0], emodb / FILES[1])
        write_recording(emodb / FILES[2], seed=1)
        write_recording(emodb / FILES[3], seed=1)
        (emodb / FILES[3]).write_bytes(
            (emodb / FILES[3]).read_bytes() + b"junk\0\0\0\0"
        )  # other bytes, same sound
        said = said_while_preparing(EMODB, emodb, csv_path)
        assert report_of(csv_path)["duplicates"] == [
            {"paths": [f"{emodb}/{n}" for n in FILES[:2]], "same_class_id": False, "same_actor": False},
            {"paths": [f"{emodb}/{n}" for n in FILES[2:]], "same_class_id": False, "same_actor": True},
        ]
        assert f"{FILES[1]}: the same recording, with another class_id and actor\n" in said
        assert f"{FILES[3]}: the same recording, with another class_id\n" in said
        assert len(read_metadata(csv_path)) == 4

    def test_what_was_not_verified_says_so(self, emodb: Path, csv_path: Path) -> None:
        assert "not verified" not in said_while_preparing(EMODB, emodb, csv_path)
        unverified = dataclasses.replace(EMODB, verified=False)
        assert "\nnot verified: this recipe was made after the published" in said_while_preparing(
            unverified, emodb, csv_path
        )
        (emodb / "wav" / "strange.wav").touch()
        assert "the recipe itself may be wrong" in refusal(unverified, emodb, csv_path)
        assert "the recipe itself may be wrong" not in refusal(EMODB, emodb, csv_path)

    def test_another_sampling_rate_than_published_is_said(self, emodb: Path, csv_path: Path) -> None:
        said = said_while_preparing(dataclasses.replace(EMODB, sampling_rate_hz=48_000), emodb, csv_path)
        assert "16000 Hz (published at 48000 Hz), mono" in said

    def test_many_warnings_are_counted(self, emodb: Path, csv_path: Path) -> None:
        for letter in "bcdefghijklmnopq":
            (emodb / "wav" / f"03a01F{letter}.wav").write_bytes(b"no sound")
        said = said_while_preparing(EMODB, emodb, csv_path)
        assert said.endswith("the whole report, with 5 more warnings\n")
        assert said.count(": left out: ") == 11

    def test_it_is_the_same_whatever_the_order_on_the_disk(self, tmp_path: Path) -> None:
        for name, files in (("one", FILES), ("two", FILES[::-1])):
            write_tree(tmp_path / name, files)
            prepare(EMODB, tmp_path / name, tmp_path / name / "metadata.csv")
        one, two = everything_in(tmp_path / "one"), everything_in(tmp_path / "two")
        assert one == {name: content.replace(b"/two", b"/one") for name, content in two.items()}


class TestNothingIsLost:
    """What stood at the CSV's place stays until the new one is right."""

    @pytest.fixture
    def old(self, emodb: Path, csv_path: Path) -> dict[str, bytes]:
        prepare(EMODB, emodb, csv_path)
        return everything_in(csv_path.parent)

    def test_a_new_one_takes_the_place(self, emodb: Path, csv_path: Path, old: dict[str, bytes]) -> None:
        (emodb / FILES[0]).unlink()
        prepare(EMODB, emodb, csv_path)
        assert everything_in(csv_path.parent).keys() == old.keys()
        assert len(read_metadata(csv_path)) == 3

    def test_unreadable_recordings_alone(self, emodb: Path, csv_path: Path, old: dict[str, bytes]) -> None:
        for name in FILES:
            (emodb / name).write_bytes(b"no sound")
        said = refusal(EMODB, emodb, csv_path)
        assert said.startswith(
            f"{emodb}: none of its 4 recordings can be read, the first because: {emodb}/wav/03"
        )
        assert everything_in(csv_path.parent) == old

    def test_another_folder(self, tmp_path: Path, csv_path: Path, old: dict[str, bytes]) -> None:
        refusal(EMODB, tmp_path / "nowhere", csv_path)
        assert everything_in(csv_path.parent) == old

    def test_an_interruption(
        self, emodb: Path, csv_path: Path, old: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*arguments: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("kser.audio.known_sounds.KnownSounds.of", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(EMODB, emodb, csv_path)
        assert everything_in(csv_path.parent) == old

    def test_rows_that_contradict_each_other(
        self, emodb: Path, csv_path: Path, old: dict[str, bytes]
    ) -> None:
        def read(folder: Path) -> pd.DataFrame:
            table = EMODB.read(folder)
            return pd.concat([table, table.iloc[[0]], table.iloc[[1]].assign(class_id="fear")])

        said = refusal(dataclasses.replace(EMODB, make_table=read), emodb, csv_path)
        assert said.startswith(
            f"{csv_path}: recordings that are listed more than once: {emodb}/{FILES[1]} in "
        )
        assert everything_in(csv_path.parent) == old

    def test_rows_that_repeat_each_other_are_one(self, emodb: Path, csv_path: Path) -> None:
        def read(folder: Path) -> pd.DataFrame:
            return pd.concat([EMODB.read(folder)] * 2)

        assert len(prepare(dataclasses.replace(EMODB, make_table=read), emodb, csv_path)) == 4

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
    def test_a_folder_whose_name_is_no_text(
        self, emodb: Path, tmp_path: Path, csv_path: Path, old: dict[str, bytes]
    ) -> None:
        strange = tmp_path / os.fsdecode(b"Stra\xdfe")
        emodb.rename(strange)
        assert "Stra\\udcdfe/wav/03a01Fa.wav', " in refusal(EMODB, strange, csv_path)
        assert everything_in(csv_path.parent) == old


class TestFolders:
    @pytest.mark.parametrize("above", ["EmoDB", "EmoDB/inner", "a/b/EmoDB"])
    def test_the_only_subfolder_is_taken(self, tmp_path: Path, csv_path: Path, above: str) -> None:
        write_tree(tmp_path / "source", [f"{above}/{name}" for name in FILES])
        (tmp_path / "source" / "readme.txt").touch()
        (tmp_path / "source" / ".hidden").mkdir()
        assert len(prepare(EMODB, tmp_path / "source", csv_path)) == 4
        assert report_of(csv_path)["folder"] in (
            f"{tmp_path}/source/{above}",
            f"{tmp_path}/source/{above}/wav",
        )

    def test_two_subfolders_are_not_guessed_between(self, tmp_path: Path, csv_path: Path) -> None:
        write_tree(tmp_path / "source", ["one/wav/03a01Fa.wav", "two/wav/03a01Fa.wav"])
        said = refusal(EMODB, tmp_path / "source", csv_path)
        assert said.startswith(f"{tmp_path}/source: does not look like EmoDB")

    def test_a_folder_of_archives_says_how_to_give_them(self, emodb: Path, csv_path: Path) -> None:
        archives = write_tree(emodb.parent / "downloads", ["EmoDB/a.zip", "EmoDB/b.tgz", "readme.txt"])
        said = refusal(EMODB, archives, csv_path)
        assert said.endswith("; it holds archives, each can be a --source: a.zip, b.tgz")

    def test_paths_are_relative_where_the_csv_is_above(self, emodb: Path) -> None:
        prepare(EMODB, emodb, emodb / "metadata.csv")
        assert (emodb / "metadata.csv").read_text().splitlines()[1].startswith("wav/03a01Fa.wav,")
        assert report_of(emodb / "metadata.csv")["folder"] == "."


class TestArchives:
    @pytest.mark.parametrize("top", ["", "EmoDB/", "download/EmoDB/"])
    def test_a_zip_is_unpacked_beside_the_csv(
        self, emodb: Path, tmp_path: Path, csv_path: Path, top: str
    ) -> None:
        archive = zipped(emodb, tmp_path / "download.zip", top)
        prepare(EMODB, archive, csv_path)
        assert (
            csv_path.read_text().splitlines()[1].startswith(f"corpus/{top}wav/03a01Fa.wav,happiness,03,male")
        )
        assert len(read_metadata(csv_path)) == 4
        assert report_of(csv_path)["recordings"]["found"] == 4
        shutil.move(csv_path.parent, tmp_path / "moved")
        assert len(read_metadata(tmp_path / "moved" / "metadata.csv")) == 4

    def test_a_tar_is_unpacked_too(self, emodb: Path, tmp_path: Path, csv_path: Path) -> None:
        with tarfile.open(tmp_path / "emodb.tar.bz2", "w:bz2") as archive:
            archive.add(emodb, "EmoDB")
        assert len(prepare(EMODB, str(tmp_path / "emodb.tar.bz2"), csv_path)) == 4

    def test_several_archives_become_one_folder(self, tmp_path: Path, csv_path: Path) -> None:
        emovo = dataclasses.replace(
            RECIPES["emovo"], archives=(Archive("https://x.org/m2.zip", 1, "md5:0", unpack_into="m2"),)
        )
        write_tree(tmp_path / "one", ["f1/dis-f1-b1.wav"])
        write_tree(tmp_path / "two", ["neu-m2-d2.wav"])
        archives = [
            zipped(tmp_path / "one", tmp_path / "f1.zip"),
            zipped(tmp_path / "two", tmp_path / "m2.zip"),
        ]
        assert list(prepare(emovo, archives, csv_path)["actor"]) == ["f1", "m2"]

    def test_it_is_unpacked_once(
        self, emodb: Path, tmp_path: Path, csv_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = zipped(emodb, tmp_path / "download.zip")
        first = prepare(EMODB, archive, csv_path)
        monkeypatch.setattr(sources, "unpack", None)
        pd.testing.assert_frame_equal(prepare(EMODB, archive, csv_path), first)

    def test_what_another_archive_left_stays(self, emodb: Path, tmp_path: Path, csv_path: Path) -> None:
        prepare(EMODB, zipped(emodb, tmp_path / "download.zip"), csv_path)
        before = everything_in(csv_path.parent)
        (emodb / FILES[0]).unlink()
        said = refusal(EMODB, zipped(emodb, tmp_path / "download.zip"), csv_path)
        assert said == (
            f"{csv_path.parent}/corpus: holds something other than {tmp_path}/download.zip unpacked; move it "
            "away, or give it as --source"
        )
        assert everything_in(csv_path.parent) == before

    def test_what_the_user_put_there_stays(self, emodb: Path, tmp_path: Path, csv_path: Path) -> None:
        write_tree(csv_path.parent / "corpus", ["mine.txt"])
        said = refusal(EMODB, zipped(emodb, tmp_path / "download.zip"), csv_path)
        assert "holds something other than" in said
        assert everything_in(csv_path.parent) == {"corpus/mine.txt": b"no sound"}

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("song.wav", "download.zip: does not look like EmoDB, which is a folder with"),
            ("wav/strange.wav", "1 audio files have unexpected names: {archive}/wav/strange.wav;"),
            ("../strange.wav", "'../strange.wav' in it leads out of its folder"),
        ],
    )
    def test_a_refused_archive_leaves_nothing(
        self, emodb: Path, tmp_path: Path, csv_path: Path, name: str, said: str
    ) -> None:
        archive = tmp_path / "download.zip"
        with zipfile.ZipFile(archive, "w") as opened:
            opened.write(emodb / FILES[0], name)
            opened.write(emodb / FILES[0], "songs.wav" if name == "song.wav" else FILES[0])
        assert said.format(archive=archive) in refusal(EMODB, archive, csv_path)
        assert list(csv_path.parent.iterdir()) == []
        assert not list(tmp_path.glob("**/strange.wav"))

    @pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
    def test_unexpected_names_are_left_out_where_asked(
        self, emodb: Path, tmp_path: Path, csv_path: Path, packed: bool
    ) -> None:
        write_tree(emodb, ["wav/strange.wav", "wav/03a01Fa copy.wav"])
        source = zipped(emodb, tmp_path / "download.zip") if packed else emodb
        said = refusal(EMODB, source, csv_path)
        assert said.startswith("2 audio files have unexpected names: ")
        assert said.endswith("or leave them out: --allow-unknown")
        console = Console(file=io.StringIO(), width=300)
        table = prepare(EMODB, source, csv_path, console, allow_unknown=True)
        assert [Path(path).name for path in table["path"]] == [Path(name).name for name in FILES]
        named = report_of(csv_path)["unexpected_names"]
        assert [Path(path).name for path in named] == ["03a01Fa copy.wav", "strange.wav"]
        line = f"2 audio files left out, which have unexpected names: {', '.join(named)}"
        assert line in console.file.getvalue()  # type: ignore[attr-defined]
        assert line in csv_path.with_name("metadata_report.md").read_text(encoding="utf-8")
        # Asked for once, not from then on.
        assert "2 audio files have unexpected names" in refusal(EMODB, emodb, csv_path)

    def test_a_folder_with_unexpected_names_alone_is_not_the_corpus(
        self, tmp_path: Path, csv_path: Path
    ) -> None:
        write_tree(tmp_path / "songs", ["wav/strange.wav"])
        with pytest.raises(UserError, match="does not look like EmoDB, which is a folder with"):
            prepare(EMODB, tmp_path / "songs", csv_path, allow_unknown=True)

    def test_an_interruption_leaves_nothing(
        self, emodb: Path, tmp_path: Path, csv_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = zipped(emodb, tmp_path / "download.zip")
        unpack = sources.unpack

        def interrupted(*arguments) -> None:
            unpack(*arguments)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(sources, "unpack", interrupted)
            with pytest.raises(KeyboardInterrupt):
                prepare(EMODB, archive, csv_path)
        assert list(csv_path.parent.iterdir()) == []

    def test_a_killed_unpacking_leaves_nothing_half_done(
        self, emodb: Path, tmp_path: Path, csv_path: Path
    ) -> None:
        archive = zipped(emodb, tmp_path / "download.zip")
        program = (
            "import os\nfrom kser.corpora import sources\nfrom kser.corpora.recipes import RECIPES\n"
            "from kser.corpora.preparing import prepare\nunpack = sources.unpack\n"
            "sources.unpack = lambda *arguments: (unpack(*arguments), os._exit(9))\n"
            f"prepare(RECIPES['emodb'], {str(archive)!r}, {str(csv_path)!r})"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
        (left,) = csv_path.parent.iterdir()
        assert left.name.startswith(".corpus.")
        said = said_while_preparing(EMODB, archive, csv_path)
        assert f"{left}: left by an unpacking that was killed, if none is running: remove it\n" in said
        assert len(read_metadata(csv_path)) == 4

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (["nowhere.zip"], "nowhere.zip: folder or archive not found; emodb is a folder with"),
            (["notes.txt"], "notes.txt: is neither a folder nor an archive (.zip, .tar, "),
            (["corpus.rar"], "unpack it first: emodb is a folder with"),
            (["EmoDB", "a.zip"], "EmoDB: one folder, or one or more archives, can be a source"),
            (["a.zip"], "a.zip: is damaged: File is not a zip file; obtain it again"),
        ],
    )
    def test_what_is_no_archive(
        self, emodb: Path, tmp_path: Path, csv_path: Path, given: list[str], said: str
    ) -> None:
        write_tree(tmp_path, ["notes.txt", "corpus.rar", "a.zip"])
        assert said in refusal(EMODB, [tmp_path / name for name in given], csv_path)


class TestDownloads:
    @pytest.fixture
    def recipe(self, emodb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
        """EmoDB in two archives, `download` replaced by taking them from a folder."""
        (tmp_path / "server").mkdir()
        zipped(emodb / "wav", tmp_path / "server" / "wav.zip")
        zipped(emodb / "extra", tmp_path / "server" / "extra.zip")
        self.fetched: list[str] = []

        def download(archive: Archive, folder: Path, console: Console | None) -> Path:
            self.fetched.append(archive.name)
            folder.mkdir(parents=True, exist_ok=True)
            return Path(shutil.copy(tmp_path / "server" / archive.name, folder))

        monkeypatch.setattr(sources, "download", download)
        archives = tuple(
            Archive(
                f"https://x.org/{name}.zip",
                (tmp_path / "server" / f"{name}.zip").stat().st_size,
                "md5:0",
                into,
            )
            for name, into in (("wav", "wav"), ("extra", "papers"))
        )
        return dataclasses.replace(EMODB, archives=archives)

    def test_archives_are_fetched_and_unpacked_once(self, recipe: Recipe, csv_path: Path) -> None:
        assert len(prepare(recipe, None, csv_path)) == 4
        assert (csv_path.parent / "corpus" / "papers" / "other.wav").is_file()
        shutil.rmtree(csv_path.parent / "archives")  # they may be removed once they are unpacked
        assert len(prepare(recipe, None, csv_path)) == 4
        assert self.fetched == ["wav.zip", "extra.zip"]

    def test_a_corpus_that_kser_cannot_download_says_where_it_is(self, csv_path: Path) -> None:
        assert refusal(EMODB, None, csv_path) == (
            f"emodb: kser cannot download it (licence: {EMODB.licence}); obtain it from {EMODB.home_page}, "
            "then: kser data prepare emodb --source FOLDER_OR_ARCHIVE"
        )
        assert not csv_path.parent.exists()


def test_the_csv_has_the_columns_in_their_order(emodb: Path, csv_path: Path) -> None:
    prepare(EMODB, emodb, csv_path)
    assert re.match("path,class_id,actor,gender,sentence,version\n", csv_path.read_text())
    assert preparing.difference_from_published(EMODB, read_metadata(csv_path)) == (
        "emodb: 4 utterances, 535 were published; 3 speakers, 10 were published; "
        "no utterance of boredom, disgust, fear, neutral"
    )
