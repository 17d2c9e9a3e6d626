"""Which backend Keras runs on, and starting it for a command without the noise of the libraries under it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from kser.errors import UserError, install_extra

BACKENDS = ("jax", "tensorflow", "torch")


def default_backend() -> None:
    """Set KERAS_BACKEND, unless it is set, to the backend that Keras is to run on; `import kser` does it.

    A Keras that has been imported keeps its backend. Otherwise it is the one that Keras' own configuration
    (keras.json in KERAS_HOME or ~/.keras) names, except "tensorflow", and JAX where that names none. Keras
    writes "tensorflow" there when it is first imported, whatever it runs on, so that it is no choice of the
    user's: KERAS_BACKEND=tensorflow is.
    """
    if os.environ.get("KERAS_BACKEND"):
        return
    keras = sys.modules.get("keras")
    os.environ["KERAS_BACKEND"] = _configured_backend() or "jax" if keras is None else keras.config.backend()


def _configured_backend() -> str | None:
    """What keras.json names, found and read as Keras does it."""
    home = Path("~").expanduser()
    usual = (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"
    path = Path(os.environ.get("KERAS_HOME", usual)).expanduser() / "keras.json"
    if not path.is_file():
        return None
    from kser.strict_json import parse_json

    try:
        backend = parse_json(path.read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
    return backend if isinstance(backend, str) and backend != "tensorflow" else None


def check_backend() -> None:
    """Make sure that kser runs on the backend that Keras has or will have.

    Raises:
        UserError: kser does not run on it, or it is not installed.
    """
    default_backend()
    backend = os.environ["KERAS_BACKEND"]
    if backend not in BACKENDS:
        raise UserError(f"KERAS_BACKEND={backend}: unknown backend; kser runs on {', '.join(BACKENDS)}")
    if find_spec(backend) is None:
        raise UserError(f"KERAS_BACKEND={backend}: its library is not installed here; pip install {backend}")


def check_extra(extra: str, *packages: str) -> None:
    """Make sure that what a command needs is installed.

    Args:
        extra: of kser, that brings it.
        *packages: as they are imported.

    Raises:
        UserError: one is not installed.
    """
    if missing := [name for name in packages if find_spec(name) is None]:
        raise UserError(f"not installed: {', '.join(missing)}; {install_extra(extra)}")


def import_keras() -> None:
    """Import Keras and KerasHub for a command: no TensorFlow, unless it is the backend, and no noise.

    Not for a user's program, which may call what in Keras requires TensorFlow.
    """
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
        from kser.keras_internals import hide_tensorflow

        hide_tensorflow()


@contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Keep standard error back, and show it only if the block fails.

    TensorFlow writes to it from C++ before any of its log settings is read.
    """
    import tempfile

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
