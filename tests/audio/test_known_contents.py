"""The bytes of a file are read once for their digest, whichever process asks for it."""

import os
from pathlib import Path

import pytest

from kser.audio import known_contents as known_contents_module
from kser.audio.known_contents import KnownContents
from kser.audio.sound_store import store_path
from kser.files import content_digest

SEGMENT = "#t=1,2"


@pytest.fixture
def paths(tmp_path, monkeypatch) -> list[str]:
    monkeypatch.setenv("KSER_CACHE", str(tmp_path / "store"))
    for name in ("a.wav", "ä.wav"):
        (tmp_path / name).write_bytes(name.encode())
    return [str(tmp_path / name) for name in ("a.wav", "ä.wav")]


def refuse_reading(monkeypatch):
    def refuse(path):
        raise AssertionError(f"{path} is read again")

    monkeypatch.setattr(known_contents_module, "content_digest", refuse)


def digests_of_a_process(paths):
    """As another process finds them."""
    contents = KnownContents()
    with contents.recalled(paths):
        return [contents.digest(path.removesuffix(SEGMENT)) for path in paths]


def test_another_process_reads_nothing_again(paths, monkeypatch):
    found = digests_of_a_process(paths)
    assert found == [content_digest(path) for path in paths]
    refuse_reading(monkeypatch)
    assert digests_of_a_process(paths) == found
    assert digests_of_a_process([paths[1] + SEGMENT]) == found[1:]
    assert [KnownContents().digest(path) for path in paths] == found  # one by one, as a worker asks


def test_a_path_means_what_it_means_in_the_working_folder(paths, monkeypatch, tmp_path):
    (found, _) = digests_of_a_process(paths)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.wav").write_bytes(b"another recording")
    monkeypatch.chdir(tmp_path / "other")
    (other,) = digests_of_a_process(["a.wav"])
    assert other != found
    refuse_reading(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert digests_of_a_process(["a.wav"]) == [found]


def test_a_file_that_changed_is_read_again(paths):
    before = digests_of_a_process(paths)
    stat = Path(paths[0]).stat()
    while Path(paths[0]).stat().st_ctime_ns == stat.st_ctime_ns:  # the clock of files is a coarse one
        Path(paths[0]).write_bytes(b"b.wav")
        os.utime(paths[0], ns=(stat.st_atime_ns, stat.st_mtime_ns))  # size and time of writing as they were
    after = digests_of_a_process(paths)
    assert after == [content_digest(Path(path)) for path in paths]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_store_that_cannot_be_used_costs_nothing_but_time(paths):
    store_path().parent.mkdir()
    store_path().write_bytes(b"no database at all, whatever its name says")
    assert digests_of_a_process(paths) == [content_digest(path) for path in paths]


def test_a_file_that_is_not_there_is_an_error_of_the_system(paths):
    with pytest.raises(FileNotFoundError):
        KnownContents().digest(paths[0] + "f")
