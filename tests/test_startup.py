"""Starting Keras for a command."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from kser.startup import choose_backend, import_keras
choose_backend()
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


@pytest.mark.parametrize(("backend", "imported"), [("jax", "False"), ("tensorflow", "True")])
def test_tensorflow_is_imported_as_a_backend_alone(tmp_path, backend, imported):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / "preset")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, [imported]), done.stderr
