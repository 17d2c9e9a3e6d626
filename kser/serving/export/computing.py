"""What an exported model gives for some waveforms, in a process that has neither Keras nor kser's models.

`python -m kser.serving.export.computing FORMAT MODEL GIVEN.npz OUTPUTS.npz`. The keys of both files are
`CASE/NAME`: `waveform` and `lengths` are given, the model's outputs come back.
"""

import sys
from pathlib import Path

import numpy as np

from kser.serving.export.formats import FORMATS


def main(format_name: str, model: str, given: str, outputs: str) -> None:
    """Compute every case."""
    # TensorFlow would import Keras; a model that needed it would fail here.
    sys.modules.update(dict.fromkeys(("keras", "keras_hub")))  # type: ignore[arg-type]
    compute = FORMATS[format_name].load(Path(model))
    computed: dict[str, np.ndarray] = {}
    with np.load(given) as arrays:
        for case in dict.fromkeys(key.split("/")[0] for key in arrays):
            answers = compute(arrays[f"{case}/waveform"], arrays[f"{case}/lengths"])
            computed |= {f"{case}/{name}": values for name, values in answers.items()}
    np.savez(outputs, **computed)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
