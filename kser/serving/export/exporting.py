"""Exporting a trained model: written, loaded again, compared with kser, and only then kept."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kser
from kser.audio.processing import as_setting
from kser.errors import UserError
from kser.files import expanded
from kser.serving.export.comparison import cases, check_difference, largest_difference
from kser.serving.export.formats import FACTS_FILE, FORMATS, ExportFormat
from kser.serving.export.subprocesses import run_module
from kser.serving.loaded_model import LoadedModel

Say = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file or folder.
        difference: the largest one from kser's own probabilities.
        bytes: of everything written.
    """

    path: Path
    difference: float
    bytes: int


def export_model(
    folder: Path, target: str | Path, format_name: str, say: Say = lambda line: None
) -> Exported:
    """Export a trained model.

    Args:
        folder: of the model, or the name of a published one with a trained head.
        target: the file or folder to write; what is there is replaced.
        format_name: a key of `FORMATS`.
        say: is told what is being done.

    Raises:
        UserError: the format is unknown or its packages are missing, the model cannot be exported, or what
            was written says something else than kser; then nothing is left.
    """
    form = _format(format_name)
    path = _checked_target(expanded(target), form)
    say(f"loading {folder}")
    model = LoadedModel.load(folder)
    _check_exportable(model)
    with tempfile.TemporaryDirectory(prefix="kser_export_") as name:
        workspace = Path(name)
        say("tracing the model with TensorFlow")
        saved_model = workspace / "saved_model"
        run_module("kser.serving.export.serving_graph", folder, saved_model, backend="tensorflow")
        say(f"writing {form.name}")
        draft = workspace / f"model{form.suffix}"
        form.write(saved_model, draft, export_facts(model))
        say("comparing it with kser")
        difference = largest_difference(form.name, draft, model, cases(model), workspace)
        check_difference(difference, path)
        form.move(draft, path)
    return Exported(path, difference, _bytes_of(path))


def export_facts(model: LoadedModel) -> dict[str, Any]:
    """What a user of an exported model must know, ready for JSON."""
    provenance, audio = model.provenance, model.format
    return {
        "kser_version": kser.__version__,
        "model": Path(model.name).name if not provenance.experiment_name else provenance.experiment_name,
        "outputs": {target.output: model.names(target) for target in model.task.targets},
        "temperature": {
            target.output: model.provenance.temperature(target.output)
            for target in model.task.targets
            if target.evaluation.activation is not None
        },
        "activations": {
            target.output: target.evaluation.activation
            for target in model.task.targets
            if target.evaluation.activation is not None
        },
        "calibration": provenance.calibration,
        "sampling_rate": audio.sampling_rate,
        "minimum_samples": audio.minimum_samples,
        "maximum_samples": model.maximum_samples,
        "recordings": {
            name: model.format.processing.chosen().get(name)
            for name in ("min_seconds", "max_seconds", "too_long")
        },
        "padding_counts_as_sound": not audio.mask_padding,
        "trained_on": provenance.training_dataset,
        "seed": provenance.seed,
        "backend": provenance.backend,
        "run_fingerprint": provenance.run_fingerprint,
        "split_fingerprint": provenance.split_fingerprint,
    }


def _format(name: str) -> ExportFormat:
    if name not in FORMATS:
        raise UserError(f"--format {name}: unknown; must be one of {', '.join(FORMATS)}")
    FORMATS[name].check_installed()
    return FORMATS[name]


def _checked_target(path: Path, form: ExportFormat) -> Path:
    if path.suffix != form.suffix and form.suffix:
        raise UserError(f"{path}: {form.name} is a file that ends with {form.suffix}")
    if form.suffix and path.is_dir():
        raise UserError(f"{path}: is a folder, where a file is to be written")
    if not form.suffix and path.exists() and not _is_earlier_export(path):
        raise UserError(f"{path}: exists and is no exported model; name a folder that does not exist yet")
    return path


def _is_earlier_export(path: Path) -> bool:
    return any(path.glob(f"*/assets.extra/{FACTS_FILE}"))


def _check_exportable(model: LoadedModel) -> None:
    """Raise a `UserError` where the model does something to recordings that the graph does not."""
    if steps := model.format.processing.sound_steps:
        named = ", ".join(f"{name} {as_setting(value)}" for name, value in steps.items())
        raise UserError(
            f"{model.name}: cannot be exported: it was trained on recordings that kser processed ({named}), "
            "which is no part of the graph; train it without"
        )


def _bytes_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
