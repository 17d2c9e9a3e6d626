"""Files that `torch.save` wrote are read without PyTorch, and damaged ones are refused in a line."""

import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kser.checkpoints.torch_file import TorchFile
from kser.errors import UserError
from tests.checkpoints.torch_archives import (
    dictionary,
    program,
    storage,
    tensor,
    write_stream,
    write_tensors,
    write_zip,
)
from tests.golden import golden_folder

GOLDEN = golden_folder("torch_files")
FORMATS = ("zip.bin", "zip_protocol_4.bin", "stream.bin")
FOUR = np.arange(4, dtype=np.float32)


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as refused:
        TorchFile(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("filename", FORMATS)
def test_every_tensor_is_what_pytorch_saved(filename: str) -> None:
    file = TorchFile(GOLDEN / filename)
    with np.load(GOLDEN / "expected.npz") as expected:
        assert file.names() == {*expected, "scalar"}
        for name in expected:
            read = file.read(name)
            assert read.dtype == np.float32
            assert read.flags.c_contiguous
            assert read.flags.owndata
            np.testing.assert_array_equal(read, expected[name], err_msg=name, strict=True)
    np.testing.assert_array_equal(file.read("scalar"), np.float32(4.5).reshape(()), strict=True)


@pytest.mark.parametrize("filename", FORMATS)
def test_a_file_cut_anywhere_is_refused_or_reads_the_same(filename: str, tmp_path: Path) -> None:
    content = (GOLDEN / filename).read_bytes()
    path = tmp_path / "cut.bin"
    for length in range(0, len(content), 41):
        path.write_bytes(content[:length])
        refusal(path)


@pytest.mark.parametrize("filename", FORMATS)
def test_a_file_with_a_wrong_byte_is_read_or_refused_and_nothing_else(filename: str, tmp_path: Path) -> None:
    content = (GOLDEN / filename).read_bytes()
    path = tmp_path / "wrong.bin"
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(content), 150):
        wrong = bytearray(content)
        wrong[position] ^= int(rng.integers(1, 256))
        path.write_bytes(wrong)
        try:
            file = TorchFile(path)
            for name in file.names():
                file.read(name)
        except UserError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("filename", ["whole_module_zip.bin", "whole_module_stream.bin"])
def test_whole_modules_are_refused(filename: str) -> None:
    assert "asks for 'torch.nn.modules.linear.Linear', which is not part of a tensor" in refusal(
        GOLDEN / filename
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x00" * 600, "not a file of torch.save"),
        (b"\x80\x02K\x01.", "is a pickle, but not a file of torch.save"),
        (b"\x80\x02K\x01", "its pickle is damaged or cut off"),
        (b"PK\x03\x04" + b"\x00" * 100, "is a zip archive that is damaged or cut off"),
        (b"\x00" * 257 + b"ustar" + b"\x00" * 250, "is in the tar format of PyTorch before 0.1.10"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "is only a Git LFS pointer"),
    ],
)
def test_other_files(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(content)
    assert says in refusal(path)


def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in refusal(tmp_path)


def zip_with(path: Path, extra: dict[str, str]) -> Path:
    write_tensors(path, {"a": FOUR})
    with zipfile.ZipFile(path, "a") as archive:
        for name, content in extra.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"archive/constants.pkl": ""}, "is a TorchScript program"),
        ({"other/data.pkl": ""}, "is a zip archive, but not one of torch.save"),
    ],
)
def test_zip_archives_of_another_kind(extra: dict[str, str], says: str, tmp_path: Path) -> None:
    assert says in refusal(zip_with(tmp_path / "a.bin", extra))


def test_what_else_is_in_an_archive_is_left_alone(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "a.bin", {"../outside": "x", "/outside": "y", "archive/../../outside": "z"})
    np.testing.assert_array_equal(TorchFile(path).read("a"), FOUR)
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]


def test_two_files_of_one_name_in_an_archive(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        zip_with(tmp_path / "a.bin", {"archive/data/0": "x"})
    assert "holds two files of the same name" in refusal(tmp_path / "a.bin")


def test_compressed_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.bin", program(dictionary()), {}, zipfile.ZIP_DEFLATED)
    assert "compressed or encrypted" in refusal(path)


def test_big_endian_archive(tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "a.bin", {"a": FOUR})
    path.write_bytes(path.read_bytes().replace(b"little", b"big..."))
    assert "big-endian" in refusal(path)


@pytest.mark.parametrize("key", ["1", "../data/0", "../../a", "/0", ""])
def test_storage_that_the_archive_lacks(key: str, tmp_path: Path) -> None:
    data = program(dictionary(a=tensor(storage(key, 4), (4,))))
    assert "lacks the storage" in refusal(write_zip(tmp_path / "a.bin", data, {"0": FOUR.tobytes()}))


def test_storage_that_is_smaller_than_declared(tmp_path: Path) -> None:
    data = program(dictionary(a=tensor(storage("0", 5), (5,))))
    path = write_zip(tmp_path / "a.bin", data, {"0": FOUR.tobytes()})
    assert "has 16 bytes of storage '0', but its pickle declares 20" in refusal(path)


def test_record_whose_size_in_the_directory_is_a_lie(tmp_path: Path) -> None:
    data = program(dictionary(a=tensor(storage("0", 2**20), (2**20,))))
    path = write_zip(tmp_path / "a.bin", data, {"0": FOUR.tobytes()})
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")  # the directory's last, which is the storage's
    struct.pack_into("<II", content, entry + 20, 2**22, 2**22)
    path.write_bytes(content)
    assert "damaged" in refusal(path)


@pytest.mark.parametrize("stream", [False, True], ids=["zip", "stream"])
@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((5,), (1,), 0), ((4,), (1,), 1), ((2, 2), (3, 1), 0), ((2,), (2**40,), 0), ((1,), (0,), 4)],
)
def test_tensor_that_reaches_out_of_its_storage(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int, stream: bool, tmp_path: Path
) -> None:
    data = program(dictionary(a=tensor(storage("0", 4, stream=stream), shape, strides, offset)))
    path = tmp_path / "a.bin"
    if stream:
        write_stream(path, data, {"0": (4, FOUR.tobytes())})
    else:
        write_zip(path, data, {"0": FOUR.tobytes()})
    assert "which has 4" in refusal(path)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"), [((-4,), (1,), 3), ((4,), (-1,), 3), ((2,), (1,), -1)]
)
def test_negative_sizes(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int, tmp_path: Path
) -> None:
    data = program(dictionary(a=tensor(storage("0", 4), shape, strides, offset)))
    path = write_zip(tmp_path / "a.bin", data, {"0": FOUR.tobytes()})
    assert "declares a size or position that no file has" in refusal(path)


def test_tensor_that_repeats_one_element_without_end(tmp_path: Path) -> None:
    data = program(
        dictionary(a=tensor(storage("0", 4), (2**40, 2**40), (0, 0)), b=tensor(storage("0", 4), (4,)))
    )
    file = TorchFile(write_zip(tmp_path / "a.bin", data, {"0": FOUR.tobytes()}))
    np.testing.assert_array_equal(file.read("b"), FOUR)
    with pytest.raises(UserError, match=r"tensor a is declared with shape .* more elements than the file"):
        file.read("a")


@pytest.mark.parametrize(
    ("storages", "says"),
    [
        ({}, "its list of storages does not match its tensors"),
        ({"1": (4, FOUR.tobytes())}, "its list of storages does not match its tensors"),
        ({"0": (3, FOUR.tobytes())}, "has 3 elements in storage '0', but its pickle declares 4"),
        ({"0": (2**62, FOUR.tobytes())}, "but its pickle declares 4"),
        ({"0": (4, FOUR.tobytes()[:-1])}, "is cut off"),
    ],
)
def test_storages_of_the_old_format(
    storages: dict[str, tuple[int, bytes]], says: str, tmp_path: Path
) -> None:
    data = program(dictionary(a=tensor(storage("0", 4, stream=True), (4,))))
    assert says in refusal(write_stream(tmp_path / "a.bin", data, storages))


def test_part_of_a_storage_in_the_old_format(tmp_path: Path) -> None:
    """PyTorch before 0.4 gave a part's key, first element and length as the sixth part of the id."""
    view = b"(" + b"X\x01\x00\x00\x00v" + b"K\x01K\x02t"
    part = storage("0", 4, stream=True).replace(b"Nt", view + b"t")
    path = tmp_path / "a.bin"
    write_stream(path, program(dictionary(a=tensor(part, (2,)))), {"0": (4, FOUR.tobytes())})
    np.testing.assert_array_equal(TorchFile(path).read("a"), FOUR[1:3])
    write_stream(path, program(dictionary(a=tensor(part, (3,)))), {"0": (4, FOUR.tobytes())})
    assert "which has 2" in refusal(path)
    beyond = part.replace(b"K\x01K\x02t", b"K\x03K\x02t")
    write_stream(path, program(dictionary(a=tensor(beyond, (2,)))), {"0": (4, FOUR.tobytes())})
    assert "refers to elements that the storage '0' does not have" in refusal(path)


def test_state_that_holds_no_tensors(tmp_path: Path) -> None:
    nested = dictionary(model=dictionary(a=tensor(storage("0", 4), (4,))))
    path = write_zip(tmp_path / "a.bin", program(nested), {"0": FOUR.tobytes()})
    assert "holds no tensors by name" in refusal(path)


def test_neither_pytorch_nor_pickle_is_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from kser.checkpoints.torch_file import TorchFile; "
        "TorchFile(Path(sys.argv[1])).read('float32'); print('torch' in sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code, str(GOLDEN / "zip.bin")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "False\n"
