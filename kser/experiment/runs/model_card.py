"""The model card of a trained model: README.md in its folder, as model hubs show it.

It follows from what stands in the folder of the run, so that writing it again gives the same text.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from kser.checkpoints.locate import MODEL_CARD
from kser.checkpoints.named_checkpoints import named_checkpoint
from kser.corpora.recipes import RECIPES
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.runs.paths import EVALUATION
from kser.experiment.runs.run_lock import locked
from kser.experiment.runs.trained_model import PROVENANCE_FILE, Provenance, load_provenance
from kser.experiment.tasks.report_kinds import ReportKind
from kser.files import expanded, read_json, read_text, write_text
from kser.markdown import markdown_table
from kser.words import counted

_Result = tuple[str, ReportKind, dict[str, Any]]
# Names and places: another machine has others, and the model is the same.
_NOT_SHOWN = {"name", "model_path_or_name", "factors", "layer_curve", "feature_cache"}
_MOST_SPEAKERS = 40
_TAGS = ["keras", "keras-hub", "kser", "speech-emotion-recognition"]
# Those of `Recipe.language`, by ISO 639-1.
_LANGUAGES = {
    "Amharic": "am",
    "Arabic": "ar",
    "Bangla": "bn",
    "English": "en",
    "French": "fr",
    "German": "de",
    "Greek": "el",
    "Italian": "it",
    "Japanese": "ja",
    "Mandarin": "zh",
    "Persian": "fa",
    "Polish": "pl",
    "Portuguese": "pt",
    "Russian": "ru",
    "Spanish": "es",
    "Turkish": "tr",
    "Urdu": "ur",
}
_USE = """\
Made for research on how emotions are expressed in speech, and for comparison with other models. It says which
expression a voice resembles among those that it learned, not what a person feels.

It is not for decisions about people, such as in hiring, schools, policing, insurance or medicine, and not for
watching people without their consent. In some places the law forbids or restricts such use."""
_LIMITS = """\
- Other voices, languages, recording conditions and emotions than the training data has may be judged much
  worse: evaluate the model on recordings like yours first.
- Emotions in corpora are often acted, and clearer than in daily life; the publisher of the training data says
  whether these are.
- Every recording gets an answer, also one that expresses nothing of what the model learned.
- Intervals are over speakers of the test set; they say nothing of other corpora."""
_LOADING = """\
```python
import kser

model = kser.load_model("FOLDER")  # of this file
print(model.predict("recording.wav"))
```"""


def write_model_card(folder: Path) -> None:
    """Write the card of a trained model, with the evaluations that stand beside it.

    A card that says the same already stays as it is.

    Args:
        folder: of the model; `split` and `evaluation` of its run are beside it.
    """
    text, card = model_card(load_provenance(folder), folder.parent), folder / MODEL_CARD
    if not card.is_file() or read_text(card) != text:
        write_text(card, text)


def renew_model_card(folder: Path, evaluation: Path) -> None:
    """Write the card of a model again after an evaluation, if that is one of those beside the model.

    Args:
        folder: of the model.
        evaluation: folder of the results; those that stand elsewhere are not on the card.
    """
    beside = folder.parent / EVALUATION
    if (folder / PROVENANCE_FILE).is_file() and evaluation.resolve().parent == beside.resolve():
        with locked(beside):  # of two evaluations that end at once, the later one sees both
            write_model_card(folder)


def model_card(provenance: Provenance, run: Path) -> str:
    """The text of the card, Markdown with the front matter of model hubs.

    Args:
        provenance: of the model.
        run: folder with `split` and, once there were evaluations, `evaluation`.
    """
    results = _results(provenance, run)
    title = f"{provenance.experiment_name}, {provenance.model_config['name']}, seed {provenance.seed}"
    sections = {
        "Intended use": _USE,
        "Training data and split": _data(provenance, run / "split"),
        "Settings that differ from the defaults": _settings(provenance),
        "Results": _results_table(results),
        "Limits": _LIMITS,
        "How to load it": _LOADING,
    }
    front = f"---\n{_front_matter(provenance, title, results)}\n---"
    body = [f"## {heading}\n\n{text.strip()}" for heading, text in sections.items()]
    return "\n\n".join([front, f"# {title}", _summary(provenance), *body]) + "\n"


def _front_matter(provenance: Provenance, title: str, results: list[_Result]) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    facts = ModelCardData(
        **_licence(provenance),
        language=_languages(provenance),
        library_name="keras-hub",
        pipeline_tag="audio-classification",
        tags=_TAGS,
        metrics=sorted({kind.main.name for _, kind, _ in results}),
        model_name=title,
        eval_results=[
            EvalResult(
                task_type="audio-classification",
                dataset_type=dataset,
                dataset_name=dataset,
                metric_type=kind.main.name,
                metric_name=kind.main.display_name,
                metric_value=round(report[kind.main.name], 4),
            )
            for dataset, kind, report in results
            if report.get(kind.main.name) is not None
        ],
    )
    return str(facts.to_yaml())


def _licence(provenance: Provenance) -> dict[str, Any]:
    """Of the checkpoint that the model began with, where it is known."""
    checkpoint = named_checkpoint(provenance.model_config["model_path_or_name"])
    if checkpoint is None:
        return {}
    base = {"base_model": checkpoint.repository}
    if "/" not in checkpoint.licence:
        return base | {"license": checkpoint.licence}
    return base | {"license": "other", "license_name": checkpoint.licence}


def _languages(provenance: Provenance) -> list[str] | None:
    recipe = RECIPES.get(provenance.training_dataset.lower())
    spoken = "" if recipe is None else recipe.language
    return [code for name, code in _LANGUAGES.items() if name in spoken] or None


def _summary(provenance: Provenance) -> str:
    from kser.models.families import SCRATCH_PREFIX

    start = provenance.model_config["model_path_or_name"]
    checkpoint = named_checkpoint(start)
    if start.startswith(SCRATCH_PREFIX):
        beginning = f"`{start}`, a model without published weights"
    elif checkpoint is not None:
        beginning = f"`{start}` (licence: {checkpoint.licence})"
    else:
        name = expanded(start).name if expanded(start).is_absolute() else start
        beginning = f"`{name}` (licence not known to kser)"
    sentences = [
        f"A model for speech emotion recognition in Keras. It began with {beginning} and learned from "
        f"{provenance.training_dataset}, on {provenance.backend} with kser {provenance.kser_version} and "
        f"Keras {provenance.keras_version}. Run `{provenance.run_fingerprint}`."
    ]
    if provenance.experiment_description:
        sentences.append(provenance.experiment_description)
    return "\n\n".join(sentences)


def _data(provenance: Provenance, split: Path) -> str:
    recipe = RECIPES.get(provenance.training_dataset.lower())
    lines = [f"Corpus: {provenance.training_dataset}."]
    if recipe is not None:
        lines = [
            f"Corpus: {recipe.title}; language: {recipe.language}; licence: {recipe.licence}; "
            f"{recipe.home_page}"
        ]
    if not (split / "split.json").is_file():
        return lines[0]
    facts = read_json(split / "split.json")
    shared = facts.get("shared_speakers", 0)
    lines.append(
        f"Split: {facts['scheme']}. "
        + (
            f"In several parts at once: {counted(shared, 'speaker')}."
            if shared
            else "No speaker is in two parts."
        )
    )
    header = list(dict.fromkeys(name for part in facts["parts"] for name in part))
    rows = [[part.get(name, "") for name in header] for part in facts["parts"]]
    lines += [markdown_table(header, rows).strip(), "Speakers:"]
    lines.append(
        "\n".join(
            f"- {part['part']}: {_speakers(split / (part['part'] + '.csv'))}" for part in facts["parts"]
        )
    )
    return "\n\n".join(lines)


def _speakers(part: Path) -> str:
    """Which speakers a part has; of very many only how many."""
    if not part.is_file():
        return "not recorded"
    table = pd.read_csv(part, dtype=str, keep_default_na=False)
    names = sorted(set(table["actor"])) if "actor" in table else []
    if len(names) > _MOST_SPEAKERS:
        return f"{len(names)}, named in split/{part.name} of the run"
    return ", ".join(names) or "none"


def _settings(provenance: Provenance) -> str:
    defaults = {
        name: field.get_default(call_default_factory=True) for name, field in ModelConfig.model_fields.items()
    }
    settings = {
        name: value
        for name, value in provenance.model_config.items()
        if name not in _NOT_SHOWN and value != defaults.get(name)
    }
    audio = {
        name: value for name, value in provenance.audio.items() if name != "skipped" and value is not None
    }
    rows = [(f"`{name}`", f"`{json.dumps(value)}`") for name, value in settings.items()]
    rows += [(f"audio: `{name}`", f"`{json.dumps(value)}`") for name, value in audio.items()]
    rows += [(f"`{name}`", f"`{json.dumps(value)}`") for name, value in provenance.augmentation.items()]
    return markdown_table(("setting", "value"), rows, text_columns=2)


def _results(provenance: Provenance, run: Path) -> list[_Result]:
    """The evaluations of the model alone that stand in the folder of its run, by test set."""
    found = []
    for folder in sorted((run / EVALUATION).glob("*/")):
        for kind in [target.evaluation.report for target in provenance.task.targets]:
            report = read_json(folder / kind.file) if (folder / kind.file).is_file() else {}
            if report and not report.get("models"):
                found.append((str(report.get("dataset_name", folder.name)), kind, report))
    return found


def _results_table(results: list[_Result]) -> str:
    if not results:
        return "This model has not been evaluated yet; `kser eval` writes its results here."
    rows = []
    for dataset, kind, report in results:
        level = (report.get("intervals") or {}).get("level", 0.95)
        for measure in kind.measures:
            value = report.get(measure.name)
            rows.append(
                (
                    dataset,
                    measure.display_name,
                    "not defined" if value is None else f"{value:.3f}",
                    _interval((report.get("intervals") or {}).get(measure.name), level),
                    report.get("n", ""),
                )
            )
    header = ("test set", "measure", "value", "interval over speakers", "utterances")
    return markdown_table(header, rows, text_columns=2)


def _interval(bounds: list[float] | None, level: float) -> str:
    return "none" if bounds is None else f"{bounds[0]:.3f} to {bounds[1]:.3f} ({level:.0%})"
