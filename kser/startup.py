"""Starting Keras for a command: which backend, and without the noise of the libraries under it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from kser.errors import UserError

BACKENDS = ("jax", "tensorflow", "torch")


def choose_backend() -> None:
    """Have Keras, once it is imported, run on what KERAS_BACKEND names, on JAX where it names nothing.

    Raises:
        UserError: there is no such backend, or it is not installed.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "jax")
    if backend not in BACKENDS:
        raise UserError(f"KERAS_BACKEND={backend}: no such backend; there are {', '.join(BACKENDS)}")
    if find_spec(backend) is None:
        raise UserError(f"KERAS_BACKEND={backend}: its library is not installed here; pip install {backend}")


def import_keras() -> None:
    """Import Keras and KerasHub: without TensorFlow, unless that is the backend, and without its noise."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.get("KERAS_BACKEND") == "tensorflow":
        with _held_back_stderr():
            import keras_hub  # noqa: F401
    else:
        _import_without_tensorflow()


def _import_without_tensorflow() -> None:
    """Import KerasHub as if TensorFlow were not installed, and keep both from asking for it later.

    KerasHub imports it on every backend for text, and Keras when it first saves a model, to know a tensor of
    it. That takes seconds and 0.6 GB. Other code may still import it.
    """
    hidden = [name for name in ("tensorflow", "tensorflow_text") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        import keras_hub  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
    if hidden:
        from keras.src.utils.module_utils import tensorflow
        from keras_hub.src.utils import preset_utils

        tensorflow._available = False
        # It would ask TensorFlow, for every file of every preset, which addresses are its own.
        preset_utils.tf_registered_schemes = lambda: ["gs"]


@contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Keep standard error back, and show it only if the block fails.

    TensorFlow writes to it from C++ before any of its log settings is read.
    """
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(original, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
