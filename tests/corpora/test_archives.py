"""Unpacking: what is in an archive comes out, and nothing is ever written outside the folder meant for it."""

import io
import shutil
import tarfile
import zipfile
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from kser.corpora.archives import is_archive, only_subfolder, unpack
from kser.errors import UserError

Usage = namedtuple("Usage", "total used free")
FILES = {"wav/a.wav": b"sound of a", "wav/b.wav": b"", "readme.txt": b"text" * 500}
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".ZIP")


def write_zip(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x")
            info.filename = name  # the constructor would mend some names
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
            archive.NameToInfo.clear()  # else it warns of names that are there twice
    return path


def write_tar(path: Path, members: list[tuple[str | tarfile.TarInfo, bytes]], mode: str = "") -> Path:
    with tarfile.open(path, f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = info.size or len(content)
            archive.addfile(info, io.BytesIO(content) if content else None)
    return path


def write_archive(path: Path, members: list[tuple[str, bytes]]) -> Path:
    if path.name.lower().endswith(".zip"):
        return write_zip(path, members)
    mode = {".tgz": "gz", ".gz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "")
    return write_tar(path, list(members), mode)


def member(name: str, type: bytes, linkname: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, linkname
    return info


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def arena(tmp_path: Path) -> Path:
    """A folder with things that must not change; archives are unpacked into `arena/home/target`."""
    arena = tmp_path / "arena"
    (arena / "home").mkdir(parents=True)
    (arena / "mine.txt").write_bytes(b"mine")
    (arena / "home" / "mine.txt").write_bytes(b"mine too")
    return arena


def refused(archive: Path, arena: Path) -> str:
    """The line an archive is refused with; nothing outside the target may have changed."""
    before = contents(arena)
    with pytest.raises(UserError) as error:
        unpack(archive, arena / "home" / "target")
    shutil.rmtree(arena / "home" / "target", ignore_errors=True)
    assert contents(arena) == before
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{archive}: ")
    return str(error.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_packed_comes_out(tmp_path: Path, suffix: str) -> None:
    archive = write_archive(tmp_path / f"corpus{suffix}", list(FILES.items()))
    steps: list[int] = []
    unpack(archive, tmp_path / "target", steps.append)
    assert contents(tmp_path / "target") == FILES
    assert steps == sorted(steps)
    assert 0 < steps[-1] <= archive.stat().st_size
    assert is_archive(archive)


def test_what_is_no_archive_is_known_by_its_name() -> None:
    assert not any(is_archive(name) for name in ("a.wav", "a.gz", "zip", "a.rar", "a.7z"))


def test_folders_come_out_also_when_empty(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", [(member("one/empty", tarfile.DIRTYPE), b"")])
    write_zip(tmp_path / "b.zip", [("two/empty/", b""), ("two\\windows\\", b"")])
    for archive in ("a.tar", "b.zip"):
        unpack(tmp_path / archive, tmp_path / "target")
    folders = sorted(path.relative_to(tmp_path / "target").as_posix() for path in tmp_path.glob("target/*/*"))
    assert folders == ["one/empty", "two/empty", "two/windows"]


def test_separators_of_windows_make_folders(tmp_path: Path) -> None:
    unpack(write_zip(tmp_path / "a.zip", [("wav\\a.wav", b"a")]), tmp_path / "target")
    assert contents(tmp_path / "target") == {"wav/a.wav": b"a"}


class UnmarkedName(zipfile.ZipInfo):
    """A member as macOS writes it: the name is UTF-8, and not marked as such."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode(), self.flag_bits


def test_names_keep_their_letters(tmp_path: Path) -> None:
    name = "Colère/Déçu ß.wav"
    write_zip(tmp_path / "marked.zip", [(name, b"")])
    write_tar(tmp_path / "a.tar", [(name, b"")])
    with zipfile.ZipFile(tmp_path / "unmarked.zip", "w") as archive:
        archive.writestr(UnmarkedName(name), b"")
    for archive_name in ("marked.zip", "unmarked.zip", "a.tar"):
        unpack(tmp_path / archive_name, tmp_path / "from" / archive_name)
        assert contents(tmp_path / "from" / archive_name) == {name: b""}


def test_what_operating_systems_add_is_left_out(tmp_path: Path) -> None:
    added = {"__MACOSX/wav/._a.wav": b"x", "wav/.DS_Store": b"x", "Thumbs.db": b"x"}
    unpack(write_zip(tmp_path / "a.zip", list((FILES | added).items())), tmp_path / "target")
    assert contents(tmp_path / "target") == FILES


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../mine.txt", "leads out of its folder"),
        ("wav/../../../mine.txt", "leads out of its folder"),
        ("..\\mine.txt", "leads out of its folder"),
        ("wav\\..\\..\\mine.txt", "leads out of its folder"),
        ("wav/..", "leads out of its folder"),
        ("{arena}/mine.txt", "has an absolute path"),
        ("//{arena}/mine.txt", "has an absolute path"),
        ("\\\\server\\share\\mine.txt", "has an absolute path"),
        ("C:\\mine.txt", "has a path with a drive letter"),
        ("c:mine.txt", "has a path with a drive letter"),
        ("a\nb.wav", "has a control character in its name"),
        ("a/" * 2000 + "b.wav", "lies more than 32 folders deep"),
        ("a" * 300, "cannot be unpacked: File name too long"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(
    tmp_path: Path, arena: Path, suffix: str, name: str, said: str
) -> None:
    members = [("wav/a.wav", b"a"), (name.format(arena=arena), b"evil")]
    assert said in refused(write_archive(tmp_path / f"a{suffix}", members), arena)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([(member("link", tarfile.SYMTYPE, "/etc"), b"")], "is a link"),
        ([(member("link", tarfile.SYMTYPE, "../mine.txt"), b"")], "is a link"),
        ([("a", b"a"), (member("link", tarfile.SYMTYPE, "a"), b"")], "is a link"),
        ([(member("link", tarfile.SYMTYPE, "link"), b"")], "is a link"),
        ([(member("out", tarfile.SYMTYPE, ".."), b""), ("out/mine.txt", b"evil")], "is a link"),
        ([(member("mine", tarfile.SYMTYPE, "../mine.txt"), b""), ("mine", b"evil")], "is a link"),
        ([(member("link", tarfile.LNKTYPE, "../mine.txt"), b"")], "is a link"),
        ([("a", b"a"), (member("link", tarfile.LNKTYPE, "a"), b"")], "is a link"),
        ([(member("null", tarfile.CHRTYPE), b"")], "is no file"),
        ([(member("disk", tarfile.BLKTYPE), b"")], "is no file"),
        ([(member("pipe", tarfile.FIFOTYPE), b"")], "is no file"),
        ([(member("strange", b"Z"), b"")], "is no file"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(
    tmp_path: Path, arena: Path, members: list, said: str
) -> None:
    assert f"' in it {said}: " in refused(write_tar(tmp_path / "a.tar", members), arena)


@pytest.mark.parametrize(("mode", "said"), [(0o120777, "is a link"), (0o010644, "is no file")])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, arena: Path, mode: int, said: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("out")
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, "..")
        archive.writestr("out/mine.txt", "evil")
    assert f"'out' in it {said}: " in refused(tmp_path / "a.zip", arena)


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize("names", [["a", "a"], ["a", "./a"], ["a", "a/b"], ["a/b", "a"], ["a//b", "a/b"]])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, arena: Path, suffix: str, names: list[str]) -> None:
    archive = write_archive(tmp_path / f"a{suffix}", [(name, name.encode()) for name in names])
    assert "would replace another file" in refused(archive, arena)


def test_what_stands_in_the_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "readme.txt").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"'readme\.txt' in it would replace another file"):
        unpack(write_zip(tmp_path / "a.zip", list(FILES.items())), tmp_path / "target")
    assert (tmp_path / "target" / "readme.txt").read_bytes() == b"mine"


class TestBombs:
    """Archives that would fill the disk are refused before they do."""

    @pytest.fixture
    def small_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2_000_000, 1_000_000, 1_000_000))

    def test_a_zip_by_the_sum_of_its_sizes(self, tmp_path: Path, arena: Path, small_disk: None) -> None:
        archive = write_zip(tmp_path / "a.zip", [(str(n), bytes(300_000)) for n in range(4)])
        assert archive.stat().st_size < 10_000
        assert "needs 0.0 GB unpacked" in refused(archive, arena)
        assert not (arena / "home" / "target").exists()

    def test_a_tar_by_the_size_of_a_member(self, tmp_path: Path, arena: Path, small_disk: None) -> None:
        archive = write_archive(tmp_path / "a.tar.gz", [("a", b"a"), ("big", bytes(1_000_001))])
        assert "make room, or give an --output-path on a larger disk" in refused(archive, arena)

    def test_a_size_that_no_disk_has(self, tmp_path: Path, arena: Path) -> None:
        info = member("big", tarfile.REGTYPE)
        info.size = 10**17
        assert "needs 100000000.0 GB unpacked" in refused(write_tar(tmp_path / "a.tar", [(info, b"")]), arena)

    def test_a_zip_that_understates_a_size(self, tmp_path: Path, arena: Path) -> None:
        archive = write_zip(tmp_path / "a.zip", [("big", bytes(1_000_000))])
        size = (1_000_000).to_bytes(4, "little")
        archive.write_bytes(archive.read_bytes().replace(size, (10).to_bytes(4, "little")))
        assert "is damaged: Bad CRC-32 for file 'big'" in refused(archive, arena)

    def test_a_full_disk(self, tmp_path: Path, arena: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(path: Path, mode: str):
            raise OSError(28, "No space left on device", str(path))

        archive = write_zip(tmp_path / "a.zip", list(FILES.items()))
        opened = Path.open
        monkeypatch.setattr(Path, "open", lambda path, mode: (full if mode == "xb" else opened)(path, mode))
        with pytest.raises(UserError, match="the disk is full: make room"):
            unpack(archive, arena / "home" / "target")


class TestDamagedArchives:
    @pytest.mark.parametrize("suffix", SUFFIXES[:-1])
    def test_one_that_is_cut_short(self, tmp_path: Path, arena: Path, suffix: str) -> None:
        archive = write_archive(tmp_path / f"a{suffix}", [("a.wav", bytes(range(256)) * 40)])
        whole = archive.read_bytes()
        # A plain tar has 10 240 bytes of sound and a header before the zeros at its end.
        for length in (0, 1, 100, min(len(whole), 10_000) * 3 // 4):
            archive.write_bytes(whole[:length])
            assert "is damaged: " in refused(archive, arena)

    @pytest.mark.parametrize("suffix", SUFFIXES[:-1])
    def test_one_with_wrong_bytes(self, tmp_path: Path, arena: Path, suffix: str) -> None:
        archive = write_archive(tmp_path / f"a{suffix}", list(FILES.items()))
        whole = np.frombuffer(archive.read_bytes(), np.uint8)
        before = contents(arena)
        rng = np.random.default_rng(0)
        refusals = 0
        for _ in range(100):
            spoilt = whole.copy()
            spoilt[rng.integers(0, len(whole), size=3)] = rng.integers(0, 256, size=3)
            archive.write_bytes(spoilt.tobytes())
            try:
                unpack(archive, arena / "home" / "target")
            except UserError as error:
                assert "\n" not in str(error)
                refusals += 1
            shutil.rmtree(arena / "home" / "target", ignore_errors=True)
            assert contents(arena) == before
        assert refusals > 5

    def test_a_tar_whose_second_header_is_spoilt(self, tmp_path: Path, arena: Path) -> None:
        archive = write_tar(tmp_path / "a.tar", [("a", b"a"), ("b", b"b")])
        spoilt = bytearray(archive.read_bytes())
        spoilt[2 * tarfile.BLOCKSIZE] ^= 1
        archive.write_bytes(spoilt)
        assert "is damaged: no header at byte 1024; obtain it again" in refused(archive, arena)

    @pytest.mark.parametrize(
        ("offset", "value", "said"),
        [
            (8, 1, "is encrypted; unpack it with its password"),
            (10, 9, "cannot be unpacked here: That compression method is not supported"),
        ],
    )
    def test_a_zip_that_python_cannot_unpack(
        self, tmp_path: Path, arena: Path, offset: int, value: int, said: str
    ) -> None:
        archive = write_zip(tmp_path / "a.zip", [("a.wav", b"a")])
        patched = bytearray(archive.read_bytes())
        patched[patched.index(b"PK\x01\x02") + offset] |= value
        archive.write_bytes(patched)
        assert said in refused(archive, arena)

    @pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
    def test_something_else_under_its_name(self, tmp_path: Path, arena: Path, suffix: str) -> None:
        (tmp_path / f"a{suffix}").write_bytes(b"<html>not found</html>" * 100)
        assert "is damaged: " in refused(tmp_path / f"a{suffix}", arena)


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        (["a"], "a"),
        (["a", "__MACOSX", ".git"], "a"),
        (["a", "b"], None),
        ([], None),
    ],
)
def test_the_only_subfolder(tmp_path: Path, folders: list[str], found: str | None) -> None:
    (tmp_path / "readme.txt").touch()
    for name in folders:
        (tmp_path / name).mkdir()
    assert only_subfolder(tmp_path) == (tmp_path / found if found else None)
