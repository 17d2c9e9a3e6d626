"""An experiment and its models as one validated value, whether files or a Python program defined them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kser.errors import UserError
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.config.search_rules import search_mistakes
from kser.experiment.config.target_rules import experiment_mistakes
from kser.grouping import grouped


@dataclass(frozen=True)
class ExperimentDefinition:
    """The validated fields of an experiment and of its models.

    Attributes:
        config: the experiment's fields.
        models: the models, in the order of their files' names.
        source: what messages call the experiment: its file.
        model_sources: likewise of `models`.
        folder: where relative input paths are looked for first: the file's.

    Raises:
        UserError: the experiment and a model, or two models, do not go together; a line each.
    """

    config: ExperimentConfig
    models: tuple[ModelConfig, ...]
    source: str
    model_sources: tuple[str, ...]
    folder: Path

    def __post_init__(self) -> None:
        mistakes = list(self._repeated_model_names())
        for model, source in self._models_with_sources():
            mistakes += [f"{source}: {line}" for line in search_mistakes(self.config, model)]
            mistakes += [f"{source}: {line}" for line in _model_mistakes(self.config, model)]
            mistakes += [f"{self.source}: {line}" for line in experiment_mistakes(self.config, model)]
            mistakes += self._saving_mistakes(model, source)
        if mistakes:
            raise UserError("\n".join(dict.fromkeys(mistakes)))

    @property
    def draws_curves(self) -> bool:
        """Whether a figure of the training curves is made: it is asked for, and something is trained."""
        return self.config.run_grapher and any(model.is_trained for model in self.models)

    def notes(self) -> list[str]:
        """What is no mistake and still worth knowing: fields that have no effect, a line each."""
        lines = [
            *self._probes_of_files(),
            *(f"{source}: {line}" for model, source in self._models_with_sources() for line in model.notes()),
            *(
                f"{source}: number_of_training_epochs: 0: nothing is trained: {model.model_path_or_name} is "
                f"evaluated as it is{self._without_effect_on_it()}"
                for model, source in self._models_with_sources()
                if not model.is_trained
            ),
            *(f"{self.source}: {line}" for line in [*self.config.notes(), *self._fields_for_no_model()]),
            *(
                f"{source}: train_test_split: has no effect: the split of training_dataset names all parts"
                for model, source in self._models_with_sources()
                if "train_test_split" in model.model_fields_set
                and self.config.training_dataset.split.names_all_parts
            ),
        ]
        return list(dict.fromkeys(lines))

    def _probes_of_files(self) -> Iterator[str]:
        """What each file with `probe_layers` has become."""
        probes = grouped(
            (source, model) for model, source in self._models_with_sources() if model.layer_curve is not None
        )
        for source, models in probes.items():
            if len(models) > 1:
                yield (
                    f"{source}: probe_layers: makes {len(models)} models, {models[0].name} to "
                    f"{models[-1].name}, a probe of one hidden state each"
                )

    def _without_effect_on_it(self) -> str:
        """What the experiment asks for that a model which is evaluated as it is does not take, in words."""
        config = self.config
        fields = [*config.audio_processing.chosen(), *(["augmentations"] if config.augmentations else [])]
        return f", without the experiment's {' and '.join(fields)}" if fields else ""

    def _models_with_sources(self) -> Iterator[tuple[ModelConfig, str]]:
        return zip(self.models, self.model_sources, strict=True)

    def _repeated_model_names(self) -> Iterator[str]:
        sources = grouped((model.name, source) for model, source in self._models_with_sources())
        for name, (first, *others) in sources.items():
            if others:
                yield (
                    f"{others[-1]}: name: {name!r} is also the name in {first}; one would overwrite the "
                    "other's results"
                )

    def _saving_mistakes(self, model: ModelConfig, source: str) -> list[str]:
        eval_steps = model.eval_steps or self.config.eval_steps
        where = source if model.eval_steps else self.source
        asked = [
            (self.source, "save_steps", self.config.save_steps, "saved"),
            (source, "keep_states_every", model.keep_states_every, "kept"),
        ]
        return [
            f"{file}: {name}: must be a multiple of eval_steps ({eval_steps}, {where}), got {steps}: "
            f"states are {done} after evaluations"
            for file, name, steps, done in asked
            if steps is not None and steps % eval_steps
        ]

    def _fields_for_no_model(self) -> list[str]:
        """Fields of the experiment that no model lets have an effect."""
        reasons: dict[str, str] = {}
        searching = [model for model in self.models if not model.skip_hp_search]
        if not searching:
            search_fields = (name for name in ExperimentConfig.model_fields if name.startswith("hp_"))
            reasons |= dict.fromkeys(search_fields, "no model has skip_hp_search: false")
        elif all(model.hp_search_method == "hyperband" for model in searching):
            reasons["hp_num_trials"] = "the trials of hyperband follow from the epochs"
        for name in ("eval_steps", "logging_steps"):
            if all(getattr(model, name) for model in self.models):
                reasons[name] = "every model has its own"
        given = self.config.model_fields_set
        return [f"{name}: has no effect: {reason}" for name, reason in reasons.items() if name in given]


def _model_mistakes(config: ExperimentConfig, model: ModelConfig) -> list[str]:
    """What a model asks for that the experiment does not let it have."""
    mistakes = []
    if model.feature_cache is not None and config.augmentations:
        mistakes.append(
            "feature_cache: keeps what the model makes of each recording once, but the experiment's "
            "augmentations change the audio; leave one of them out"
        )
    if model.head_solver != "gradient" and config.augmentations:
        mistakes.append(
            f"head_solver: {model.head_solver} takes each recording once, but the experiment's augmentations "
            "change the audio; leave one of them out"
        )
    scheme, independent = config.training_dataset.split.scheme, model.speaker_independent_scenario
    if independent and scheme == "random" and "speaker_independent_scenario" in model.model_fields_set:
        mistakes.append(
            "speaker_independent_scenario: true contradicts the split 'random' of the training data set, "
            "which lets parts share speakers; leave one of them out"
        )
    if not independent and scheme not in ("speaker", "random", "fixed"):
        mistakes.append(
            f"speaker_independent_scenario: false contradicts the split {scheme!r} of the training data set, "
            "which never shares speakers; leave one of them out"
        )
    return mistakes
