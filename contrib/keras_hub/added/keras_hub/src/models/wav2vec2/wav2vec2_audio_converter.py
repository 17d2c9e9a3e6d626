import numpy as np
from keras_hub.src.api_export import keras_hub_export
from keras_hub.src.layers.preprocessing.audio_converter import AudioConverter
from keras_hub.src.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from keras_hub.src.models.wav2vec2.wav2vec2_waveforms import model_inputs
from keras_hub.src.utils.tensor_utils import (
    convert_preprocessing_outputs_python,
    convert_to_numpy,
    preprocessing_function,
    tf,
)


@keras_hub_export("keras_hub.layers.Wav2Vec2AudioConverter")
class Wav2Vec2AudioConverter(AudioConverter):
    """Normalises utterances as the model was trained on them, pads them and marks the padding.

    Takes one utterance (samples,), a batch (batch, samples), or utterances of different lengths as a list
    or a ragged tensor. Audio must have the converter's sampling rate and one channel.

    Args:
        sampling_rate: int. Hz that the model was trained on.
        do_normalize: bool. Zero mean and unit variance for each utterance, padding left out.
        mask_padding: bool. `False` repeats the published recipe of models with `feat_extract_norm: group`
            (`return_attention_mask: false`): the model treats the padding as sound, and results
            depend on its length.

    Call arguments:
        audio: float array, tensor, ragged tensor, or list of arrays.

    Returns:
        `{"waveform": float32 (batch, samples), "padding_mask": bool (batch, samples)}`, without the batch for
        one utterance.

    Examples:

        converter = keras_hub.layers.Wav2Vec2AudioConverter()
        converter(np.random.normal(size=16000))  # one utterance
        converter([np.ones(16000), np.ones(8000)])  # padded to the longest
    """

    backbone_cls = Wav2Vec2Backbone

    def __init__(self, sampling_rate=16000, do_normalize=True, mask_padding=True, **kwargs):
        super().__init__(**kwargs)
        self.sampling_rate = sampling_rate
        self.do_normalize = do_normalize
        self.mask_padding = mask_padding
        self.built = True

    def call(self, audio):
        return self._call_tf(audio) if self._use_tf_workflow() else self._call_python(audio)

    def _call_python(self, audio):
        utterances, is_batch = _utterances(audio)
        waveform, mask = model_inputs(
            utterances, do_normalize=self.do_normalize, mask_padding=self.mask_padding
        )
        if not is_batch:
            waveform, mask = waveform[0], mask[0]
        return convert_preprocessing_outputs_python({"waveform": waveform, "padding_mask": mask})

    @preprocessing_function
    def _call_tf(self, audio):
        if isinstance(audio, tf.RaggedTensor):
            lengths, is_batch = audio.row_lengths(), True
            waveform = tf.cast(audio.to_tensor(), "float32")
        else:
            waveform = tf.cast(audio, "float32")
            is_batch = waveform.shape.rank == 2
            waveform = waveform if is_batch else waveform[tf.newaxis]
            lengths = tf.fill(tf.shape(waveform)[:1], tf.shape(waveform)[1])
        mask = tf.sequence_mask(lengths, tf.shape(waveform)[1])
        if not self.mask_padding:
            mask = tf.ones_like(mask)
        if self.do_normalize:
            waveform = _normalized(waveform, mask)
        if not is_batch:
            waveform, mask = waveform[0], mask[0]
        return {"waveform": waveform, "padding_mask": mask}

    def get_config(self):
        return {
            **super().get_config(),
            "sampling_rate": self.sampling_rate,
            "do_normalize": self.do_normalize,
            "mask_padding": self.mask_padding,
        }


def _utterances(audio):
    """The utterances, float32 (samples,) each, and whether they were given as a batch."""
    if tf is not None and isinstance(audio, tf.RaggedTensor):
        audio = audio.to_list()
    if isinstance(audio, (list, tuple)) and audio and np.ndim(audio[0]):
        utterances, is_batch = list(audio), True
    else:
        array = convert_to_numpy(audio)
        is_batch = array.ndim == 2
        utterances = list(array) if is_batch else [array]
    utterances = [np.asarray(convert_to_numpy(row), "float32") for row in utterances]
    shapes = [row.shape for row in utterances]
    if any(len(shape) != 1 or not shape[0] for shape in shapes):
        raise ValueError(
            "An utterance must have one channel and at least one sample. "
            f"Received utterances of the shapes {shapes}"
        )
    return utterances, is_batch


def _normalized(waveform, mask):
    """`zero_mean_unit_variance` of each row (batch, samples) where the mask is true; zero elsewhere."""
    values = tf.cast(waveform, "float64")
    valid = tf.cast(mask, "float64")
    count = tf.reduce_sum(valid, axis=1, keepdims=True)
    mean = tf.reduce_sum(values * valid, axis=1, keepdims=True) / count
    centred = (values - mean) * valid
    variance = tf.reduce_sum(tf.square(centred), axis=1, keepdims=True) / count
    return tf.cast(centred / tf.sqrt(variance + 1e-7), "float32")
