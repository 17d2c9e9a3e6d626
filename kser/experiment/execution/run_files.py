"""What a run writes: what it is, the trained model and where it comes from, the states it keeps."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

import kser
from kser.experiment.evaluating.predicting import outputs_of_vectors, predict_outputs
from kser.experiment.execution.recorded_settings import recorded_settings
from kser.experiment.execution.run_fingerprint import fingerprint_of
from kser.experiment.runs.continuing import known_recordings
from kser.experiment.runs.feature_caching import FrozenPart, above_frozen_part
from kser.experiment.runs.model_card import write_model_card
from kser.experiment.runs.planning import Run
from kser.experiment.runs.recording_keys import all_keys
from kser.experiment.runs.run_data import RunData
from kser.experiment.runs.run_lock import has_locks
from kser.experiment.runs.trained_model import Provenance, save_trained_model
from kser.experiment.search.searching import SearchResult, tidy_up_search
from kser.files import read_json, remove_drafts, write_json
from kser.models import EmotionTask
from kser.models.feature_split import Features
from kser.pipeline.utterances import Utterances
from kser.training.training_result import TrainingResult
from kser.training.training_state import kept_weights, remove_states, restore_best, restore_kept


def claim(run: Run, settings: Mapping[str, Any]) -> None:
    """Write what a run is, before it begins.

    Args:
        run: which; no other process may be at it.
        settings: of the run, see `run_settings`.
    """
    _remove_drafts(run)  # at once: each may be as large as the model
    write_json(
        run.paths.settings,
        {
            "run_fingerprint": fingerprint_of(settings),
            "experiment_name": run.config.experiment_name,
            "model_name": run.model.name,
            "seed": run.seed,
            "backend": keras.config.backend(),
            "settings": recorded_settings(run, settings),
        },
    )


def save_results(
    run: Run,
    data: RunData,
    settings: Mapping[str, Any],
    model: EmotionTask,
    frozen: FrozenPart | None,
    parts: Mapping[str, Utterances],
    result: TrainingResult | None,
    found: SearchResult | None,
) -> None:
    """Write the trained model, and before it the states that were kept on the way.

    Args:
        run: which, with the values that a search found.
        data: of the run.
        settings: of the run, see `run_settings`.
        model: trained.
        frozen: its frozen part, where that is computed apart.
        parts: utterances of the split.
        result: of training; `None` where nothing was trained.
        found: by a search, where there was one.
    """
    provenance = replace(
        _provenance(run, data, settings, result, parts, found),
        calibration=_calibration(run, data, model, frozen, parts["validation"]),
    )
    _save_kept_states(run, model, provenance)
    save_trained_model(run.paths.model, model, provenance)
    write_model_card(run.paths.model)


def tidy_up(run: Run) -> None:
    """Remove what only an unfinished run needs or leaves; no other process may be at it."""
    if run.paths.states.is_dir():
        remove_states(run.paths.states)
    tidy_up_search(run)
    _remove_drafts(run)
    run.paths.error.unlink(missing_ok=True)
    run.paths.settings.unlink(missing_ok=True)


def is_untidy(run: Run, fingerprint: str) -> bool:
    """Whether a finished run has left something to `tidy_up`, and no other run is interrupted in its place.

    That can be: two experiments of one name may write their results to different folders.
    """
    if run.paths.settings.is_file():
        return bool(read_json(run.paths.settings).get("run_fingerprint") == fingerprint)
    return has_locks(run.paths) or run.paths.error.is_file()


def _remove_drafts(run: Run) -> None:
    """Remove what processes that were killed at the run had half written."""
    of_search = (run.paths.search, run.paths.searching, *run.paths.searching.glob("trial_*"))
    for folder in {run.paths.work, run.paths.states, run.paths.results, *of_search}:
        remove_drafts(folder)


def _provenance(
    run: Run,
    data: RunData,
    settings: Mapping[str, Any],
    result: TrainingResult | None,
    parts: Mapping[str, Utterances],
    found: SearchResult | None,
) -> Provenance:
    waveform_format = parts["train"].format
    return Provenance(
        run_fingerprint=fingerprint_of(settings),
        kser_version=kser.__version__,
        keras_version=keras.__version__,
        backend=keras.config.backend(),
        experiment_name=run.config.experiment_name,
        experiment_description=run.config.description,
        training_dataset=run.config.training_dataset.name,
        seed=run.seed,
        model_config=run.model.model_dump(),
        audio={
            "sampling_rate": waveform_format.sampling_rate,
            "channels": "mean",
            **vars(waveform_format.processing),
            "skipped": {part: len(utterances.skipped) for part, utterances in parts.items()},
        },
        augmentation=run.config.model_dump(
            mode="json",
            by_alias=True,
            include={"augmentations", "augmentation_mode", "augmentation_draws"},
        )
        if run.config.augmentations and run.model.is_trained
        else {},
        label_column=data.class_column,
        split_fingerprint=data.split_fingerprint,
        training={"updates": 0} if result is None else vars(result),
        recordings=known_recordings(
            run.model,
            {part: all_keys(data.rows(part)["path"]) for part in ("train", "validation")},
        ),
        search=None if found is None else found.summary,
        settings=recorded_settings(run, settings),
    )


def _calibration(
    run: Run, data: RunData, model: EmotionTask, frozen: FrozenPart | None, validation: Utterances
) -> dict[str, dict[str, Any]]:
    """What the validation part says of the model's probabilities, see `Target.calibration`."""
    outputs = _outputs(run, model, frozen, validation)
    found = {}
    given = validation.targets_of_recordings()
    for target in data.task.targets:
        encoded = given[target.output] if isinstance(given, dict) else given
        if (report := target.calibration(outputs[target.output], encoded)) is not None:
            found[target.output] = report
    return found


def _outputs(
    run: Run, model: EmotionTask, frozen: FrozenPart | None, utterances: Utterances
) -> dict[str, np.ndarray]:
    """What the trained model says, from vectors where they are in memory."""
    if frozen is not None and frozen.cache is not None and frozen.split.kind is Features.VECTORS:
        head, given = above_frozen_part(frozen, {"given": utterances})
        if (vectors := given["given"].vectors()) is not None:
            outputs = outputs_of_vectors(head, model.output_names, vectors)
            return {name: utterances.of_recordings(values) for name, values in outputs.items()}
    return predict_outputs(model, utterances, run.model.batch_size)


def _save_kept_states(run: Run, model: EmotionTask, provenance: Provenance) -> None:
    """Write the models of the updates that `keep_states_every` names; the model itself stays as it is."""
    if run.model.keep_states_every is None:
        return
    for step, file in kept_weights(run.paths.states).items():
        restore_kept(file, model)
        facts = replace(provenance, training={"updates": step}, calibration={})
        save_trained_model(run.paths.kept_state(step), model, facts)
    restore_best(run.paths.states, model)
