"""SavedModel: TensorFlow's own format, as TensorFlow Serving takes it."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kser.files import write_json
from kser.serving.export.formats.base import Computed, ExportFormat

FACTS_FILE = "kser_export.json"
VERSION = "1"


class SavedModelFormat(ExportFormat):
    """The folder of a model holds its versions; the facts are in `assets.extra`."""

    name: ClassVar[str] = "saved_model"

    def write(self, saved_model: Path, target: Path, facts: Mapping[str, Any]) -> None:
        target.mkdir()
        shutil.move(saved_model, target / VERSION)
        # TensorFlow's place for what is not its own.
        write_json(target / VERSION / "assets.extra" / FACTS_FILE, facts)

    def load(self, path: Path) -> Computed:
        import tensorflow as tf

        module = tf.saved_model.load(str(path / VERSION))
        serve = module.signatures["serving_default"]

        def compute(waveform: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
            outputs = serve(waveform=tf.constant(waveform), lengths=tf.constant(lengths))
            return {name: values.numpy() for name, values in outputs.items()}

        compute.module = module  # type: ignore[attr-defined]  # the signature alone does not keep the weights
        return compute
