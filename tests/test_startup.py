"""Which backend Keras runs on, in programs and in commands."""

import json
import os
import subprocess
import sys

import pytest

from kser import UserError, startup

WHICH = "import kser, keras; print(keras.config.backend())"
KERAS_FIRST = "import keras, kser, os; print(keras.config.backend(), os.environ['KERAS_BACKEND'])"
USED = """
import kser
try:
    print(kser.EmotionClassifier.__name__)
except kser.UserError as error:
    print(error)
"""
COMMAND = """
import sys
from kser.startup import check_backend, import_keras
check_backend()
import_keras()
import keras, numpy
from kser.experiment.study import study
from kser.models import EmotionClassifier, LogMelBackbone
classifier = EmotionClassifier(LogMelBackbone(filters=[8], kernel_sizes=[3]), ["a", "b"])
classifier.save_to_preset(sys.argv[1])
EmotionClassifier.from_preset(sys.argv[1])
print("tensorflow" in sys.modules)
if "tensorflow" not in sys.modules:
    import tensorflow  # an augmentation of the user's may want it
"""

PROBES = """
import sys
from kser.startup import import_keras
from kser.experiment.config.loading import load_experiment
model = {"name": "probe", "model_path_or_name": "scratch:log_mel", "freeze_layers": "all"}
experiment = load_experiment(sys.argv[1], [model | {"probe_layers": "all"}], start_keras=import_keras)
print(len(experiment.models) > 1, "tensorflow" in sys.modules)
"""


def ran(program, *arguments, **environment):
    """What a program prints, in this environment with some variables set, or removed where they are None."""
    variables = {name: str(value) for name, value in environment.items() if value is not None}
    inherited = {name: value for name, value in os.environ.items() if name not in environment}
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)]
    ended = subprocess.run(command, env=inherited | variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture
def clean_home(tmp_path):
    """The environment of a user who has never run Keras and chosen no backend."""
    home = tmp_path / "home"
    home.mkdir()
    return {"HOME": home, "KERAS_HOME": None, "KERAS_BACKEND": None, "TF_CPP_MIN_LOG_LEVEL": "3"}


def write_keras_json(folder, **fields):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keras.json").write_text(json.dumps(fields))


@pytest.mark.thorough
def test_keras_runs_on_jax_in_a_clean_home_the_first_time_and_every_time_after(clean_home):
    written_by_keras = clean_home["HOME"] / ".keras" / "keras.json"
    assert ran(WHICH, **clean_home) == "jax"
    assert json.loads(written_by_keras.read_text())["backend"] == "tensorflow"
    assert ran(WHICH, **clean_home) == "jax"


@pytest.mark.thorough
def test_an_imported_keras_keeps_its_backend_and_child_processes_have_it_too(clean_home):
    assert ran(KERAS_FIRST, **clean_home) == "tensorflow tensorflow"


def default_backend_in(monkeypatch, environment):
    """What `default_backend` sets in a process that has not imported Keras."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    for name, value in environment.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, str(value))
    startup.default_backend()
    return os.environ["KERAS_BACKEND"]


@pytest.mark.parametrize(
    ("configured", "chosen"),
    [
        ("torch", "torch"),
        ("jax", "jax"),
        ("tensorflow", "jax"),
        ("theano", "theano"),
        (None, "jax"),
        (1, "jax"),
    ],
)
def test_the_backend_that_keras_is_configured_for(monkeypatch, tmp_path, clean_home, configured, chosen):
    write_keras_json(clean_home["HOME"] / ".keras", backend=configured)
    assert default_backend_in(monkeypatch, clean_home) == chosen
    write_keras_json(tmp_path / "elsewhere", backend="torch")
    assert default_backend_in(monkeypatch, clean_home | {"KERAS_HOME": tmp_path / "elsewhere"}) == "torch"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_configuration_that_keras_cannot_read_names_no_backend(monkeypatch, clean_home, text):
    write_keras_json(clean_home["HOME"] / ".keras")
    (clean_home["HOME"] / ".keras" / "keras.json").write_text(text)
    assert default_backend_in(monkeypatch, clean_home) == "jax"


def test_the_environment_variable_comes_before_the_configuration(monkeypatch, clean_home):
    write_keras_json(clean_home["HOME"] / ".keras", backend="torch")
    named = clean_home | {"KERAS_BACKEND": "tensorflow"}
    assert default_backend_in(monkeypatch, named) == "tensorflow"
    assert default_backend_in(monkeypatch, clean_home | {"KERAS_BACKEND": ""}) == "torch"


def test_an_unknown_backend_is_refused_where_keras_is_needed_first():
    assert ran(USED, KERAS_BACKEND="theano").startswith(
        "KERAS_BACKEND=theano: unknown backend; kser runs on "
    )


def test_a_backend_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setattr(startup, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="its library is not installed here; pip install "):
        startup.check_backend()


@pytest.mark.thorough
@pytest.mark.parametrize(("backend", "imported"), [("jax", "False"), ("tensorflow", "True")])
def test_commands_import_tensorflow_as_a_backend_only(tmp_path, backend, imported):
    assert ran(COMMAND, tmp_path / "preset", KERAS_BACKEND=backend) == imported


@pytest.mark.thorough
def test_layers_are_counted_without_tensorflow(tmp_path):
    """The backbone of a model with `probe_layers` is built while its file is read."""
    experiment = {
        "experiment_name": "probes",
        "output_path": "runs",
        "experiment_results_output_path": "results",
        "training_dataset": {"name": "corpus", "data_csv": "corpus.csv"},
    }
    (tmp_path / "experiment.json").write_text(json.dumps(experiment))
    assert ran(PROBES, tmp_path / "experiment.json", KERAS_BACKEND="jax") == "True False"
