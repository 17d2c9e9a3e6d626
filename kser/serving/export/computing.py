"""What an exported model gives for some waveforms, in a process that has neither Keras nor kser's models.

`python -m kser.serving.export.computing FORMAT MODEL GIVEN.npz OUTPUTS.npz`. The keys of both files are
`CASE/NAME`: `waveform`, `lengths` and, where the time counts, `repetitions` are given; the model's outputs
and `seconds`, the median of the repetitions, come back.
"""

import sys
import time
from pathlib import Path

import numpy as np

from kser.serving.export.formats import FORMATS, Computed


def main(format_name: str, model: str, given: str, outputs: str) -> None:
    """Compute every case."""
    # TensorFlow would import Keras; a model that needed it would fail here.
    sys.modules.update(dict.fromkeys(("keras", "keras_hub")))  # type: ignore[arg-type]
    compute = FORMATS[format_name].load(Path(model))
    computed: dict[str, np.ndarray] = {}
    with np.load(given) as arrays:
        for case in dict.fromkeys(key.split("/")[0] for key in arrays):
            waveform, lengths = arrays[f"{case}/waveform"], arrays[f"{case}/lengths"]
            answers = compute(waveform, lengths)
            if f"{case}/repetitions" in arrays:
                answers["seconds"] = _median_seconds(
                    compute, waveform, lengths, int(arrays[f"{case}/repetitions"])
                )
            computed |= {f"{case}/{name}": values for name, values in answers.items()}
    np.savez(outputs, **computed)  # type: ignore[arg-type]


def _median_seconds(
    compute: Computed, waveform: np.ndarray, lengths: np.ndarray, repetitions: int
) -> np.ndarray:
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        compute(waveform, lengths)
        seconds.append(time.perf_counter() - started)
    return np.array(np.median(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
