"""Exporting a trained model: written, loaded again, compared with kser, and only then kept."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import kser
from kser.audio.processing import as_setting
from kser.errors import UserError
from kser.files import expanded, read_json
from kser.serving.export.comparison import ExportedFile, cases, check_difference, largest_difference
from kser.serving.export.formats import FORMATS, INT8, ExportFormat
from kser.serving.export.formats.saved_model import FACTS_FILE, VERSION
from kser.serving.export.quantization import Quantized, TestRecordings, compare_quantized
from kser.serving.export.subprocesses import run_module
from kser.serving.loaded_model import LoadedModel

Say = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file or folder.
        difference: the largest one from kser's own probabilities, in float32.
        bytes: of graph and weights.
        quantized: what quantisation gained and cost, where it was asked for.
    """

    path: Path
    difference: float
    bytes: int
    quantized: Quantized | None = None


def export_model(
    folder: Path,
    target: str | Path,
    format_name: str,
    say: Say = lambda line: None,
    quantize: str | None = None,
    test_set: Path | None = None,
    report: Callable[[float, float], None] = lambda done, total: None,
) -> Exported:
    """Export a trained model.

    Args:
        folder: of the model, or the name of a published one with a trained head.
        target: the file or folder to write; what is there is replaced.
        format_name: a key of `FORMATS`.
        say: is told what is being done, a step each, with its number: "[1/4] loading results/…".
        quantize: `INT8` for weights of matrix products as 8-bit integers.
        test_set: metadata of recordings on which quantisation is judged.
        report: gets how many recordings of the test set are computed, by both models, and of how many.

    Raises:
        UserError: the format is unknown or its packages are missing, the model cannot be exported, or what
            was written in float32 says something else than kser; then nothing is left.
    """
    form = _format(format_name)
    _check_quantization(form, quantize, test_set)
    path = _checked_target(expanded(target), form)
    step = _steps(say, 4 if quantize is None else 5)
    step(f"loading {folder}")
    model = LoadedModel.load(folder)
    _check_exportable(model)
    test = None if test_set is None else TestRecordings.read(expanded(test_set), model)
    with tempfile.TemporaryDirectory(prefix="kser_export_") as name:
        workspace = Path(name)
        step("tracing the model with TensorFlow")
        saved_model = workspace / "saved_model"
        run_module("kser.serving.export.serving_graph", folder, saved_model, backend="tensorflow")
        step(f"writing {form.name}")
        draft, facts = workspace / f"model{form.suffix}", export_facts(model)
        form.write(saved_model, draft, facts)
        step("comparing it with kser")
        float32 = ExportedFile(form.name, draft)
        difference = largest_difference(float32, model, cases(model))
        check_difference(difference, path)
        quantized = None
        if quantize is not None:
            step(f"writing it in {quantize}, and comparing both")
            draft = workspace / f"model_{quantize}{form.suffix}"
            form.write_int8(saved_model, float32.path, draft, facts)
            sizes = (form.bytes(float32.path), form.bytes(draft))
            quantized = compare_quantized(float32, ExportedFile(form.name, draft), sizes, model, test, report)
            form.write_facts(draft, facts | {"quantized": quantized.as_json()})
        form.move(draft, path)
    return Exported(path, difference, form.bytes(path), quantized)


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


def _steps(say: Say, total: int) -> Say:
    """Says steps with their numbers."""
    numbers = count(1)
    return lambda line: say(f"[{next(numbers)}/{total}] {line}")


def _format(name: str) -> ExportFormat:
    if name not in FORMATS:
        raise UserError(f"--format {name}: unknown; must be one of {', '.join(FORMATS)}")
    FORMATS[name].check_installed()
    return FORMATS[name]


def _check_quantization(form: ExportFormat, quantize: str | None, test_set: Path | None) -> None:
    able = ", ".join(name for name, each in FORMATS.items() if each.takes_int8)
    if quantize not in (None, INT8):
        raise UserError(f"--quantize {quantize}: unknown; must be {INT8}")
    if quantize is not None and not form.takes_int8:
        raise UserError(f"--quantize {quantize}: not for {form.name}; the formats that take it are {able}")
    if test_set is not None and quantize is None:
        raise UserError("--test-set: is what --quantize is judged on; give both")


def _checked_target(path: Path, form: ExportFormat) -> Path:
    if path.suffix != form.suffix and form.suffix:
        raise UserError(f"{path}: {form.name} is a file that ends with {form.suffix}")
    if form.suffix and path.is_dir():
        raise UserError(f"{path}: is a folder, where a file is to be written")
    if form.suffix and not _is_of_an_export(path.with_suffix(".json")):
        for suffix in (*form.further_suffixes, ".json"):
            if (beside := path.with_suffix(suffix)).exists():
                raise UserError(
                    f"{beside}: would be replaced, and is not of an exported model; name another DST"
                )
    if not form.suffix and path.exists() and not _is_earlier_export(path):
        raise UserError(
            f"{path}: exists and is no exported model, or holds more than one; name a folder that does not "
            "exist yet"
        )
    return path


def _is_of_an_export(path: Path) -> bool:
    """Whether a file has the facts of an exported model."""
    try:
        return path.is_file() and {"outputs", "minimum_samples"} <= set(read_json(path))
    except (UserError, TypeError):
        return False


def _is_earlier_export(path: Path) -> bool:
    """Whether a folder holds what an export wrote and nothing else, not another version even."""
    if not (path / VERSION / "assets.extra" / FACTS_FILE).is_file():
        return False
    return [each.name for each in path.iterdir()] == [VERSION]


def _check_exportable(model: LoadedModel) -> None:
    """Raise a `UserError` where the model does something to recordings that the graph does not."""
    if steps := model.format.processing.sound_steps:
        named = ", ".join(f"{name} {as_setting(value)}" for name, value in steps.items())
        raise UserError(
            f"{model.name}: cannot be exported: it was trained on recordings that kser processed ({named}), "
            "which is no part of the graph; train it without"
        )
