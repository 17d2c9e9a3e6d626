"""Matrix products of a transformer's dense layers: XLA's own, a BLAS called from XLA, and PyTorch's.

    python eval/benchmarks/products.py [--rounds 7] [--threads 2]

Half of a backbone's time on a CPU is products, which XLA has Eigen compute and PyTorch has MKL. A BLAS can be
called from a compiled program by XLA's foreign function interface; here it is the OpenBLAS that SciPy brings,
by a handler of a few lines, which a C++ compiler must be there for. Each way is asked in blocks with a pause
before, since the threads of all of them go on spinning for a while; the medians of a block's calls, of which
the median over `--rounds` counts. Prints a Markdown table of times relative to PyTorch's.
"""

import argparse
import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
import torch
from scipy.linalg import cython_blas

# Frames of a batch (4 × 8 s and 8 × 10 s), then channels in and out: attention and both feed-forward products
# of a base model, the wider one of a large model.
SHAPES = [(1600, 768, 768), (1600, 768, 3072), (1600, 3072, 768), (4000, 768, 3072), (4000, 3072, 768)]
SHAPES += [(1600, 1024, 4096)]
CALLS = 9
PAUSE_S = 0.3

HANDLER = r"""
#include "xla/ffi/api/ffi.h"
namespace ffi = xla::ffi;
using Buffer = ffi::Buffer<ffi::F32>;
using Sgemm = void (*)(char*, char*, int*, int*, int*,
                       float*, float*, int*, float*, int*, float*, float*, int*);
static Sgemm sgemm = nullptr;
extern "C" void use(void* function) { sgemm = reinterpret_cast<Sgemm>(function); }
static ffi::Error Product(Buffer a, Buffer b, ffi::Result<Buffer> c) {
  int m = a.dimensions()[0], k = b.dimensions()[0], n = b.dimensions()[1];
  float one = 1, zero = 0;
  char plain = 'N';  // Fortran's order of storage: the product of the transposes in the other order
  sgemm(&plain, &plain, &n, &m, &k, &one, b.typed_data(), &n, a.typed_data(), &k, &zero, c->typed_data(), &n);
  return ffi::Error::Success();
}
XLA_FFI_DEFINE_HANDLER_SYMBOL(product, Product, ffi::Ffi::Bind().Arg<Buffer>().Arg<Buffer>().Ret<Buffer>());
"""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--threads", type=int, default=2, help="of PyTorch; the others take the processors that are there"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    blas_product = compiled_blas_product()
    print("| frames, in, out | Eigen by XLA | OpenBLAS by XLA | PyTorch [ms] |\n|---|---:|---:|---:|")
    for shape in SHAPES:
        seconds = measured(ways(shape, blas_product), arguments.rounds)
        relative = [f"{seconds[name] / seconds['torch']:.2f}" for name in ("eigen", "blas")]
        print(
            f"| {' × '.join(map(str, shape))} | {' | '.join(relative)} | {seconds['torch'] * 1e3:.1f} |",
            flush=True,
        )


def compiled_blas_product() -> Callable:
    """A product of two matrices that XLA leaves to SciPy's BLAS."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "product.cc", Path(folder) / "product.so"
        source.write_text(HANDLER)
        flags = ["-O2", "-w", "-std=c++17", "-fPIC", "-shared", f"-I{jax.ffi.include_dir()}"]
        subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
        loaded = ctypes.CDLL(str(library))
    capsule, api = cython_blas.__pyx_capi__["sgemm"], ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetPointer.restype = ctypes.c_char_p, ctypes.c_void_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    loaded.use(ctypes.c_void_p(api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))))
    jax.ffi.register_ffi_target("blas_product", jax.ffi.pycapsule(loaded.product), platform="cpu")

    def product(a: jax.Array, b: jax.Array) -> jax.Array:
        result = jax.ShapeDtypeStruct((a.shape[0], b.shape[1]), jnp.float32)
        return jax.ffi.ffi_call("blas_product", result)(a, b)

    return jax.jit(product)


def ways(shape: tuple[int, int, int], blas_product: Callable) -> dict[str, Callable[[], object]]:
    """The same product in each way, checked."""
    frames, inputs, outputs = shape
    generator = np.random.default_rng(0)
    a = generator.standard_normal((frames, inputs), dtype=np.float32)
    b = generator.standard_normal((inputs, outputs), dtype=np.float32)
    product = jax.jit(jnp.matmul)
    of_jax, of_torch = (jnp.asarray(a), jnp.asarray(b)), (torch.tensor(a), torch.tensor(b.T.copy()))
    found: dict[str, Callable[[], object]] = {
        "eigen": lambda: product(*of_jax).block_until_ready(),
        "blas": lambda: blas_product(*of_jax).block_until_ready(),
        "torch": lambda: torch.nn.functional.linear(*of_torch),
    }
    for way in found.values():
        np.testing.assert_allclose(np.asarray(way()), a @ b, rtol=1e-3, atol=1e-3)
    return found


def measured(ways_of_it: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of a call in each way."""
    blocks: dict[str, list[float]] = {name: [] for name in ways_of_it}
    for _ in range(rounds):
        for name, way in ways_of_it.items():
            time.sleep(PAUSE_S)
            way()
            calls = []
            for _ in range(CALLS):
                start = time.perf_counter()
                way()
                calls.append(time.perf_counter() - start)
            blocks[name].append(median(calls))
    return {name: median(found) for name, found in blocks.items()}


if __name__ == "__main__":
    main()
