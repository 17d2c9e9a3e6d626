"""Writing costs nobody an old file, and reading says what is wrong."""

import errno
import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from kser.errors import UserError
from kser.files import (
    content_digest,
    is_there,
    read_json,
    read_text,
    remove_drafts,
    replacing,
    resolve_input,
    share_equal_file,
    visible_files,
    write_json,
    write_text,
)


class InterruptionError(Exception):
    pass


def everything_in(folder: Path) -> dict[str, str]:
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))}
    return {name: path.read_text() if path.is_file() else "folder" for name, path in files.items()}


def put(path: Path, kind: str, text: str) -> None:
    """Write a file with a text, or a folder that holds one."""
    if kind == "folder":
        path.mkdir()
    (path / "inside" if kind == "folder" else path).write_text(text)


class TestReplacing:
    @pytest.mark.parametrize("before", ["nothing", "file", "folder"])
    @pytest.mark.parametrize("after", ["file", "folder"])
    def test_an_exception_leaves_what_was_there_and_no_litter(self, tmp_path, before, after):
        if before != "nothing":
            put(tmp_path / "it", before, "old")
        contents = everything_in(tmp_path)
        with pytest.raises(InterruptionError), replacing(tmp_path / "it") as draft:
            put(draft, after, "half")
            raise InterruptionError
        assert everything_in(tmp_path) == contents

    @pytest.mark.parametrize("before", ["nothing", "file"])
    def test_a_file_takes_the_place(self, tmp_path, before):
        if before != "nothing":
            put(tmp_path / "it", before, "old")
        with replacing(tmp_path / "it") as draft:
            assert not draft.exists()
            put(draft, "file", "new")
            assert (tmp_path / "it").exists() == (before != "nothing")
        assert everything_in(tmp_path) == {"it": "new"}

    @pytest.mark.parametrize("before", ["nothing", "file", "folder"])
    def test_a_folder_takes_the_place_whole(self, tmp_path, before):
        if before != "nothing":
            put(tmp_path / "it", before, "old")
        if before == "folder":
            (tmp_path / "it" / "more").write_text("old")
        with replacing(tmp_path / "it") as draft:
            put(draft, "folder", "new")
        assert everything_in(tmp_path) == {"it": "folder", "it/inside": "new"}

    @pytest.mark.parametrize("kind", [OSError, RuntimeError])
    def test_libraries_have_their_own_words_for_a_full_disk(self, tmp_path, kind):
        with pytest.raises(UserError) as error, replacing(tmp_path / "it"):
            raise kind("write failed: errno = 28,\nerror message = 'No space left on device', buf = 0x55")
        assert str(error.value) == (
            f"{tmp_path / 'it'}: cannot be written: No space left on device; free some space, or name a "
            "folder on another disk; the same command continues"
        )

    @pytest.mark.parametrize(
        ("number", "says"),
        [
            (errno.ENOSPC, "No space left on device; free some space, or name a folder on another disk"),
            (errno.EROFS, "Read-only file system; it can only be read from; name a folder on another disk"),
        ],
    )
    def test_a_disk_that_takes_nothing_says_what_to_do(self, tmp_path, number, says):
        with pytest.raises(UserError) as error, replacing(tmp_path / "it") as draft:
            put(draft, "file", "half")
            raise OSError(number, os.strerror(number))
        assert str(error.value).startswith(f"{tmp_path / 'it'}: cannot be written: {says}")
        assert everything_in(tmp_path) == {}

    def test_a_name_that_no_file_system_takes(self, tmp_path):
        with pytest.raises(UserError, match=r"File name too long: .*; no file system takes such a path"):
            write_text(tmp_path / ("x" * 300) / "it", "new")

    def test_a_folder_is_not_replaced_by_a_file(self, tmp_path):
        put(tmp_path / "it", "folder", "old")
        with pytest.raises(UserError, match="it: is a folder, where a file is to be written"):
            write_text(tmp_path / "it", "new")
        assert everything_in(tmp_path) == {"it": "folder", "it/inside": "old"}

    @pytest.mark.parametrize("path", [".", "..", "/"])
    def test_a_path_without_a_name_is_refused(self, tmp_path, monkeypatch, path):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UserError, match="is a folder, where a file is to be written"):
            write_text(path, "new")
        assert everything_in(tmp_path) == {}

    @pytest.mark.parametrize("path", ["file/it", "file/below/it"])
    def test_a_file_in_place_of_the_folder_is_told(self, tmp_path, path):
        put(tmp_path / "file", "file", "old")
        with pytest.raises(UserError, match=rf"{path}: cannot be written: .*file") as error:
            write_text(tmp_path / path, "new")
        assert len(str(error.value).splitlines()) == 1
        assert everything_in(tmp_path) == {"file": "old"}

    def test_folders_on_the_way_are_made(self, tmp_path):
        write_text(tmp_path / "a" / "b" / "it", "è\n")
        assert everything_in(tmp_path) == {"a": "folder", "a/b": "folder", "a/b/it": "è\n"}

    def test_others_may_read_what_was_written_as_any_file_of_the_user(self, tmp_path):
        (tmp_path / "plain").write_text("")
        write_text(tmp_path / "it", "")
        assert (tmp_path / "it").stat().st_mode == (tmp_path / "plain").stat().st_mode

    def test_a_reader_never_meets_half_a_file(self, tmp_path):
        path = tmp_path / "it.json"
        values = [[number] * 5000 for number in range(2)]
        write_json(path, values[0])
        done = threading.Event()
        seen: list[object] = []

        def read() -> None:
            while not done.is_set():
                seen.append(json.loads(path.read_text()))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            while len(seen) < 20 and reader.is_alive():
                for value in values:
                    write_json(path, value)
        finally:
            done.set()
            reader.join()
        assert len(seen) >= 20, "the reader stopped at half a file"
        assert all(value in values for value in seen)


def test_drafts_of_a_process_that_was_killed_are_removed_and_nothing_else(tmp_path):
    for name in ("model", ".hidden", ".model.backup"):
        put(tmp_path / name, "folder", "stays")
    (tmp_path / ".model.12345678").write_text("stays: a file")
    before = everything_in(tmp_path)
    with replacing(tmp_path / "model") as draft:
        draft.mkdir()
        (draft / "inside").write_text("half")
        killed = tmp_path / "killed"
        shutil.copytree(draft.parent, killed)
        workspace = draft.parent.name
        shutil.rmtree(draft)
        put(draft, "folder", "stays")
    killed.rename(tmp_path / workspace)
    remove_drafts(tmp_path)
    assert everything_in(tmp_path) == before
    remove_drafts(tmp_path / "nowhere")


class TestReading:
    def test_what_is_within_the_bounds_is_read(self, tmp_path):
        path = tmp_path / "it.json"
        text = "[" * 100 + "9" * 100 + "]" * 100
        path.write_text(text)
        assert json.dumps(read_json(path)) == text
        path.write_text(r'["\ud83d\ude00", 1e308, -1.5]')
        assert read_json(path) == ["😀", 1e308, -1.5]

    def test_an_endless_file_is_refused(self):
        with pytest.raises(UserError, match=r"^/dev/zero: has more than 256 MiB; is it the right file"):
            read_json("/dev/zero")

    def test_json_is_read_as_it_was_written(self, tmp_path):
        value = {"è": [1, None, {"a": 0.5, "b": {"a": 1}}]}
        write_json(tmp_path / "it.json", value)
        assert read_json(tmp_path / "it.json") == value

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_what_windows_calls_unicode_is_read(self, tmp_path, encoding):
        (tmp_path / "it.json").write_bytes('{"è": 1}'.encode(encoding))
        assert read_json(tmp_path / "it.json") == {"è": 1}

    def test_a_byte_order_mark_is_passed_over(self, tmp_path):
        (tmp_path / "it.json").write_text("\ufeff{}", encoding="utf-8")
        assert read_json(tmp_path / "it.json") == {}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "not valid JSON: Expecting value, line 1 column 1"),
            (b'{"a": 1,\n "b": }', "not valid JSON: Expecting value, line 2 column 7"),
            (b'{"a": "\xe8"}', "is not UTF-8 text (invalid continuation byte at byte 7); save it as UTF-8"),
            (b"\xff\xfe{", "is not UTF-16-LE text (truncated data at byte 2); save it as UTF-8"),
            (b'[{"a": 1, "b": 2, "a": 1, "b": 3}]', "a, b: given more than once; keep one"),
            (b"[" * 100_000, "brackets nested more than 100 deep"),
            (b'{"a": ' * 101 + b"1" + b"}" * 101, "brackets nested more than 100 deep"),
            (b"9" * 5000, "a number of 5000 digits (9999999999…); at most 100 are read"),
            (b"-1e999", "the number -1e999 is beyond what a computer counts with (1.8e308)"),
            (
                b'{"a": ["x", "\\ud800y"]}',
                '\\ud800 (after {"a": ["x", ") is half of a character; write the character itself',
            ),
            (
                b'{"\\udfff": 1}',
                '\\udfff (after {") is half of a character; write the character itself',
            ),
        ],
    )
    def test_what_is_no_json_is_refused(self, tmp_path, content, message):
        path = tmp_path / "it.json"
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            read_json(path)
        assert str(error.value) == f"{path}: {message}"

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("nowhere", "file not found"),
            ("folder", "is a folder, not a file"),
            ("file/below", "cannot be read: "),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, tmp_path, name, message):
        (tmp_path / "folder").mkdir()
        (tmp_path / "file").touch()
        for read in (read_json, read_text):
            with pytest.raises(UserError) as error:
                read(tmp_path / name)
            assert str(error.value).startswith(f"{tmp_path / name}: {message}")


class TestResolveInput:
    def test_an_absolute_path_stays(self, tmp_path):
        assert resolve_input(tmp_path / "a", beside=Path("/elsewhere")) == tmp_path / "a"

    def test_a_relative_path_is_looked_for_beside_first(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for folder in (tmp_path, tmp_path / "beside"):
            folder.mkdir(exist_ok=True)
            (folder / "a").touch()
        assert resolve_input("a", beside=tmp_path / "beside") == tmp_path / "beside" / "a"
        assert resolve_input("a", beside=Path("beside")) == tmp_path / "beside" / "a"
        assert resolve_input("a") == tmp_path / "a"

    def test_what_is_nowhere_is_in_the_working_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert resolve_input("a", beside=Path("/elsewhere")) == tmp_path / "a"

    def test_a_tilde_is_the_home_folder(self, monkeypatch):
        monkeypatch.setenv("HOME", "/home/me")
        assert resolve_input("~/a", beside=Path("/elsewhere")) == Path("/home/me/a")


def test_visible_files_come_by_name_without_hidden_ones_and_folders(tmp_path):
    for name in ("b.json", "a.json", "._a.json", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.json").mkdir()
    assert [path.name for path in visible_files(tmp_path, "*.json")] == ["a.json", "b.json"]


def test_names_that_no_file_can_have_are_not_there(tmp_path):
    for name in ("a" * 300, "a\0b"):
        assert not is_there(tmp_path / name)
        assert resolve_input(name, beside=tmp_path).name == name
        with pytest.raises(UserError, match=r"file not found|cannot be read"):
            read_text(tmp_path / name)


def test_content_digest_covers_every_byte(tmp_path):
    zeros = bytes(200_000)
    for name in "ab":
        (tmp_path / name).write_bytes(zeros + name.encode() + zeros)
    assert content_digest(tmp_path / "a") != content_digest(tmp_path / "b")


def test_a_file_that_equals_another_takes_no_room_of_its_own(tmp_path):
    texts = {"same_size": "other", "equal": "twice", "own": "twice"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    own, equal = tmp_path / "own", tmp_path / "equal"
    share_equal_file(own, [tmp_path / "gone", tmp_path / "same_size", equal])
    assert own.samefile(equal)
    assert not own.samefile(tmp_path / "same_size")
    equal.unlink()
    assert everything_in(tmp_path) == {"own": "twice", "same_size": "other"}


def test_a_file_stays_its_own_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    for name in ("own", "equal"):
        (tmp_path / name).write_text("twice")
    share_equal_file(tmp_path / "own", [tmp_path / "equal"])
    assert not (tmp_path / "own").samefile(tmp_path / "equal")
    assert everything_in(tmp_path) == {"own": "twice", "equal": "twice"}
