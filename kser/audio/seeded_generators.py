"""Python's, NumPy's and PyTorch's global random generators, in a known state for a moment.

Libraries of augmentations draw from these: audiomentations from `random` and `numpy.random`,
torch-audiomentations from PyTorch's and `random`. Nothing else in kser does.
"""

import random
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

# There is one set of global generators in a process, so one thread at a time may have them.
_LOCK = threading.RLock()


@contextmanager
def seeded_generators(key: Sequence[int], with_torch: bool = False) -> Iterator[np.random.Generator]:
    """Within this block, the global generators draw what `key` says; afterwards they are as before.

    Threads that enter such a block wait for each other. Code outside of such blocks that draws from the
    global generators in another thread meanwhile is not held back.

    Args:
        key: non-negative integers; keys of one length that differ anywhere give unrelated draws.
        with_torch: whether PyTorch's generator for the CPU is seeded, too; it must have been imported.

    Yields:
        A generator of the block's own, seeded by the key as well.
    """
    for_python, for_numpy, for_torch, own = np.random.SeedSequence(list(key)).spawn(4)
    torch = sys.modules["torch"] if with_torch else None
    with _LOCK:
        python_state, numpy_state = random.getstate(), np.random.get_state(legacy=False)
        torch_state = torch.default_generator.get_state() if torch else None
        try:
            random.seed(int(for_python.generate_state(1, np.uint64)[0]))
            np.random.seed(for_numpy.generate_state(8))
            if torch:
                torch.default_generator.manual_seed(int(for_torch.generate_state(1)[0]))
            yield np.random.default_rng(own)
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            if torch:
                torch.default_generator.set_state(torch_state)
