"""The emotion classifier: backbone, pooling over frames, classification head."""

import keras
from keras import ops

from kser.models.audio_classifier import AudioClassifier
from kser.models.initializers import SeededNormal
from kser.models.pooling import POOLINGS


@keras.saving.register_keras_serializable(package="kser")
class EmotionClassifier(AudioClassifier):
    """Names the emotion of an utterance: logits over `labels`.

    The head is that of the study kser continues: ReLU → batch normalisation → dropout → dense.

    Args:
        backbone: a `SpeechBackbone`.
        labels: list of str, the classes in the order of the logits; they travel with the model.
        preprocessor: an `AudioClassifierPreprocessor`, or `None` to give the model its inputs ready-made.
        pooling: str, `"mean"`: the mean over the valid frames.
        use_relu: bool, ReLU on the pooled vector.
        use_batch_norm: bool, batch normalisation after it.
        dropout: float, share of the pooled vector dropped in training.
        l2: float, weight of the squared norm of the dense kernel in the loss.

    Input: as the backbone's. Output: float32 logits (batch, len(labels)).

    Example:

        classifier = EmotionClassifier.from_preset("facebook/wav2vec2-base", labels=["anger", "joy"])
        logits = classifier.predict(np.zeros((1, 16000), "float32"))   # (1, 2)
        classifier.save_to_preset("my_model")
        EmotionClassifier.from_preset("my_model").labels               # ["anger", "joy"]
    """

    def __init__(
        self,
        backbone,
        labels,
        preprocessor=None,
        pooling="mean",
        use_relu=True,
        use_batch_norm=False,
        dropout=0.0,
        l2=0.0,
        **kwargs,
    ):
        if pooling not in POOLINGS:
            raise ValueError(f"`pooling` must be one of {list(POOLINGS)}. Received: pooling={pooling!r}")
        dtype = backbone.dtype_policy

        # === Layers ===
        pooling_layer = POOLINGS[pooling](dtype=dtype, name="pooling")
        batch_norm = None
        if use_batch_norm:
            # The constants of `torch.nn.BatchNorm1d`, which the study used.
            batch_norm = keras.layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, name="batch_norm", dtype=dtype
            )
        dropout_layer = keras.layers.Dropout(dropout, name="dropout", dtype=dtype)
        logits_layer = keras.layers.Dense(
            len(labels),
            kernel_initializer=SeededNormal(mean=0.0, stddev=0.02),
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            name="logits",
            dtype="float32",
        )

        # === Functional Model ===
        inputs = backbone.input
        outputs = backbone(inputs)
        frame_mask = outputs["frame_mask"]
        x = pooling_layer(outputs["sequence_output"], frame_mask)
        if use_relu:
            x = keras.layers.ReLU(name="relu", dtype=dtype)(x)
        if batch_norm is not None:
            # Batches of a fixed shape may have empty places; they must not shift the statistics.
            x = batch_norm(x, mask=ops.any(frame_mask, axis=1))
        x = logits_layer(dropout_layer(x))
        super().__init__(inputs=inputs, outputs=x, compile=False, **kwargs)

        # === Config ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.labels = list(labels)
        self.pooling = pooling
        self.use_relu = use_relu
        self.use_batch_norm = use_batch_norm
        self.dropout = dropout
        self.l2 = l2

    def get_config(self):
        return {
            **super().get_config(),
            "labels": self.labels,
            "pooling": self.pooling,
            "use_relu": self.use_relu,
            "use_batch_norm": self.use_batch_norm,
            "dropout": self.dropout,
            "l2": self.l2,
        }
