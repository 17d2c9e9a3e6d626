"""Settings that hold for every test; this file is read before any of them imports keras."""

import ctypes
import gc
import os
import resource
import shutil
import sys
import tempfile

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
# TensorFlow's C++ side announces the machine's instruction sets on every start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests compile many small models and compute little with each: optimising takes longer than it saves.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

USED = pytest.StashKey[dict[str, str]]()
"""What each process used, by its name."""
HIGHEST = pytest.StashKey[tuple[float, str]]()
"""The most memory of this process so far, in GB, and the file in which it was reached."""


def pytest_configure(config):
    config.stash[USED] = {}
    config.stash[HIGHEST] = (0.0, "no test")
    if not hasattr(config, "workerinput"):
        # Facts of recordings: those of an earlier session would hide what decodes a file.
        kept = tempfile.mkdtemp(prefix="kser_tests_")
        os.environ["KSER_CACHE"] = kept
        config.add_cleanup(lambda: shutil.rmtree(kept, ignore_errors=True))
        # What one process has compiled none of the others compiles again, nor the programs that tests start.
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(config.cache.mkdir("jax")))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def is_controller(config) -> bool:
    """Whether the process hands the tests to workers."""
    return not hasattr(config, "workerinput") and config.getoption("dist", "no") != "no"


def pytest_sessionstart(session):
    if not is_controller(session.config):
        # As kser's commands start: without TensorFlow where that is not the backend.
        from kser.startup import import_keras

        import_keras()


@pytest.fixture(scope="module", autouse=True)
def _free_compiled_programs(request):
    """Forget after each file what was compiled for it, which else piles up to gigabytes."""
    yield
    reached = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, request.module.__name__)
    if reached[0] > request.config.stash[HIGHEST][0]:
        request.config.stash[HIGHEST] = reached
    gc.collect()
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def pytest_sessionfinish(session):
    if not is_controller(session.config):
        peak_gb, module = session.config.stash[HIGHEST]
        cpu_minutes = sum(os.times()[:4]) / 60
        used = f"{peak_gb:.2f} GB (in {module}), {cpu_minutes:.1f} minutes of CPU time"
        worker = getattr(session.config, "workerinput", {}).get("workerid", "main")
        session.config.stash[USED][worker] = used
        getattr(session.config, "workeroutput", {})["used"] = used


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    if hasattr(node, "workeroutput"):
        node.config.stash[USED][node.gateway.id] = node.workeroutput["used"]


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("peak memory")
    for worker, used in sorted(config.stash[USED].items()):
        terminalreporter.line(f"{worker}: {used}")
