"""The fields of a model JSON, each documented where it is declared."""

import logging
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from kser.experiment.config.field_types import Config, Count, Fraction, Name, Positive, Seed, Text
from kser.experiment.config.frozen_defaults import (
    FrozenDefault,
    frozen_defaults,
    frozen_notes,
    say_frozen_defaults,
)
from kser.experiment.config.head_argument import HeadArgument, head_fields
from kser.experiment.config.model_rules import model_mistakes
from kser.experiment.config.needs import Needs, NotWith
from kser.experiment.tasks import Task, task_from_settings

logger = logging.getLogger(__name__)


PoolingMode = Literal[
    "mean", "sum", "max", "first_last", "attention", "multi_head_attention", "att_stats", "ecapa"
]


# What a head has that logistic regression cannot give it.
_OF_A_HEAD = NotWith(head_solver="logistic_regression")
# What belongs to any training, and to a gradient descent.
_IN_TRAINING = NotWith(number_of_training_epochs=0)
_BY_GRADIENT = NotWith(head_solver="logistic_regression", number_of_training_epochs=0)


def _with_scratch_names(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema which architectures there are, a question that takes Keras to answer."""
    from kser.models.families import scratch_backbones

    schema["description"] += f" Architectures: {', '.join(scratch_backbones())}."


def _frozen_layers(value: Any) -> Any:
    # Left to itself, pydantic reports a mistake once for each type that the field may have.
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ValueError('should be a whole number from 0, or "all"')


def _probed_layers(value: Any) -> Any:
    numbers = value if isinstance(value, list) else []
    whole = all(
        isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers
    )
    if value is None or value == "all" or (numbers and whole and len(set(numbers)) == len(numbers)):
        return value
    raise ValueError('should be "all", or a list of different whole numbers from 0')


class ModelConfig(Config):
    """A model and how it is trained."""

    model_config = ConfigDict(json_schema_extra=say_frozen_defaults)

    model_path_or_name: str = Field(
        min_length=1,
        description="A Hugging Face id, a folder in the Hugging Face layout, a KerasHub preset, or "
        "scratch:NAME, an architecture with random weights; backbone_arguments choose its size.",
        json_schema_extra=_with_scratch_names,
    )
    name: Name = Field(description="What reports and folders call the model.")
    factors: dict[str, str] = Field(
        default_factory=dict,
        description='What sets the model apart in statistics, e.g. {"architecture": "HuBERT"}.',
    )
    backbone_arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="Constructor arguments of the backbone that take the place of the checkpoint's or the "
        "class's, e.g. dropout.",
    )
    batch_size: Count = Field(8, description="Utterances in a batch of evaluation.")
    per_device_batch_size: Annotated[Count, _IN_TRAINING] = Field(
        8, description="Utterances in a batch of training, on all devices together."
    )
    gradient_accumulation_steps: Annotated[Count, _BY_GRADIENT] = Field(
        8, description="Batches whose gradients make one update."
    )
    learning_rate: Annotated[Positive, FrozenDefault(2e-3), _BY_GRADIENT] = Field(
        5e-5, description="Highest learning rate of the run; the head is trained with it."
    )
    lr_scheduler: Annotated[Literal["linear", "cosine", "constant"], _BY_GRADIENT] = Field(
        "linear", description="Learning rate after the warm-up: it falls to 0, or stays constant."
    )
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0), _BY_GRADIENT] = Field(
        0.0, description="Share of the updates in which the learning rate rises linearly from 0."
    )
    layerwise_lr_decay: Annotated[Fraction, NotWith(freeze_layers="all"), _IN_TRAINING] = Field(
        1.0,
        description="d: the k-th layer of the backbone from the top learns with learning_rate · dᵏ, what is "
        "below all n layers with learning_rate · dⁿ⁺¹.",
    )
    max_grad_norm: Annotated[Positive, _BY_GRADIENT] = Field(
        1.0, description="Gradients are clipped to this norm over all weights."
    )
    optimizer_weight_decay: Annotated[float, Field(ge=0.0, lt=1.0), _BY_GRADIENT] = Field(
        0.0, description="Decoupled weight decay of AdamW; biases and norms are exempt."
    )
    ema_momentum: Annotated[Annotated[float, Field(gt=0.0, lt=1.0)] | None, _BY_GRADIENT] = Field(
        None,
        description="Momentum, an update, of a moving average of the weights, which validation and the final "
        "model use, e.g. 0.99; unset: none.",
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        "float32",
        description="Precision of the backbone; weights, pooling, head, loss and metrics are float32.",
    )
    pooling_mode: Annotated[PoolingMode, HeadArgument("pooling")] = Field(
        "mean", description="From frames to one vector; see kser/models/pooling."
    )
    pooling_arguments: Annotated[dict[str, Any], HeadArgument("pooling_arguments")] = Field(
        default_factory=dict, description="Constructor arguments of the pooling, e.g. num_heads."
    )
    speaker_independent_scenario: bool = Field(
        True, description="Whether each speaker is in only one of the training, validation and test parts."
    )
    train_test_split: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(
        0.8, description="N: the shares of the training, validation and test parts are N², N(1−N) and 1−N."
    )
    seed: Seed = Field(0, description="First seed: split, initial weights, order, dropout.")
    input_column: str = Field("path", description="Column with the audio files.")
    task_name: str | None = Field(
        None,
        description="What is learned: classification, regression, multi-task, tagging, or a task that a "
        "Python program has registered; unset: what is_regression, is_multi_label or regression_columns ask "
        "for, else classification.",
    )
    output_column: str | list[str] = Field(
        "class_id",
        description="Column with the class; a list of columns for is_regression and is_multi_label.",
    )
    is_regression: bool = Field(
        False,
        description="Whether the output columns hold numbers, e.g. arousal; an empty cell is a missing one.",
    )
    is_multi_label: bool = Field(
        False,
        description="Whether the output columns hold 0 or 1 each: emotions, any number of which may apply.",
    )
    regression_columns: list[str] = Field(
        default_factory=list, description="Columns with numbers that are learned beside the class."
    )
    regression_loss: Annotated[Literal["ccc", "mse"], _IN_TRAINING] = Field(
        "ccc", description="Loss for numbers: 1 − concordance correlation, or squared error (standardised)."
    )
    regression_weight: Annotated[Positive, _IN_TRAINING] = Field(
        1.0, description="Weight of the loss of regression_columns relative to that of the class."
    )
    use_positive_weights: Annotated[bool, _IN_TRAINING] = Field(
        False,
        description="is_multi_label only: whether a label that applies is weighted by its rarity.",
    )
    eval_steps: Annotated[Count | None, _IN_TRAINING] = Field(
        None, description="Overrides eval_steps of the experiment."
    )
    logging_steps: Annotated[Count | None, _IN_TRAINING] = Field(
        None, description="Overrides logging_steps of the experiment."
    )
    keep_states_every: Annotated[
        Count | None, NotWith("feature_cache", freeze_layers="all"), _IN_TRAINING
    ] = Field(
        None,
        description="Updates, a multiple of eval_steps, after each of which the model is kept as it is then, "
        "and before the first: folders states/step_00000000, … beside the run's model, which kser embed, "
        "eval and predict take. With a save_total_limit in the experiment the first and the newest so many "
        "stay. Unset: none is kept.",
    )
    use_batch_norm: Annotated[bool, HeadArgument("use_batch_norm"), _OF_A_HEAD] = Field(
        False, description="Batch normalisation of the pooled vector."
    )
    use_dropout: Annotated[bool, FrozenDefault(True), _BY_GRADIENT] = Field(
        False, description="Dropout on the pooled vector."
    )
    # Files of the original give the rate and the weight without their switches.
    dropout_rate: Annotated[
        float,
        Field(ge=0.0, lt=1.0),
        Needs("use_dropout", refused=False),
        HeadArgument("dropout", off=0.0, may_change="it is a setting of the training"),
    ] = Field(0.5, description="Rate of the dropout of use_dropout.")
    use_l2_reg: Annotated[bool, _BY_GRADIENT] = Field(
        False, description="L2 penalty on the classifier's weights."
    )
    weight_decay: Annotated[
        float,
        Field(ge=0.0),
        Needs("use_l2_reg", refused=False, hint="that of AdamW is optimizer_weight_decay"),
        HeadArgument("l2", off=0.0, may_change="it is a setting of the training"),
    ] = Field(0.01, description="Weight of the penalty of use_l2_reg.")
    use_standardization: Annotated[
        bool, HeadArgument("use_standardization", off=False), FrozenDefault(True), _OF_A_HEAD
    ] = Field(
        False,
        description="Mean 0 and variance 1 over the training part for each channel of the pooled vector, as "
        "it is before the first update; before ReLU.",
    )
    use_relu: Annotated[bool, HeadArgument("use_relu", off=False), FrozenDefault(False), _OF_A_HEAD] = Field(
        True, description="ReLU on the pooled vector."
    )
    use_class_weights: Annotated[bool, _IN_TRAINING] = Field(
        True, description="Whether each class is weighted by 1 / its number of utterances."
    )
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0), _BY_GRADIENT] = Field(
        0.0, description="Share of the target that training spreads evenly over all classes."
    )
    focal_gamma: Annotated[float, Field(ge=0.0), _BY_GRADIENT] = Field(
        0.0, description="Exponent of the focal loss in training, e.g. 2; 0: cross-entropy."
    )
    freeze_feature_encoder: Annotated[bool, NotWith("freeze_layers", "lora_rank"), _IN_TRAINING] = Field(
        True, description="Whether the convolutions over the waveform are frozen."
    )
    freeze_layers: Annotated[int | Literal["all"], BeforeValidator(_frozen_layers), _IN_TRAINING] = Field(
        0,
        description="How many layers of the backbone, from the lowest, keep their weights, with everything "
        'below them; "all": the whole backbone, which then computes as in inference.',
    )
    lora_rank: Annotated[Count | None, _IN_TRAINING] = Field(
        None,
        description="Rank of LoRA: of the backbone, products of two matrices of that rank beside some dense "
        "kernels are trained, and nothing else; unset: off.",
    )
    lora_alpha: Annotated[Positive | None, Needs("lora_rank")] = Field(
        None,
        description="LoRA's alpha: its products are weighted by lora_alpha / lora_rank; unset: lora_rank.",
    )
    lora_targets: Annotated[list[str], Field(min_length=1), Needs("lora_rank")] = Field(
        ["query", "value"],
        description="Dense layers that LoRA is added to: query, key, value, output_projection, intermediate, "
        "output_dense.",
    )
    feature_cache: Annotated[Text | None, _IN_TRAINING] = Field(
        None,
        description="Folder for what the frozen part of the model makes of each recording, which training "
        "then reads in place of audio; without augmentations. That part is the backbone, and a pooling "
        'without weights, where freeze_layers is "all"; else the frozen layers, which compute as in '
        "inference then, or the feature encoder where there are none or all hidden states are read. Frames "
        "are kept as float16. Unset: pooled vectors are kept in memory, frames not at all.",
    )
    head_solver: Annotated[Literal["gradient", "logistic_regression"], Needs(freeze_layers="all")] = Field(
        "gradient",
        description="How the head is found: by gradient descent, or, of a classifier on a frozen backbone, "
        "by logistic regression (scikit-learn) on the standardised vectors, whose C is the one from 1e-5, "
        "1e-4, …, 100 with the best unweighted average recall on the validation part.",
    )
    hidden_state: Annotated[
        Annotated[int, Field(ge=0)] | None,
        NotWith("use_weight_encoder_layers"),
        HeadArgument("hidden_state"),
    ] = Field(
        None,
        description="Which hidden state of the backbone is pooled: 0 is what enters its first layer, k what "
        "the k-th layer gives. The layers above are not trained, and computed only with a frozen backbone, "
        "once for all models that read it. Unset: the last one, with the norm that some architectures have "
        "above it.",
    )
    probe_layers: Annotated[
        list[int] | Literal["all"] | None,
        BeforeValidator(_probed_layers),
        Needs(freeze_layers="all"),
        NotWith("use_weight_encoder_layers", "continue_model_training"),
    ] = Field(
        None,
        description='Makes the file a model for each hidden state, of all ("all") or of those listed: '
        "NAME_layer_00, NAME_layer_01, …, with that hidden_state and, unless given, the factor layer. They "
        "share one computation of the backbone, and the report draws their results over the layers.",
    )
    layer_curve: Name | None = Field(
        None,
        description="Models with a hidden_state that share this name are one curve over layers in the "
        "report; probe_layers gives them the name of the file.",
    )
    projection_dim: Annotated[Count | None, HeadArgument("projection_dim"), _OF_A_HEAD] = Field(
        None, description="Units of a further dense layer before the last one; unset: none."
    )
    projection_activation: Annotated[
        Literal["tanh", "relu", "linear"], Needs("projection_dim"), HeadArgument("projection_activation")
    ] = Field("tanh", description="Activation of the dense layer of projection_dim.")
    use_weight_encoder_layers: Annotated[bool, _OF_A_HEAD] = Field(
        False, description="Learned weighting of the hidden states of all layers."
    )
    layer_weighting: Annotated[
        Literal["free", "softmax"],
        Needs("use_weight_encoder_layers"),
        HeadArgument("layer_weighting", off=None),
    ] = Field(
        "free",
        description="Weights of use_weight_encoder_layers: free, as in the original, or a softmax (sum 1).",
    )
    pool_position: Annotated[
        Literal["after", "before"], Needs("use_weight_encoder_layers"), HeadArgument("pool_position")
    ] = Field("after", description="Pooling after or before the weighting of use_weight_encoder_layers.")
    gradual_unfreezing_epochs: Annotated[Positive | None, NotWith(freeze_layers="all")] = Field(
        None,
        description="Epochs after which one layer more of the backbone is trained, from the top, beginning "
        "with only the head, at last what is below the layers; unset: all from the start.",
    )
    number_of_training_epochs: Annotated[int, Field(ge=0), _OF_A_HEAD] = Field(
        50,
        description="Passes over the training part; 0, with continue_model_training: a model with a trained "
        "head is evaluated as it is, by its own classes.",
    )
    best_metric: Annotated[str, _BY_GRADIENT] = Field(
        "loss",
        description="Validation metric that chooses the best weights: loss; of classes accuracy, uar, "
        "f1score; of numbers ccc, mse, or that of one column, e.g. ccc_arousal; of labels f1score, f1_micro; "
        "of classes and numbers also class_loss, regression_loss.",
    )
    early_stopping_patience: Annotated[Count | None, _BY_GRADIENT] = Field(
        None,
        description="Evaluations in a row without an improvement of best_metric that end the training; "
        "unset: none do. With gradual_unfreezing_epochs they count when all is trained.",
    )
    early_stopping_threshold: Annotated[float, Field(ge=0.0), Needs("early_stopping_patience")] = Field(
        0.0, description="An improvement is larger than this, measured against the last one that was."
    )
    continue_model_training: Annotated[bool, _OF_A_HEAD] = Field(
        False,
        description="Whether model_path_or_name is a model with a trained head, by kser or published, for "
        "the same classes, and the head is kept as well.",
    )
    skip_hp_search: Annotated[bool, _OF_A_HEAD] = Field(
        True, description="Whether to train without a hyper-parameter search."
    )
    hp_search_method: Annotated[Literal["random", "bayesian", "hyperband"], Needs(skip_hp_search=False)] = (
        Field("random", description="How candidates are drawn, see kser/experiment/search.")
    )
    hp_search_space: Annotated[
        Annotated[dict[str, dict[str, Any]], Field(min_length=1)] | None, Needs(skip_hp_search=False)
    ] = Field(
        None,
        description='What is searched, by fields of this file: {"learning_rate": {"min": 5e-5, "max": 1e-3, '
        '"sampling": "log"}} if unset, from 5e-4 to 3e-2 with freeze_layers "all"; sampling is linear or '
        'log, step makes a grid; or {"values": [...]}. '
        '"backbone_arguments.dropout" is one argument.',
    )

    num_cpus: Count | None = Field(
        None, description="Processors of a run that Ray or SLURM does, in place of --num-cpus."
    )
    num_gpus: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Graphics processors of a run that Ray or SLURM does, in place of --num-gpus."
    )

    @field_validator("pooling_mode", mode="before")
    @classmethod
    def _accept_misspelling(cls, value: Any) -> Any:
        if value != "epaca":
            return value
        # The original's JSON files have it so.
        logger.warning("pooling_mode: 'epaca' is taken for 'ecapa'")
        return "ecapa"

    @field_validator("output_column", mode="before")
    @classmethod
    def _check_output_column(cls, value: Any) -> Any:
        # Left to itself, pydantic reports one mistake twice: not a string, and not a list.
        names = value if isinstance(value, list) else [value]
        if all(isinstance(name, str) for name in names):
            return value
        raise ValueError("should be the name of a column, or a list of names for regression")

    def model_post_init(self, context: Any) -> None:
        # They do not count as given: a copy with other fields chooses anew.
        self.__dict__.update(frozen_defaults(self))

    @property
    def task(self) -> Task:
        """What the model learns."""
        return task_from_settings(self)

    @property
    def head_arguments(self) -> dict[str, Any]:
        """The arguments of `kser.models.EmotionTask` that describe the head."""
        return {field.argument.name: field.value(self) for field in head_fields(type(self))}

    @property
    def is_trained(self) -> bool:
        """Whether something is trained; else a model with a trained head is evaluated as it is."""
        return self.number_of_training_epochs > 0

    @property
    def is_trained_by_gradient(self) -> bool:
        """Whether updates are made, step by step."""
        return self.is_trained and self.head_solver == "gradient"

    def mistakes(self) -> list[str]:
        """See `Config.mistakes`."""
        return [*super().mistakes(), *model_mistakes(self)]

    def notes(self) -> list[str]:
        """See `Config.notes`."""
        return [*super().notes(), *frozen_notes(self)]
