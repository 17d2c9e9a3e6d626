"""A corpus is copied whole, continued where it was, and nothing else is touched."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from kser.audio.decoding import decode
from kser.audio.processing import integrated_loudness
from kser.audio.rewriting import Normalize, Trim
from kser.corpora import rewriting_corpora
from kser.corpora.metadata import read_metadata
from kser.corpora.rewriting_corpora import rewrite_corpus
from kser.errors import UserError

RATE = 16_000
STEP = Normalize(-23.0)
# Writes a number of copies, and is killed when it has written half of the next.
DYING = """
import os, signal, sys
from pathlib import Path
import soundfile
from kser.audio.rewriting import Normalize
from kser.corpora.rewriting_corpora import rewrite_corpus

write, copies = soundfile.SoundFile.write, int(sys.argv[3])

def write_and_die(file, samples):
    global copies
    if not copies:
        Path(file.name).write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    copies -= 1
    write(file, samples)

soundfile.SoundFile.write = write_and_die
rewrite_corpus(sys.argv[1], sys.argv[2], Normalize(-23.0), workers=1)
"""


def record(path: Path, seed: int = 0, **form: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, np.random.default_rng(seed).normal(0, 0.02, RATE // 2), RATE, **form)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def corpus(tmp_path):
    """Three recordings in two folders, their metadata, and a text."""
    folder = tmp_path / "corpus"
    for number, name in enumerate(("anna/a 1.wav", "anna/b.flac", "ben/c.wav")):
        record(folder / name, number)
    (folder / "README.txt").write_text("about")
    (folder / "metadata.csv").write_text(
        "gender;path;take;actor;class_id\nf;anna/a 1.wav;1;anna;joy\nf;anna/b.flac;2;anna;fear\n"
        "m;ben/c.wav;1;ben;joy\n"
    )
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


class TestWhatIsWritten:
    def test_tree_formats_and_metadata(self, corpus, out):
        before = contents(corpus)
        outcome = rewrite_corpus(corpus, out, STEP)
        assert contents(corpus) == before
        assert set(contents(out)) == {
            *("anna/a 1.wav", "anna/b.flac", "ben/c.wav", "metadata.csv"),
            *("normalize_manifest.jsonl", "normalize_report.csv"),
        }
        assert (outcome.written, outcome.bad, outcome.other_files) == (3, {}, 1)
        table = read_metadata(out / "metadata.csv")
        assert list(table["path"]) == [
            str(out / name) for name in ("anna/a 1.wav", "anna/b.flac", "ben/c.wav")
        ]
        assert list(table["take"]) == ["1", "2", "1"]
        for path in table["path"]:
            assert integrated_loudness(decode(path).samples, RATE) == pytest.approx(-23, abs=0.1)

    def test_parts_of_files_are_those_of_the_copies(self, corpus, out):
        (corpus / "metadata.csv").write_text(
            "path,class_id,actor,start,end\nben/c.wav,joy,ben,0,0.2\nben/c.wav,fear,Ben,0.2,\n"
        )
        rewrite_corpus(corpus, out, STEP)
        table = read_metadata(out / "metadata.csv", check_files=True)
        assert list(table["path"]) == [f"{out}/ben/c.wav#t=0,0.2", f"{out}/ben/c.wav#t=0.2"]
        with pytest.raises(
            UserError, match=r"metadata\.csv: start and end name parts of files, such as .*#t="
        ):
            rewrite_corpus(corpus, out.with_name("trimmed"), Trim(40))
        assert not out.with_name("trimmed").exists()

    def test_a_folder_without_metadata(self, corpus, out):
        (corpus / "metadata.csv").unlink()
        assert rewrite_corpus(corpus, out, STEP).tables == []
        assert not (out / "metadata.csv").exists()

    def test_a_metadata_csv_takes_its_rows_alone(self, corpus, out):
        lines = (corpus / "metadata.csv").read_text().splitlines()
        (corpus / "test.csv").write_text("\n".join(lines[:2]))
        rewrite_corpus(corpus / "test.csv", out, STEP)
        assert {"anna/a 1.wav", "test.csv"} < set(contents(out))
        assert not (out / "ben").exists()
        assert len(read_metadata(out / "test.csv")) == 1

    def test_recordings_outside_the_folder_of_the_csv(self, corpus, out, tmp_path):
        table = read_metadata(corpus / "metadata.csv")
        (tmp_path / "data").mkdir()
        table.drop(columns="utterance").to_csv(tmp_path / "data" / "metadata.csv", index=False)
        rewrite_corpus(tmp_path / "data" / "metadata.csv", out, STEP)
        assert list(read_metadata(out / "metadata.csv")["utterance"]) == list(table["utterance"])

    def test_the_csv_of_a_subfolder(self, corpus, out):
        (corpus / "sets").mkdir()
        (corpus / "sets" / "test.csv").write_text("path,actor,gender,arousal\n../ben/c.wav,ben,m,0.3\n")
        rewrite_corpus(corpus, out, STEP)
        table = read_metadata(out / "sets" / "test.csv", output_column="arousal")
        assert list(table["path"]) == [str(out / "ben" / "c.wav")]

    def test_other_csvs_are_left_alone(self, corpus, out):
        (corpus / "notes.csv").write_text("path,comment\nanna,loud\n")
        assert rewrite_corpus(corpus, out, STEP).other_files == 2
        assert not (out / "notes.csv").exists()

    def test_report(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        report = pd.read_csv(out / "normalize_report.csv")
        assert list(report["recording"]) == ["anna/a 1.wav", "anna/b.flac", "ben/c.wav"]
        np.testing.assert_allclose(report["loudness_lufs"] + report["gain_db"], -23, atol=1e-4)

    @pytest.mark.parametrize("workers", [1, 3])
    def test_workers_do_not_matter(self, corpus, out, workers):
        rewrite_corpus(corpus, out, Trim(20.0), workers)
        written = contents(out)
        rewrite_corpus(corpus, out.with_name("again"), Trim(20.0))
        assert {name: written[name] for name in written if "manifest" not in name} == {
            name: data for name, data in contents(out.with_name("again")).items() if "manifest" not in name
        }

    def test_hidden_files_are_passed_over(self, corpus, out):
        (corpus / "anna" / "._a.wav").write_bytes(b"macOS")
        record(corpus / ".cache" / "d.wav")
        assert rewrite_corpus(corpus, out, STEP).written == 3

    def test_folders_that_link_to_each_other(self, corpus, out):
        (corpus / "ben" / "up").symlink_to(corpus)
        (corpus / "linked").symlink_to(record(corpus.with_name("elsewhere") / "d.wav").parent)
        assert rewrite_corpus(corpus, out, STEP).written == 4
        assert (out / "linked" / "d.wav").is_file()

    def test_copies_of_one_name(self, corpus, out, monkeypatch):
        (corpus / "anna" / "b.m4a").write_bytes((corpus / "anna" / "b.flac").read_bytes())
        monkeypatch.setattr(
            "kser.corpora.rewriting_plan.written_name", lambda path: path.with_suffix(".flac").name
        )
        rewrite_corpus(corpus, out, STEP)
        assert {"anna/b.flac", "anna/b.m4a.flac"} < set(contents(out))


class TestBadRecordings:
    @pytest.fixture
    def with_bad_ones(self, corpus):
        (corpus / "anna" / "b.flac").write_bytes((corpus / "anna" / "b.flac").read_bytes()[:3000])
        (corpus / "ben" / "text.wav").write_text("not sound")
        with (corpus / "metadata.csv").open("a") as table:
            table.write("m;ben/gone.wav;2;ben;fear\n")
        return corpus

    def test_are_told_of_and_all_others_done(self, with_bad_ones, out):
        outcome = rewrite_corpus(with_bad_ones, out, STEP)
        reasons = {path.name: reason for path, reason in outcome.bad.items()}
        assert set(reasons) == {"b.flac", "text.wav", "gone.wav"}
        assert all(reason.startswith(f"{path}: ") for path, reason in outcome.bad.items())
        assert list(read_metadata(out / "metadata.csv")["utterance"]) == ["anna/a 1.wav", "ben/c.wav"]
        assert "left out" in (out / "normalize_report.csv").read_text()

    def test_are_done_once_they_are_mended(self, with_bad_ones, out):
        rewrite_corpus(with_bad_ones, out, STEP)
        record(with_bad_ones / "anna" / "b.flac")
        assert rewrite_corpus(with_bad_ones, out, STEP).written == 1
        assert len(read_metadata(out / "metadata.csv")) == 3

    def test_what_is_put_in_their_place_is_not_overwritten(self, with_bad_ones, out):
        rewrite_corpus(with_bad_ones, out, STEP)
        (out / "anna" / "b.flac").write_text("mine")
        record(with_bad_ones / "anna" / "b.flac")
        with pytest.raises(UserError, match=r"anna/b\.flac"):
            rewrite_corpus(with_bad_ones, out, STEP)
        assert (out / "anna" / "b.flac").read_text() == "mine"

    def test_nothing_but_bad_ones(self, tmp_path, out):
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.wav").write_text("text")
        (tmp_path / "in" / "metadata.csv").write_text("path,class_id,actor,gender\na.wav,joy,anna,f\n")
        outcome = rewrite_corpus(tmp_path / "in", out, STEP)
        assert (len(outcome.bad), outcome.tables) == (1, [])


class TestContinuing:
    def test_a_second_run_writes_nothing(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        times = {path: path.stat().st_mtime_ns for path in out.rglob("*.wav")}
        assert rewrite_corpus(corpus, out, STEP).written == 0
        assert times == {path: path.stat().st_mtime_ns for path in out.rglob("*.wav")}

    def test_other_settings_make_all_anew(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        assert rewrite_corpus(corpus, out, Normalize(-30.0)).written == 3
        assert integrated_loudness(decode(out / "ben/c.wav").samples, RATE) == pytest.approx(-30, abs=0.1)

    def test_a_changed_recording_and_a_lost_copy_are_made_anew(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        record(corpus / "ben" / "c.wav", seed=9)
        (out / "anna" / "b.flac").unlink()
        assert rewrite_corpus(corpus, out, STEP).written == 2

    def test_a_line_half_written(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        manifest = out / "normalize_manifest.jsonl"
        manifest.write_bytes(manifest.read_bytes()[:-20])  # it ends within the note on the report
        assert rewrite_corpus(corpus, out, STEP).written == 0
        assert rewrite_corpus(corpus, out, STEP).written == 0

    @pytest.mark.thorough
    def test_killed_at_any_moment(self, tmp_path, out):
        folder = tmp_path / "many"
        for number in range(12):
            record(folder / f"{number:02}.wav", number)
        for copies_before in (0, 3, 5):
            process = subprocess.run(
                [sys.executable, "-c", DYING, folder, out, str(copies_before)], check=False
            )
            assert process.returncode == -signal.SIGKILL
            copies = [path for path in out.iterdir() if path.suffix == ".wav" and path.is_file()]
            assert all(len(decode(path).samples) == RATE // 2 for path in copies)
            assert list(out.glob(".*")), "it died while it wrote"
        outcome = rewrite_corpus(folder, out, STEP)
        assert (outcome.written, len(outcome.facts)) == (4, 12)
        rewrite_corpus(folder, tmp_path / "uninterrupted", STEP)
        (out / "normalize_manifest.jsonl").unlink()
        (tmp_path / "uninterrupted" / "normalize_manifest.jsonl").unlink()
        assert contents(out) == contents(tmp_path / "uninterrupted")


class TestNothingElseIsTouched:
    def test_foreign_files(self, corpus, out):
        (out / "ben").mkdir(parents=True)
        (out / "ben" / "c.wav").write_text("mine")
        (out / "unrelated.txt").write_text("mine")
        before = contents(out)
        with pytest.raises(UserError, match=r"did not write.*ben/c\.wav"):
            rewrite_corpus(corpus, out, STEP)
        assert {name: data for name, data in contents(out).items() if "manifest" not in name} == before

    @pytest.mark.parametrize("name", ["metadata.csv", "normalize_report.csv"])
    def test_foreign_tables(self, corpus, out, name):
        out.mkdir()
        (out / name).write_text("mine")
        with pytest.raises(UserError, match=name):
            rewrite_corpus(corpus, out, STEP)
        assert (out / name).read_text() == "mine"

    def test_a_copy_that_was_edited(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        record(out / "ben" / "c.wav", seed=5)
        with pytest.raises(UserError, match="changed since"):
            rewrite_corpus(corpus, out, STEP)

    def test_copies_of_another_command(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        with pytest.raises(UserError, match="did not write"):
            rewrite_corpus(corpus, out, Trim(40.0))

    @pytest.mark.parametrize("below", ["", "anna", "new/deep"])
    def test_in_place(self, corpus, below):
        before = contents(corpus)
        with pytest.raises(UserError, match="input folder"):
            rewrite_corpus(corpus, corpus / below, STEP)
        assert contents(corpus) == before

    def test_in_place_through_a_link(self, corpus, tmp_path):
        (tmp_path / "link").symlink_to(corpus)
        for given, target in ((tmp_path / "link", corpus), (corpus, tmp_path / "link" / "new")):
            with pytest.raises(UserError, match="input folder"):
                rewrite_corpus(given, target, STEP)

    def test_in_place_of_a_csv(self, corpus):
        with pytest.raises(UserError, match=r"is the folder of metadata\.csv"):
            rewrite_corpus(corpus / "metadata.csv", corpus, STEP)

    def test_output_beside_the_recordings_of_a_csv(self, corpus):
        rewrite_corpus(corpus / "metadata.csv", corpus / "normalized", STEP)
        assert len(read_metadata(corpus / "normalized" / "metadata.csv")) == 3

    def test_manifest_is_no_secret(self, corpus, out):
        rewrite_corpus(corpus, out, STEP)
        lines = (out / "normalize_manifest.jsonl").read_text().splitlines()
        finished = [json.loads(line) for line in lines if '"made_from"' in line]
        assert {record["target"] for record in finished} > {"anna/a 1.wav", "metadata.csv"}


class TestMistakes:
    def test_no_such_folder(self, tmp_path, out):
        with pytest.raises(UserError, match="folder or metadata CSV not found"):
            rewrite_corpus(tmp_path / "gone", out, STEP)

    def test_no_recordings(self, tmp_path, out):
        (tmp_path / "in").mkdir()
        with pytest.raises(UserError, match="no recordings in it"):
            rewrite_corpus(tmp_path / "in", out, STEP)
        assert not out.exists()

    def test_output_is_a_file(self, corpus, out):
        out.write_text("mine")
        with pytest.raises(UserError, match="is a file"):
            rewrite_corpus(corpus, out, STEP)

    def test_an_audio_file_as_input(self, corpus, out):
        with pytest.raises(UserError, match="UTF-8"):
            rewrite_corpus(corpus / "ben" / "c.wav", out, STEP)

    def test_interruption_ends_at_once_and_keeps_what_is_done(self, corpus, out, monkeypatch):
        rewrite, done = rewriting_corpora.rewrite, []

        def interrupted(source, target, step):
            if done:
                raise KeyboardInterrupt
            done.append(target)
            return rewrite(source, target, step)

        monkeypatch.setattr(rewriting_corpora, "rewrite", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rewrite_corpus(corpus, out, STEP, workers=1)
        monkeypatch.setattr(rewriting_corpora, "rewrite", rewrite)
        assert rewrite_corpus(corpus, out, STEP).written == 2
        assert not list(out.rglob(".*"))
