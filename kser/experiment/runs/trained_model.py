"""A trained model on disk: a KerasHub preset folder that also knows where it comes from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kser.checkpoints.locate import TRAINED_MODEL
from kser.errors import UserError
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.tasks import Task, task_from_settings
from kser.files import read_json, replacing, share_equal_file, write_json

PROVENANCE_FILE = TRAINED_MODEL
RECORDINGS_FILE = "recordings.json"
_WEIGHTS_FILES = "*.weights.h5"


@dataclass(frozen=True)
class Provenance:
    """What made a model. Labels and sampling rate are in the preset itself.

    Attributes:
        run_fingerprint: see `kser.experiment.execution.run_fingerprint`.
        kser_version: of the run.
        keras_version: of the run.
        backend: of the run.
        experiment_name: as in the experiment JSON.
        training_dataset: its name.
        seed: of the run.
        model_config: the model JSON with all defaults.
        audio: what was done to the audio before the model: sampling rate in Hz, channels, trimming, loudness;
            and how many files of each part were left out.
        augmentation: the experiment's fields of augmentation; empty for none.
        label_column: column of the metadata that holds the class; `None` where there is none.
        split_fingerprint: of the split; `split.json` beside the model has the counts.
        training: updates, the update that was best, its validation loss, seconds, how many
            devices; only updates, which are 0, of a model that is evaluated as it is.
        recordings: what those of the training and validation part are known by, see
            `kser.experiment.runs.recording_keys`; of a model of kser 0.1.0, only the bytes of their files.
        experiment_description: as in the experiment JSON.
        search: what the hyper-parameter search was and found, see `kser.experiment.search`; `model_config`
            has the best values. `None` for a model without one.
        calibration: by the outputs that are logits of classes, how they become probabilities that mean what
            they say, found on the validation part, see `kser.evaluation.temperature.temperature_report`.
            Empty for a model of kser 0.1.0.
        settings: what the fingerprint was made from, see `kser.experiment.execution.recorded_settings`; empty
            for a model of kser 0.1.0.
    """

    run_fingerprint: str
    kser_version: str
    keras_version: str
    backend: str
    experiment_name: str
    training_dataset: str
    seed: int
    model_config: dict[str, Any]
    audio: dict[str, Any]
    augmentation: dict[str, Any]
    label_column: str | None
    split_fingerprint: str
    training: dict[str, Any]
    recordings: dict[str, list[str]] = field(repr=False)
    experiment_description: str = ""
    search: dict[str, Any] | None = None
    calibration: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def task(self) -> Task:
        """What the model learned, by its settings."""
        # Older models have fewer settings: those that they lack have the defaults of today.
        defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in ModelConfig.model_fields.items()
        }
        return task_from_settings(SimpleNamespace(**defaults | self.model_config))

    def temperature(self, output: str) -> float:
        """By which the logits of an output are divided; 1 where it is not known."""
        return float(self.calibration.get(output, {}).get("temperature", 1.0))

    @property
    def keeps_backbone(self) -> bool:
        """Whether the run left the backbone as it was, so that models of other seeds have the same."""
        is_trained = self.model_config.get("number_of_training_epochs") != 0
        return not is_trained or self.model_config.get("freeze_layers") == "all"


def save_trained_model(folder: Path, classifier: Any, provenance: Provenance) -> None:
    """Write the preset and its provenance, all or nothing.

    Weights of a backbone that was not trained take no room of their own where another model of the experiment
    has the same.
    """
    facts = asdict(provenance)
    recordings = facts.pop("recordings")
    with replacing(folder) as draft:
        classifier.save_to_preset(str(draft))
        for weights in draft.glob(_WEIGHTS_FILES) if provenance.keeps_backbone else ():
            share_equal_file(weights, folder.parents[2].glob(f"*/*/{folder.name}/{weights.name}"))
        write_json(draft / PROVENANCE_FILE, facts)
        write_json(draft / RECORDINGS_FILE, recordings)


def load_provenance(folder: Path) -> Provenance:
    """Read where a model comes from.

    Raises:
        UserError: the folder holds no model that kser trained.
    """
    if not (folder / PROVENANCE_FILE).is_file():
        what = "holds no model trained by kser (no kser.json)" if folder.is_dir() else "folder not found"
        raise UserError(f"{folder}: {what}")
    facts, recordings = read_json(folder / PROVENANCE_FILE), read_json(folder / RECORDINGS_FILE)
    try:
        return Provenance(**facts, recordings=recordings)
    except TypeError as error:
        raise UserError(
            f"{folder / PROVENANCE_FILE}: not as this version of kser writes it: {error}"
        ) from None


def renew_names(folder: Path, factors: Mapping[str, str], layer_curve: str | None) -> None:
    """Let a trained model have the factors and the curve that its JSON has by now: they are only names."""
    facts = read_json(folder / PROVENANCE_FILE)
    known, now = facts["model_config"], {"factors": dict(factors), "layer_curve": layer_curve}
    if {"factors": known.get("factors", {}), "layer_curve": known.get("layer_curve")} != now:
        known |= now
        write_json(folder / PROVENANCE_FILE, facts)


def load_classifier(folder: Path, **arguments: Any) -> Any:
    """Load the model of a folder on the running backend, whatever it says of an utterance.

    Args:
        folder: what `save_trained_model` wrote.
        **arguments: of its class, in the place of the saved ones, such as dropout; or `dtype`.

    Returns:
        An `EmotionTask` of the class that was saved: `EmotionClassifier`, `EmotionRegressor`,
        `MultiTaskEmotionModel` or `EmotionTagger`.

    Raises:
        UserError: files of the preset are missing or damaged.
    """
    from kser.models import EmotionTask

    return EmotionTask.from_preset(str(folder), **arguments)
