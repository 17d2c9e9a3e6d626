"""The graph of an exported model, traced by TensorFlow: raw waveforms in, what the model says of them out.

It runs as a program, `python -m kser.serving.export.serving_graph MODEL FOLDER`, in a process whose backend
is TensorFlow, whatever backend trained the model.
"""

import sys
from pathlib import Path
from typing import Any

from kser.serving.export.formats.base import LENGTHS, WAVEFORM
from kser.serving.loaded_model import LoadedModel

PROBABILITIES = "probabilities"
_VARIANCE_FLOOR = 1e-7  # as `kser.audio.waveform.zero_mean_unit_variance`


def write_saved_model(model: LoadedModel, folder: Path) -> None:
    """Write a SavedModel that plain TensorFlow loads, its weights once.

    Args:
        model: loaded on TensorFlow.
        folder: the version's folder, `NAME/1`.
    """
    import tensorflow as tf

    from kser.models.export_form import exported

    def serve(waveform: Any, lengths: Any) -> dict[str, Any]:
        # Counted with a running sum: it exports with a dynamic time axis.
        mask = tf.cumsum(tf.ones_like(waveform, dtype=tf.int32), axis=1) <= lengths[:, None]
        if not model.format.mask_padding:
            mask = tf.ones_like(mask)
        waveform = tf.where(mask, waveform, tf.zeros_like(waveform))
        if model.format.do_normalize:
            waveform = _normalized(waveform, mask)
        with exported():
            outputs = model.body({"waveform": waveform, "padding_mask": mask}, training=False)
        return _answers(model, outputs)

    module = tf.Module()
    module.weights = [variable.value for variable in model.body.variables]
    module.serve = tf.function(
        serve,
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, name=WAVEFORM),
            tf.TensorSpec([None], tf.int32, name=LENGTHS),
        ],
        autograph=False,
    )
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})


def _normalized(waveform: Any, mask: Any) -> Any:
    """Mean 0 and variance 1 over what is no padding, which stays 0."""
    import tensorflow as tf

    valid = tf.cast(mask, tf.float32)
    count = tf.maximum(tf.reduce_sum(valid, axis=1, keepdims=True), 1.0)
    centred = (waveform - tf.reduce_sum(waveform, axis=1, keepdims=True) / count) * valid
    variance = tf.reduce_sum(tf.square(centred), axis=1, keepdims=True) / count
    return centred / tf.sqrt(variance + _VARIANCE_FLOOR)


def _answers(model: LoadedModel, outputs: Any) -> dict[str, Any]:
    """The model's outputs by name, and probabilities at its temperature where they are logits."""
    import tensorflow as tf

    if not isinstance(outputs, dict):
        outputs = {model.body.output_names[0]: outputs}
    activations = {"softmax": tf.nn.softmax, "sigmoid": tf.nn.sigmoid}
    answers = {}
    for target in model.task.targets:
        values = tf.cast(outputs[target.output], tf.float32)
        answers[target.output] = values
        if (activation := target.evaluation.activation) is not None:
            temperature = model.provenance.temperature(target.output)
            answers[PROBABILITIES] = activations[activation](values / temperature)
    return answers


def main(model_folder: str, folder: str) -> None:
    """Load a model and write it."""
    write_saved_model(LoadedModel.load(Path(model_folder)), Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
