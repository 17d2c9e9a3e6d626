"""Since which version of kser each field of the JSON files is there."""

FIRST_VERSION = "0.1.0"
_LATER = {
    "ModelConfig": {
        "0.2.0": """
            head_solver hidden_state keep_states_every layer_curve num_cpus num_gpus probe_layers task_name
            use_standardization
        """
    },
    "ExperimentConfig": {"0.2.0": "devices max_seconds min_seconds normalize_metadata too_long"},
    "TrainingDataset": {"0.2.0": "columns"},
    "EvaluationDataset": {"0.2.0": "columns"},
    "SplitConfig": {"0.2.0": "candidates corpus"},
}
_LATER_BY_NAME = {
    config: {field: version for version, fields in versions.items() for field in fields.split()}
    for config, versions in _LATER.items()
}


def since(config: str, field: str) -> str:
    """The first version of kser that knows a field.

    Args:
        config: name of the class that has it, such as "ModelConfig".
        field: its name.
    """
    return later_fields(config).get(field, FIRST_VERSION)


def later_fields(config: str) -> dict[str, str]:
    """The fields of a class that the first version did not have, with the version that brought each."""
    return _LATER_BY_NAME.get(config, {})
