"""The models, their settings, and what was done to the audio."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kser.audio.processing import PROCESSING_STEPS
from kser.evaluation.measure_names import measure_name
from kser.experiment.config.experiment_config import ExperimentConfig
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.tasks.report_kinds import as_number
from kser.grouping import grouped
from kser.report.markup import Html, details, element, join, paragraph
from kser.report.numbers import mean_and_spread, range_of, seeds_in_words
from kser.report.study_folder import Study, TrainedRun
from kser.report.tables import table
from kser.words import counted, natural

_SHOWN_ELSEWHERE = {"name", "seed", "model_path_or_name"}
_UNSET = "not set"


def asked_section(study: Study) -> Html:
    """Models and seeds, then their settings: those that differ, and all others folded."""
    finished = [run for run in study.runs if run.provenance]
    settings = {
        column: _settings(runs) for column, runs in grouped((_column(run), run) for run in finished).items()
    }
    if not settings:
        return join([_overview(study), paragraph("No run is finished, so no settings are known.")])
    names = _ordered(settings)
    shown = [name for name in names if _is_notable(name, settings)]
    rest = [name for name in names if name not in shown]
    return join(
        [
            _overview(study),
            _settings_table("Settings that differ between models or from the defaults", shown, settings),
            details(
                f"{len(rest)} further settings, which are the defaults for all models",
                _settings_table("Further settings", rest, settings),
            )
            if rest
            else "",
            _audio(study),
            _augmentations(study),
        ]
    )


def _overview(study: Study) -> Html:
    rows = []
    for model, runs in study.models.items():
        done = [run.provenance["training"] for run in runs if run.provenance.get("training")]
        rows.append(
            [
                model,
                _initial_weights(runs),
                seeds_in_words(run.seed for run in runs).removeprefix("seeds ").removeprefix("seed "),
                range_of(training.get("updates") for training in done),
                range_of(training.get("best_step") for training in done),
                mean_and_spread(training.get("best_loss") for training in done),
                mean_and_spread((as_number(training.get("seconds")) / 60 for training in done), 1),
            ]
        )
    return table(
        f"{counted(len(study.models), 'model')}, {counted(len(study.runs), 'run')}",
        [
            "model",
            "initial weights",
            "seeds",
            "updates",
            "best update",
            "its validation loss",
            "minutes per run",
        ],
        rows,
        text_columns=3,
        below=[
            f"The weights of the update with the best {_chosen_by(study)} were kept; the test part played no "
            "role in that choice. Values are means ± SD, or ranges, over seeds."
        ],
    )


def _chosen_by(study: Study) -> str:
    """The validation metrics that chose the best weights; older versions used the loss and did not say so."""
    trained = [run.provenance.get("training") or {} for run in study.runs]
    chosen = [training for training in trained if training.get("best_step") is not None]
    names = sorted({str(training.get("best_metric") or "loss") for training in chosen}) or ["loss"]
    return f"validation {' or '.join(name if name == 'loss' else measure_name(name) for name in names)}"


def _initial_weights(runs: Sequence[TrainedRun]) -> str:
    names = {str((run.provenance.get("model_config") or {}).get("model_path_or_name", "")) for run in runs}
    return ", ".join(sorted(names - {""}, key=natural)) or "unknown"


def _column(run: TrainedRun) -> str:
    """The column of a run in the table of settings: its model, or one for all layers of a probed backbone."""
    return str((run.provenance.get("model_config") or {}).get("layer_curve") or run.model)


def _settings(runs: Sequence[TrainedRun]) -> dict[str, str]:
    """Settings of a model as text; where runs differ, all values."""
    found = grouped(item for run in runs for item in _flat(run.provenance.get("model_config") or {}))
    return {
        name: "; ".join(dict.fromkeys(values))
        for name, values in found.items()
        if name not in _SHOWN_ELSEWHERE
    }


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", in_words(value)


def in_words(value: Any) -> str:
    """A value of a JSON file for people."""
    if value is None:
        return _UNSET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        if not value:
            return "none"
        same = len(value) > 2 and all(each == value[0] for each in value)
        return f"{len(value)} × {in_words(value[0])}" if same else ", ".join(map(in_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_notable(name: str, settings: Mapping[str, Mapping[str, str]]) -> bool:
    values = {of_model.get(name) for of_model in settings.values()}
    described = ModelConfig.model_fields.get(name)
    if len(values) > 1 or described is None:
        return True
    return values != {in_words(described.get_default(call_default_factory=True))}


def _ordered(settings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """All names, those of one field together, where the field comes first."""
    names = list(dict.fromkeys(name for values in settings.values() for name in values))
    fields = list(dict.fromkeys(name.partition(".")[0] for name in names))
    return sorted(names, key=lambda name: fields.index(name.partition(".")[0]))


def _settings_table(caption: str, names: Sequence[str], settings: Mapping[str, Mapping[str, str]]) -> Html:
    rows = [
        [
            element("code", name),
            *(values.get(name, "–") for values in settings.values()),
            _meaning(name, before),
        ]
        for before, name in zip(["", *names], names, strict=False)
    ]
    columns = ["setting", *settings, "what it means"]
    return element("div", table(caption, columns, rows, text_columns=len(columns)), class_="settings")


def _meaning(name: str, before: str) -> str:
    """What the field means; nothing where the row above says it already."""
    field = name.partition(".")[0]
    if field == before.partition(".")[0]:
        return ""
    described = ModelConfig.model_fields.get(field)
    return (described.description or "") if described is not None else ""


_AUDIO_MEANINGS = {
    "sampling_rate": "in Hz; every recording is resampled to it",
    "channels": "how several channels become one",
    **{step: ExperimentConfig.model_fields[step].description or "" for step in PROCESSING_STEPS},
}


def _audio(study: Study) -> Html:
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for run in study.runs:
        done = {name: in_words(value) for name, value in (run.provenance.get("audio") or {}).items()}
        done.pop("skipped", None)
        if done:
            found.setdefault(tuple(done.items()), []).append(run.model)
    parts = []
    for steps, models in found.items():
        suffix = "" if len(found) == 1 else f" of {', '.join(dict.fromkeys(models))}"
        rows = [[element("code", name), value, _AUDIO_MEANINGS.get(name, "")] for name, value in steps]
        parts.append(
            table(
                f"Audio processing{suffix}, in training and in evaluation",
                ["step", "value", "what it means"],
                rows,
                text_columns=3,
            )
        )
    return join(parts)


def _augmentations(study: Study) -> Html:
    used = [run.provenance["augmentation"] for run in study.runs if run.provenance.get("augmentation")]
    if not used:
        return paragraph("Training data were not augmented.")
    first = used[0]
    rows = []
    for name, fields in (first.get("augmentations") or {}).items():
        arguments = {key: value for key, value in fields.items() if key not in ("module", "class", "tensors")}
        rows.append(
            [
                name,
                element("code", f"{fields.get('module')}.{fields.get('class')}"),
                "; ".join(f"{key} {value}" for key, value in _flat(arguments)) or "defaults of the class",
            ]
        )
    mode, draws = first.get("augmentation_mode"), first.get("augmentation_draws")
    return table(
        f"Augmentation of the training data: {mode}, {draws} draws",
        ["name", "class", "arguments"],
        rows,
        text_columns=3,
    )
