"""What somebody may have meant by a field that a JSON does not have."""

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from kser.words import nearest_names

NAMES_ELSEWHERE = {
    # What is trained, and from what.
    "model_name_or_path": "model_path_or_name",
    "pretrained_model_name_or_path": "model_path_or_name",
    "wav2vec2_hub": "model_path_or_name",
    "backbone": "model_path_or_name",
    "run_name": "name",
    "model_name": "name",
    "pooling_type": "pooling_mode",
    "dropout": "dropout_rate",
    "drop": "dropout_rate",
    "final_dropout": "dropout_rate",
    "classifier_dropout": "dropout_rate",
    "l2": "weight_decay",
    "hidden_dim": "projection_dim",
    "classifier_proj_size": "projection_dim",
    "layerwise_features": "use_weight_encoder_layers",
    "use_weighted_layer_sum": "use_weight_encoder_layers",
    "target": "output_column",
    "label_column": "output_column",
    "label_column_name": "output_column",
    "audio_column": "input_column",
    "audio_column_name": "input_column",
    # How.
    "lr": "learning_rate",
    "lr_wav2vec2": "learning_rate",
    "initial_lr": "learning_rate",
    "max_lr": "learning_rate",
    "epochs": "number_of_training_epochs",
    "num_epochs": "number_of_training_epochs",
    "n_epochs": "number_of_training_epochs",
    "max_epochs": "number_of_training_epochs",
    "number_of_epochs": "number_of_training_epochs",
    "num_train_epochs": "number_of_training_epochs",
    "per_device_train_batch_size": "per_device_batch_size",
    "train_batch_size": "per_device_batch_size",
    "per_device_eval_batch_size": "batch_size",
    "eval_batch_size": "batch_size",
    "validation_batch_size": "batch_size",
    "accumulate_grad_batches": "gradient_accumulation_steps",
    "grad_accumulation_factor": "gradient_accumulation_steps",
    "gradient_accumulation": "gradient_accumulation_steps",
    "lr_scheduler_type": "lr_scheduler",
    "scheduler": "lr_scheduler",
    "warmup": "warmup_ratio",
    "warmup_steps": "warmup_ratio",
    "clipnorm": "max_grad_norm",
    "global_clipnorm": "max_grad_norm",
    "gradient_clip_val": "max_grad_norm",
    "adamw_weight_decay": "optimizer_weight_decay",
    "use_ema": "ema_momentum",
    "ema_decay": "ema_momentum",
    "bf16": "precision",
    "fp16": "precision",
    "mixed_precision": "precision",
    "label_smoothing_factor": "label_smoothing",
    "class_weight": "use_class_weights",
    "loss": "regression_loss",
    "freeze_feature_extractor": "freeze_feature_encoder",
    "freeze_wav2vec": "freeze_layers",
    "freeze_base_model": "freeze_layers",
    "freeze_backbone": "freeze_layers",
    "r": "lora_rank",
    "lora_r": "lora_rank",
    "target_modules": "lora_targets",
    "patience": "early_stopping_patience",
    "early_stopping": "early_stopping_patience",
    "min_delta": "early_stopping_threshold",
    "monitor": "best_metric",
    "metric_for_best_model": "best_metric",
    "random_state": "seed",
    "random_seed": "seed",
    # The experiment.
    "output_dir": "output_path",
    "output_folder": "output_path",
    "results_path": "experiment_results_output_path",
    "results_dir": "experiment_results_output_path",
    "models": "model_files",
    "seeds": "cross_validation",
    "num_seeds": "cross_validation",
    "n_trials": "hp_num_trials",
    "num_trials": "hp_num_trials",
    "max_trials": "hp_num_trials",
    "dataset": "training_dataset",
    "train_dataset": "training_dataset",
    "test_sets": "datasets",
    "eval_datasets": "datasets",
    "augmentation": "augmentations",
    "report_to": "tensorboard",
    "dataloader_num_workers": "data_workers",
    "num_workers": "data_workers",
    "num_devices": "devices",
    "n_gpu": "devices",
    "gpus": "devices",
    "loudness": "loudness_lufs",
    # A data set.
    "csv": "data_csv",
    "train_file": "data_csv",
    "data_file": "data_csv",
    "test_file": "eval_csv_path",
    "split_scheme": "scheme",
    "num_folds": "folds",
    "n_splits": "folds",
}
"""Names of other toolkits (Trainer of Hugging Face, Keras, SpeechBrain, Lightning, PEFT) for our fields."""


def what_was_meant(name: str, schema: type[BaseModel], elsewhere: dict[str, type[BaseModel]]) -> str:
    """What would be right in place of an unknown field.

    Args:
        name: of the field.
        schema: of the object that has it.
        elsewhere: other schemas that may have the field, by what their files are called.
    """
    for file, other in elsewhere.items():
        if name in spellings(other):
            return f"unknown field; it belongs in {file}"
    if NAMES_ELSEWHERE.get(name.lower()) in schema.model_fields:
        return f"unknown field; it is called {NAMES_ELSEWHERE[name.lower()]} here"
    for file, other in elsewhere.items():
        if (field := NAMES_ELSEWHERE.get(name.lower())) in other.model_fields:
            return f"unknown field; it is called {field} here, in {file}"
    if nearest := nearest_names(name, spellings(schema)):
        return f"unknown field; did you mean {nearest[0]}?"
    known = (field_spellings(*field)[0] for field in schema.model_fields.items())
    return f"unknown field; known are {', '.join(known)}"


def spellings(schema: type[BaseModel]) -> dict[str, str]:
    """Each spelling of each field, with the field's name."""
    fields = schema.model_fields.items()
    return {spelling: name for name, field in fields for spelling in field_spellings(name, field)}


def field_spellings(name: str, field: FieldInfo) -> list[str]:
    """How a field may be written, the documented way first."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [str(alias or name)]
