"""The fields of an experiment JSON, each documented where it is declared."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from kser.audio.processing import PROCESSING_STEPS, AudioProcessing, TooLong
from kser.experiment.config.dataset_config import EvaluationDataset, TrainingDataset
from kser.experiment.config.field_types import (
    MOST_SEEDS,
    Config,
    Count,
    Fraction,
    Name,
    Positive,
    Text,
)
from kser.experiment.config.needs import Needs


def _devices(value: Any) -> Any:
    # Left to itself, pydantic reports a mistake once for each type that the field may have.
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError('should be a whole number from 1, or "all"')


class Augmentation(BaseModel):
    """One augmentation of the training data; further fields are arguments of the class."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, populate_by_name=True)

    module: str = Field(description="Python module that holds the class, e.g. audiomentations.")
    class_name: str = Field(alias="class", description="Name of the class.")
    tensors: bool = Field(False, description="Whether the class takes and gives batches of tensors.")


class ExperimentConfig(Config):
    """An experiment: models × seeds on one corpus, evaluated on its test part and on further test sets."""

    # A program may give the models themselves.
    model_config = ConfigDict(
        json_schema_extra={"required": ["experiment_name", "model_files", "training_dataset"]}
    )

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
    model_files: str | None = Field(
        None,
        validation_alias=AliasChoices("model_files", "model_input_files", "path_to_model_files"),
        description="A model JSON, or a folder of them.",
    )
    cross_validation: Count = Field(
        1,
        le=MOST_SEEDS,
        description="How many seeds: the model's seed and those after it. Each has a split of its own.",
    )
    augmentations: dict[str, Augmentation] = Field(
        default_factory=dict, description="Augmentations of the training data by name."
    )
    augmentation_mode: Annotated[Literal["union", "compose", "one_of"], Needs("augmentations")] = Field(
        "union",
        description="union: the clean data and a copy for each augmentation; compose: all in a chain; "
        "one_of: one of them for each utterance.",
    )
    augmentation_draws: Annotated[Literal["online", "frozen"], Needs("augmentations")] = Field(
        "online", description="Whether random draws are fresh in each epoch, or made once."
    )
    loudness_lufs: Annotated[float, Field(ge=-70.0, le=0.0)] | None = Field(
        None, description="Integrated loudness (ITU-R BS.1770) that every utterance is brought to, e.g. -23."
    )
    trim_db: Positive | None = Field(
        None,
        validation_alias=AliasChoices("trim", "trim_db"),
        description="Silence at both ends is cut: what lies so many dB below the loudest part, e.g. 40.",
    )
    min_seconds: Positive | None = Field(
        None, description="Shorter recordings are left out, of test sets too, and listed."
    )
    max_seconds: Positive | None = Field(
        None, description="Longer recordings are cropped, split or left out, see too_long, of test sets too."
    )
    too_long: Annotated[TooLong | None, Needs("max_seconds")] = Field(
        None,
        description="What becomes of recordings longer than max_seconds. crop (as unset): their beginning is "
        "left; split: they become parts of one length, whose outputs are averaged in evaluation; skip: they "
        "are left out and listed.",
    )
    on_bad_audio: Literal["error", "skip"] = Field(
        "error", description="Whether files that cannot be used stop the run, or are left out and listed."
    )
    audio_cache: Text | None = Field(
        None, description="Folder for decoded audio, which later epochs and runs read in place of the files."
    )
    data_workers: Annotated[int, Field(ge=0)] = Field(
        0, description="Processes that read and augment audio; 0 for threads, which suffice without."
    )
    devices: Annotated[int | Literal["all"], BeforeValidator(_devices)] = Field(
        1,
        description='Devices, e.g. GPUs, that share each batch of a run, on JAX; "all": all of the machine. '
        "The batch sizes of a model are those of all together, and an interrupted run may go on with another "
        "number.",
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
    normalize_metadata: bool = Field(
        True,
        description="Whether spellings of one class, speaker or gender are one: Anger and anger, 01 and 1, f "
        "and female. The check says what is taken for what.",
    )
    save_steps: Count | None = Field(
        None, description="Updates between two saved states, a multiple of eval_steps; unset: eval_steps."
    )
    save_total_limit: Count = Field(
        1, description="How many saved states of a run are kept; given, also of keep_states_every."
    )
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
    mlflow: Text | None = Field(
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

    @property
    def audio_processing(self) -> AudioProcessing:
        """What is done to every utterance, in training and in evaluation."""
        return AudioProcessing(**{step: getattr(self, step) for step in PROCESSING_STEPS})

    def mistakes(self) -> list[str]:
        """See `Config.mistakes`."""
        names = Counter([self.training_dataset.name, *(dataset.name for dataset in self.datasets)])
        mistakes = []
        if self.min_seconds and self.max_seconds and self.max_seconds < self.min_seconds:
            mistakes.append(
                f"max_seconds: {self.max_seconds:g} is less than min_seconds, {self.min_seconds:g}: no "
                "recording would be left"
            )
        return mistakes + [
            f"datasets: two test sets have the name {name!r} (training_dataset gives its name to its own "
            "test part); their results would overwrite each other"
            for name, count in names.items()
            if count > 1
        ]
