"""Event files as PyTorch writes them, whole and damaged."""

import base64
import zlib

import pytest

from kser.evaluation.event_files import EventFileError, Scalar, read_scalars

# Written by torch.utils.tensorboard.SummaryWriter (torch 2.13): add_text("args", "{}"), then the scalars
# below, the last with new_style=True. The Trainer of Hugging Face writes through the same class.
TORCH_FILE = (
    "eNrzYICAf5M85nJ+lmQNvHbglqMUb1JRYmaenmtZal6JlVGQHpdOSWpecX5RUn5iUYpecWlubmJRpV55UWZJapFeKkhVfFpmTmo8RCRb"
    "SkXbAmru4sracM7nyhBztXS5tLkEE4vSi/VLUitK4qEGOfFwsAuxCDFxMDoxVdd6cXCxcbGA5F8eyX+vADVH8+3KAE4I84O9AJeWMJcg"
    "F1cJyJX6OfnFxaIMDAfsZx85UycPVR/o7SIBVc/gILCGSUuQi5+LI7UsMUe/NLEIqLzBju/hgrlGUCUqkmFvUJSrcClxcYKVg4x34uBg"
    "1GIBStl7cXNxcrEXJyfmJBYVC8cUzQUAg91VQg=="
)
SCALARS = [
    Scalar(10, "train/loss", 1.5),
    Scalar(300, "eval/uar", 0.25),
    Scalar(300, "eval/loss", 0.75),
]


def torch_file(tmp_path, change=lambda data: data):
    path = tmp_path / "events.out.tfevents.1795381567.host.1.0"
    path.write_bytes(change(zlib.decompress(base64.b64decode(TORCH_FILE))))
    return path


def test_scalars_of_pytorch(tmp_path):
    assert list(read_scalars(torch_file(tmp_path))) == SCALARS


@pytest.mark.parametrize("cut", [1, 4, 5, 20, 55])
def test_what_stands_before_a_cut_is_read(tmp_path, cut):
    path = torch_file(tmp_path, lambda data: data[:-cut])
    scalars = []
    with pytest.raises(EventFileError, match="cut off or damaged"):
        scalars.extend(read_scalars(path))  # list.extend keeps what came before
    assert scalars == SCALARS[:2]


@pytest.mark.parametrize("place", [-60, -10, -1])
def test_damage_is_found(tmp_path, place):
    def damaged(data):
        changed = bytearray(data)
        changed[place] ^= 1
        return bytes(changed)

    with pytest.raises(EventFileError, match="cut off or damaged"):
        list(read_scalars(torch_file(tmp_path, damaged)))


def test_an_empty_file_has_no_scalars(tmp_path):
    assert list(read_scalars(torch_file(tmp_path, lambda data: b""))) == []
