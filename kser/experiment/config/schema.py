"""The fields of an experiment JSON and of a model JSON, each documented where it is declared."""

import logging
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from kser.corpora.splits.scheme import SchemeName, SplitScheme
from kser.errors import UserError

logger = logging.getLogger(__name__)

_LONGEST_NAME_BYTES = 120
LARGEST_SEED = 2**32 - 1  # of the random generators of NumPy and Keras


def _folder_name(name: str) -> str:
    fits = name.isprintable() and name == name.strip() and len(name.encode()) <= _LONGEST_NAME_BYTES
    if not name or not fits or name.startswith(".") or "/" in name or "\\" in name:
        raise ValueError(
            f"should be a name for a folder: 1 to {_LONGEST_NAME_BYTES} bytes, no slash or backslash, "
            "no dot or blank in front, no blank at the end"
        )
    return name


Name = Annotated[str, AfterValidator(_folder_name)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class _Config(BaseModel):
    """JSON with known fields alone, of exactly the type declared."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )


class Augmentation(BaseModel):
    """One augmentation of the training data; further fields are arguments of the class."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    module: str = Field(description="Python module that holds the class, e.g. audiomentations.")
    class_name: str = Field(alias="class", description="Name of the class.")
    tensors: bool = Field(False, description="Whether the class takes and gives batches of tensors.")


def _label_map(value: Any) -> Any:
    # Left to itself, pydantic tells a mistake once for each type that the field may have.
    if isinstance(value, dict) and all(new is None or isinstance(new, str) for new in value.values()):
        return value
    if value is None or (isinstance(value, str) and value):
        return value
    raise ValueError(
        'should be an object from classes of the corpus to new names or null, or a name such as "canonical"'
    )


LabelMap = Annotated[
    str | dict[str, str | None] | None,
    BeforeValidator(_label_map),
    Field(
        description="New names of classes by their names in the corpus, null to leave a class out; or "
        "'canonical', or a corpus whose codes the column has, e.g. 'emodb'; see kser/corpora/emotions.py."
    ),
]


def _frozen_layers(value: Any) -> Any:
    # Left to itself, pydantic tells a mistake once for each type that the field may have.
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ValueError('should be a whole number from 0, or "all"')


Classes = Annotated[
    Annotated[list[str], Field(min_length=1)] | None,
    Field(description="Only these classes are kept, named as after label_map; unset: all."),
]


class EvaluationDataset(_Config):
    """A test set that every trained model is evaluated on."""

    name: Name = Field(description="What reports call it.")
    eval_csv_path: str = Field(description="Folder that holds test.csv.")
    label_map: LabelMap = None
    classes: Classes = None


class SplitConfig(_Config):
    """How the corpus is split. With folds, the seed chooses the one that is the test part: seed % folds."""

    scheme: SchemeName = Field(
        "speaker", description="Whole speakers, unless random (by utterance) is asked for."
    )
    folds: int | None = Field(None, description="Of k_fold: how many.")
    folds_seed: int = Field(0, description="Of k_fold: draws the folds, which are the same for all seeds.")
    column: str | None = Field(
        None,
        description="Of leave_one_session_out: with the sessions, unless it is called session; of fixed: "
        "with the parts, official or your own.",
    )
    parts: dict[Literal["train", "validation", "test"], list[str]] | None = Field(
        None, description="Of fixed: the values of the column that make each part; others are left out."
    )
    test_csv: str | None = Field(None, description="Of fixed, by files: metadata of the test part.")
    validation_csv: str | None = Field(
        None,
        description="Of fixed, by files: metadata of the validation part; unset: from the training part.",
    )
    min_per_class: int = Field(
        0, description="Of speaker: utterances of each class that validation and test part have at least."
    )

    @model_validator(mode="after")
    def _check_what_belongs_together(self) -> "SplitConfig":
        if self.by_files and (self.scheme != "fixed" or self.column or self.parts):
            raise ValueError(
                "test_csv and validation_csv belong to the scheme fixed, without column or parts"
            )
        if self.validation_csv is not None and self.test_csv is None:
            raise ValueError("validation_csv wants test_csv, too")
        if not self.by_files:
            try:
                self.splitting(0.8, allow_shared_speakers=False)
            except UserError as error:
                raise ValueError(str(error).removeprefix("split: ")) from None
        return self

    @property
    def by_files(self) -> bool:
        """Whether test (and validation) part stand in files of their own."""
        return self.test_csv is not None or self.validation_csv is not None

    def splitting(self, train_test_split: float, allow_shared_speakers: bool) -> SplitScheme:
        """The scheme as `kser.corpora` knows it; not for parts in files of their own.

        Args:
            train_test_split: the model's field.
            allow_shared_speakers: whether a speaker may be in two parts of a fixed split.

        Raises:
            UserError: fields that do not belong together.
        """
        fields = self.model_dump(exclude={"scheme", "test_csv", "validation_csv"})
        return SplitScheme(
            self.scheme,
            train_test_split,
            allow_shared_speakers=allow_shared_speakers and self.scheme == "fixed",
            **fields,
        )


class TrainingDataset(_Config):
    """The corpus that is split into training, validation and test part."""

    name: Name = Field(description="What reports call it.")
    data_csv: str = Field(description="Metadata CSV: path, class_id, actor, gender and any further columns.")
    label_map: LabelMap = None
    classes: Classes = None
    split: SplitConfig = Field(default_factory=SplitConfig, description="How the corpus is split.")


class ExperimentConfig(_Config):
    """An experiment: models × seeds on one corpus, evaluated on its test part and on further test sets."""

    experiment_name: Name = Field(description="Names the experiment's folders.")
    description: str = Field("", description="What is studied, and what to expect of it; for people.")
    output_path: str = Field(
        "runs",
        validation_alias=AliasChoices("output_path", "experiment_artifacts_output_path"),
        description="Folder for what a run needs while it lasts: logs, states.",
    )
    experiment_results_output_path: str = Field(
        "results",
        validation_alias=AliasChoices("experiment_results_output_path", "model_save_folder"),
        description="Folder for final models, splits, the evaluation CSV and evaluations.",
    )
    model_files: str = Field(
        validation_alias=AliasChoices("model_files", "model_input_files", "path_to_model_files"),
        description="A model JSON, or a folder of them.",
    )
    cross_validation: Count = Field(
        1, description="How many seeds: the model's seed and those after it. Each has a split of its own."
    )
    augmentations: dict[str, Augmentation] = Field(
        default_factory=dict, description="Augmentations of the training data by name."
    )
    augmentation_mode: Literal["union", "compose", "one_of"] = Field(
        "union",
        description="union: the clean data and a copy for each augmentation; compose: all in a chain; "
        "one_of: one of them for each utterance.",
    )
    augmentation_draws: Literal["online", "frozen"] = Field(
        "online", description="Whether random draws are fresh in each epoch, or made once."
    )
    loudness_lufs: Annotated[float, Field(ge=-70.0, le=0.0)] | None = Field(
        None, description="Integrated loudness (ITU-R BS.1770) that every utterance is brought to, e.g. -23."
    )
    trim_db: Annotated[float, Field(gt=0.0)] | None = Field(
        None,
        validation_alias=AliasChoices("trim", "trim_db"),
        description="Silence at both ends is cut: what lies so many dB below the loudest part, e.g. 40.",
    )
    on_bad_audio: Literal["error", "skip"] = Field(
        "error", description="Whether files that cannot be used stop the run, or are left out and listed."
    )
    audio_cache: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="Folder for decoded audio, which later epochs and runs read in place of the files."
    )
    data_workers: Annotated[int, Field(ge=0)] = Field(
        0, description="Processes that read and augment audio; 0 for threads, which suffice without."
    )
    datasets: list[EvaluationDataset] = Field(
        default_factory=list, description="Test sets besides the test part of the training corpus."
    )
    hp_amount_of_training_data: Fraction = Field(
        0.3, description="Share of the training speakers that the hyper-parameter search uses."
    )
    hp_num_trials: Count = Field(
        5,
        description="Trials of the hyper-parameter search, of each run; those of hyperband follow from the "
        "epochs.",
    )
    hp_number_of_training_epochs: Count | None = Field(
        None, description="Epochs of a trial, of hyperband at most; unset: the model's."
    )
    training_dataset: TrainingDataset = Field(description="The corpus to train on.")
    save_steps: Count | None = Field(
        None, description="Updates between two saved states, a multiple of eval_steps; unset: eval_steps."
    )
    save_total_limit: Count = Field(1, description="How many saved states of a run are kept.")
    eval_steps: Count = Field(10, description="Updates between two evaluations on the validation part.")
    logging_steps: Count = Field(10, description="Updates between two rows of training loss in the log.")
    eval_metric: str | None = Field(
        None,
        description="Validation metric that progress shows, see best_metric of a model; unset: accuracy of "
        "classes, ccc of numbers, f1score of labels.",
    )
    run_eval: bool = Field(True, description="Whether to evaluate all models when they are trained.")
    run_grapher: bool = Field(False, description="Whether to draw the training curves at the end.")
    tensorboard: bool = Field(
        False, description="Whether each run writes TensorBoard event files, to events beside its log."
    )
    mlflow: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="Tracking URI of MLflow, e.g. http://localhost:5000 or sqlite:///mlflow.db, to log runs "
        "to; unset: none.",
    )
    checkpoint_save_folder: str | None = Field(
        None, description="Folder for the saved states; unset: output_path."
    )
    length_buckets: Count = Field(
        4, description="How many different lengths utterances are padded to; each is compiled once."
    )


class ModelConfig(_Config):
    """A model and how it is trained."""

    model_path_or_name: str = Field(
        min_length=1,
        description="A Hugging Face id, a folder in the Hugging Face layout, a KerasHub preset, or an "
        "architecture with random weights: scratch:log_mel, scratch:wav2vec2, scratch:hubert, scratch:wavlm, "
        "scratch:data2vec_audio, scratch:unispeech, scratch:unispeech_sat, scratch:whisper, "
        "scratch:moonshine. backbone_arguments choose their sizes.",
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
    per_device_batch_size: Count = Field(8, description="Utterances in a batch of training.")
    gradient_accumulation_steps: Count = Field(8, description="Batches whose gradients make one update.")
    learning_rate: Annotated[float, Field(gt=0.0)] = Field(
        5e-5, description="The highest of the run, that of the head."
    )
    lr_scheduler: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="How it goes on after the warm-up: it falls to 0, or stays."
    )
    warmup_ratio: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of the updates in which it rises linearly from 0."
    )
    layerwise_lr_decay: Fraction = Field(
        1.0,
        description="d: the k-th layer of the backbone from the top learns with learning_rate · dᵏ, what is "
        "below all n layers with learning_rate · dⁿ⁺¹.",
    )
    max_grad_norm: Annotated[float, Field(gt=0.0)] = Field(
        1.0, description="Longest gradient, as the norm over all weights."
    )
    optimizer_weight_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Decoupled weight decay of AdamW, not of biases and norms."
    )
    ema_momentum: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None,
        description="Momentum, an update, of a moving average of the weights, which validation and the final "
        "model use, e.g. 0.99; unset: none.",
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        "float32",
        description="What the backbone computes in; weights, pooling, head, loss and metrics are float32.",
    )
    pooling_mode: Literal[
        "mean", "sum", "max", "first_last", "attention", "multi_head_attention", "att_stats", "ecapa"
    ] = Field("mean", description="From frames to one vector; see kser/models/pooling.")
    pooling_arguments: dict[str, Any] = Field(
        default_factory=dict, description="Constructor arguments of the pooling, e.g. num_heads."
    )
    speaker_independent_scenario: bool = Field(
        True, description="Whether no speaker is in two of training, validation and test part."
    )
    train_test_split: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(
        0.8, description="N: training part N², validation part N(1−N), test part 1−N."
    )
    seed: Seed = Field(0, description="First seed: split, initial weights, order, dropout.")
    input_column: str = Field("path", description="Column with the audio files.")
    output_column: str | list[str] = Field(
        "class_id",
        description="Column with the class; a list of columns for is_regression and is_multi_label.",
    )
    is_regression: bool = Field(
        False,
        description="Whether the output columns hold numbers, e.g. arousal; an empty cell is a missing one.",
    )
    is_multi_label: bool = Field(
        False, description="Whether the output columns hold 0 or 1 each: emotions of which any may be there."
    )
    regression_columns: list[str] = Field(
        default_factory=list, description="Columns with numbers that are learned beside the class."
    )
    regression_loss: Literal["ccc", "mse"] = Field(
        "ccc", description="Of numbers: 1 − concordance correlation, or squared error (standardised)."
    )
    regression_weight: Annotated[float, Field(gt=0.0)] = Field(
        1.0, description="How much the loss of regression_columns counts beside that of the class."
    )
    use_positive_weights: bool = Field(
        False,
        description="Of is_multi_label: whether a label that is there counts by how rare it is in training.",
    )
    eval_steps: Count | None = Field(None, description="In place of the experiment's.")
    logging_steps: Count | None = Field(None, description="In place of the experiment's.")
    use_batch_norm: bool = Field(False, description="Batch normalisation of the pooled vector.")
    use_dropout: bool = Field(False, description="Dropout on the pooled vector.")
    dropout_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.5, description="Its rate.")
    use_l2_reg: bool = Field(False, description="L2 penalty on the classifier's weights.")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(0.01, description="Its weight.")
    use_relu: bool = Field(True, description="ReLU on the pooled vector.")
    use_class_weights: bool = Field(True, description="Whether a class counts by 1 / its utterances.")
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of the target that training spreads evenly over all classes."
    )
    focal_gamma: Annotated[float, Field(ge=0.0)] = Field(
        0.0, description="Exponent of the focal loss in training, e.g. 2; 0: cross-entropy."
    )
    freeze_feature_encoder: bool = Field(
        True, description="Whether the convolutions over the waveform keep their weights."
    )
    freeze_layers: Annotated[int | Literal["all"], BeforeValidator(_frozen_layers)] = Field(
        0,
        description="How many layers of the backbone, from the lowest, keep their weights, with everything "
        'below them; "all": the whole backbone.',
    )
    lora_rank: Count | None = Field(
        None,
        description="Rank of LoRA: of the backbone, products of two matrices of that rank beside some dense "
        "kernels are trained, and nothing else; unset: off.",
    )
    lora_alpha: Annotated[float, Field(gt=0.0)] | None = Field(
        None, description="Weight of these products times lora_rank; unset: lora_rank."
    )
    lora_targets: Annotated[list[str], Field(min_length=1)] = Field(
        ["query", "value"],
        description="Dense layers that get them: query, key, value, output_projection, intermediate, "
        "output_dense.",
    )
    feature_cache: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="Folder for what a frozen feature encoder makes of each recording (float16), which "
        "training then reads in place of audio; without augmentations. Unset: none.",
    )
    projection_dim: Count | None = Field(
        None, description="Units of a further dense layer before the last one; unset: none."
    )
    projection_activation: Literal["tanh", "relu", "linear"] = Field("tanh", description="Its activation.")
    use_weight_encoder_layers: bool = Field(
        False, description="Learned weighting of the hidden states of all layers."
    )
    layer_weighting: Literal["free", "softmax"] = Field(
        "free",
        description="Whether its weights are free, as the original's, or a softmax: above 0, of sum 1.",
    )
    pool_position: Literal["after", "before"] = Field("after", description="Pooling after or before it.")
    gradual_unfreezing_epochs: Annotated[float, Field(gt=0.0)] | None = Field(
        None,
        description="Epochs after which one layer more of the backbone is trained, from the top, beginning "
        "with the head alone, at last what is below the layers; unset: all from the start.",
    )
    number_of_training_epochs: Count = Field(50, description="Passes over the training part.")
    best_metric: str = Field(
        "loss",
        description="Validation metric that chooses the best weights: loss; of classes accuracy, uar, "
        "f1score; of numbers ccc, mse, or that of one column, e.g. ccc_arousal; of labels f1score, f1_micro; "
        "of classes and numbers also class_loss, regression_loss.",
    )
    early_stopping_patience: Count | None = Field(
        None,
        description="Evaluations in a row without an improvement of best_metric that end the training; "
        "unset: none do. With gradual_unfreezing_epochs they count when all is trained.",
    )
    early_stopping_threshold: Annotated[float, Field(ge=0.0)] = Field(
        0.0, description="An improvement is larger than this, measured against the last one that was."
    )
    continue_model_training: bool = Field(
        False,
        description="Whether model_path_or_name is a model that kser trained on the same classes, whose head "
        "is kept as well.",
    )
    skip_hp_search: bool = Field(True, description="Whether to train without a hyper-parameter search.")
    hp_search_method: Literal["random", "bayesian", "hyperband"] = Field(
        "random", description="How candidates are drawn, see kser/experiment/search."
    )
    hp_search_space: Annotated[dict[str, dict[str, Any]], Field(min_length=1)] | None = Field(
        None,
        description='What is searched, by fields of this file: {"learning_rate": {"min": 5e-5, "max": 1e-3, '
        '"sampling": "log"}} if unset; sampling is linear or log, step makes a grid; or {"values": [...]}. '
        '"backbone_arguments.dropout" is one argument.',
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
        # Left to itself, pydantic tells two mistakes of one: no text, and no list either.
        names = value if isinstance(value, list) else [value]
        if all(isinstance(name, str) for name in names):
            return value
        raise ValueError("should be the name of a column, or a list of names for regression")
