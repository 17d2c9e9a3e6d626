"""Write small files with `torch.save`, in both of its formats, and the values in them
(`expected.npz`; the one without axes, `scalar`, is 4.5).

Run by hand where the `torch` extra is installed: `python -m tests.golden.make_torch_files`.
"""

import warnings
from collections import OrderedDict
from pathlib import Path

import torch

from tests.golden.make_golden import write_arrays

FOLDER = Path(__file__).parent / "torch_files"
DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")


def main() -> None:
    """Write the files anew."""
    FOLDER.mkdir(exist_ok=True)
    saved = entries()
    tensors = {name: value for name, value in saved.items() if isinstance(value, torch.Tensor) and value.ndim}
    write_arrays(
        FOLDER / "expected.npz", {name: value.detach().float().numpy() for name, value in tensors.items()}
    )
    torch.save(saved, FOLDER / "zip.bin")
    torch.save(saved, FOLDER / "zip_protocol_4.bin", pickle_protocol=4)
    torch.save(saved, FOLDER / "stream.bin", _use_new_zipfile_serialization=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a whole module is pickled
        torch.save(torch.nn.Linear(2, 1), FOLDER / "whole_module_zip.bin")
        torch.save(
            torch.nn.Linear(2, 1), FOLDER / "whole_module_stream.bin", _use_new_zipfile_serialization=False
        )


def entries() -> OrderedDict[str, object]:
    """A state dictionary with every type of elements, and every way a tensor can lie in its storage."""
    values = torch.tensor([[0.0, 1.0, 2.5], [-3.0, 100.0, 7.75]])
    saved: OrderedDict[str, object] = OrderedDict()
    for dtype in DTYPES:
        values_of_dtype = values.abs() if dtype in ("uint8", "bool") else values
        saved[dtype] = values_of_dtype.to(getattr(torch, dtype))
    whole = torch.arange(24.0).reshape(2, 3, 4)
    saved["whole"] = whole
    saved["transposed"] = whole.permute(2, 0, 1)
    saved["part"] = whole[1, ::2, 1:3]
    saved["repeated"] = torch.tensor([1.5, 2.5]).expand(3, 2)
    saved["scalar"] = torch.tensor(4.5)
    saved["empty"] = torch.zeros(0, 3)
    saved["parameter"] = torch.nn.Parameter(torch.tensor([0.25, -0.5]))
    saved["not a tensor"] = [1, -70000, 2**40, 0.5, "text", None, True, (1, 2, 3, 4), {"a": 1}]
    saved._metadata = OrderedDict(version=1)  # type: ignore[attr-defined]  # as nn.Module.state_dict does
    return saved


if __name__ == "__main__":
    main()
