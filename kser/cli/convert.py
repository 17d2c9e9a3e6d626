"""`kser convert`: published checkpoints as KerasHub presets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kser.cli.options import option
from kser.cli.terminal import console
from kser.console import aligned, loud, print_line
from kser.errors import UserError
from kser.startup import check_backend, import_keras

if TYPE_CHECKING:
    from kser.models.preset_writing import LoadedSource
    from kser.models.verification import StateComparison

_LIST_HEADER = ("name", "parameters", "Hz", "licence", "revision", "arXiv", "checkpoint")
_SHOWN_DIGITS_OF_A_COMMIT = 10


def convert(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SRC",
            help="Hugging Face id (owner/name, @revision may follow), folder in its layout, KerasHub preset, "
            "or a name of --list.",
        ),
    ] = None,
    destination: Annotated[
        Path | None, typer.Argument(metavar="DST", help="Folder for the preset, a new one.")
    ] = None,
    verify: Annotated[
        bool,
        option(
            "verify",
            "Compare the hidden states of every layer, and the outputs of a head, with those of transformers "
            "(extra torch); write nothing where they differ by more than rounding. An existing "
            "preset is only compared.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, option("overwrite", "Replace a preset that this command has written before.")
    ] = False,
    list_names: Annotated[
        bool, option("list", "List the published checkpoints that have a short name, and do nothing else.")
    ] = False,
) -> None:
    """Write a published checkpoint as a KerasHub preset.

    Backbone, preprocessor and, where the checkpoint has one, the trained head, without PyTorch. The preset
    loads on every backend with `SpeechBackbone.from_preset(DST)` or, with its head,
    `EmotionTask.from_preset(DST)`, and a model JSON or an evaluation CSV may name it.
    """
    if list_names:
        _list_checkpoints()
        return
    if source is None or destination is None:
        raise UserError(
            "convert: requires SRC and DST, e.g. kser convert wav2vec2_base presets/wav2vec2_base"
        )
    check_backend()
    import_keras()
    from kser.models.preset_writing import check_destination, is_written_preset
    from kser.models.verification import require_transformers

    if verify:
        require_transformers()
    shown_on = console()
    if verify and not overwrite and is_written_preset(destination):
        print_line(shown_on, f"{destination}: exists; it is compared, and nothing is written")
        _verify_written(source, destination, shown_on)
        return
    check_destination(destination, overwrite)
    _convert(source, destination, verify, shown_on)


def _convert(source: str, destination: Path, verify: bool, shown_on: Any) -> None:
    from kser.files import replacing
    from kser.models.preset_writing import load_source, write_preset
    from kser.progress_bar import bar_of_reports

    with bar_of_reports(shown_on, f"Reading {source}", "tensors") as advance:
        loaded = load_source(source, advance)
    for line in _summary(loaded):
        print_line(shown_on, line)
    with replacing(destination) as draft:
        write_preset(loaded, draft)
        if verify:
            _verify(loaded.checkpoint, source, draft, shown_on)
    print_line(shown_on, f"{destination}: written")


def _verify_written(source: str, preset: Path, shown_on: Any) -> None:
    """Compare a preset from before with the checkpoint."""
    from kser.models.preset_loader import CheckpointLoader, preset_loader

    loader = preset_loader(source)
    _verify(loader.checkpoint if isinstance(loader, CheckpointLoader) else None, source, preset, shown_on)


def _verify(checkpoint: Any, source: str, preset: Path, shown_on: Any) -> None:
    """Print the differences from transformers.

    Raises:
        UserError: they are too large.
    """
    from kser.models.verification import compare_with_transformers
    from kser.progress_bar import bar_of_reports

    if checkpoint is None:
        raise UserError(f"{source}: is a KerasHub preset; only published checkpoints load in transformers")
    if checkpoint.has_adapter:
        raise UserError(
            f"{source}: has a PEFT adapter, which transformers does not merge by itself; merge it with PEFT "
            "(merge_and_unload) and convert that to compare, or leave --verify out"
        )
    _quieten_transformers()
    with bar_of_reports(shown_on, "Comparing with transformers", "passes") as advance:
        rows = compare_with_transformers(checkpoint.local_folder(), preset, comparison_utterances(), advance)
    with loud(shown_on):
        _print_comparison(rows, shown_on)
    worst = max(rows, key=lambda row: row.worst.excess)
    if not worst.worst.holds:
        raise UserError(f"{source}: differs from transformers {_difference(worst)}")
    print_line(
        shown_on,
        f"equal but for rounding: the largest error, of {worst.place}, is {worst.worst.excess:.2g} of the "
        "allowed one",
    )


def _difference(row: "StateComparison") -> str:
    """What is wrong at one place, in words."""
    found, allowed, rounding = row.worst.deviation, row.worst.allowed, row.worst.rounding
    own = ""
    if rounding is not None:
        own = f" (its own float32: {rounding.relative:.1e} and {rounding.local:.1e})"
    return (
        f"at {row.place}, where values reach {row.worst.magnitude:.3g}: relative error {found.relative:.1e}, "
        f"{allowed.relative:.1e} is allowed; local error {found.local:.1e}, {allowed.local:.1e} is allowed"
        f"{own}"
    )


def _quieten_transformers() -> None:
    """Silence its report of heads that `AutoModel` leaves out; the summary has it."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def comparison_utterances() -> list[Any]:
    """Three synthetic voices of different lengths, at 16 kHz as every checkpoint of the table takes it."""
    import numpy as np

    from kser.corpora.synthetic import EMOTIONS, SENTENCES, SPEAKERS, synthesise_utterance

    rng = np.random.default_rng(0)
    lengths = (16_001, 9_600, 6_400)
    manners = zip(lengths, SPEAKERS[::4], EMOTIONS.values(), SENTENCES.values(), strict=False)
    return [
        synthesise_utterance(speaker, emotion, sentence, rng)[:length]
        for length, speaker, emotion, sentence in manners
    ]


def _summary(loaded: "LoadedSource") -> list[str]:
    """What was read, and what was not."""
    from kser.checkpoints.left_over_tensors import in_short
    from kser.models.speech_audio_converter import assumed_format

    facts = loaded.facts
    lines = [f"{facts.source}: {facts.architecture}, {facts.parameters / 1e6:.1f} million parameters"]
    if loaded.checkpoint is not None:
        others = loaded.checkpoint.other_weights_files()
        lines.append(
            f"weights: {facts.weights_file}"
            + (f" at {facts.commit}" if facts.commit else "")
            + (f" (also found, and not read: {', '.join(others)})" if others else "")
        )
        if loaded.checkpoint.has_adapter:
            lines.append("adapter: LoRA, merged into the weights")
        if assumption := assumed_format(loaded.checkpoint):
            lines.append(f"audio: {assumption}")
    if facts.licence:
        lines.append(f"licence: {_licence(facts.source, facts.licence)}")
    if loaded.task is not None:
        names = [
            name for argument in loaded.task.new_head_arguments for name in getattr(loaded.task, argument)
        ]
        lines.append(f"head: {type(loaded.task).__name__}: {', '.join(names)}")
    if loaded.left_over.expected:
        lines.append(f"without the head: {in_short(loaded.left_over.expected)}")
    return lines


def _licence(name: str, licence: str) -> str:
    from kser.checkpoints.named_checkpoints import named_checkpoint

    known = named_checkpoint(name)
    return f"{licence} (no commercial use)" if known and known.forbids_commercial_use else licence


def _print_comparison(rows: "list[StateComparison]", shown_on: Any) -> None:
    """A row a place: the relative errors, then, of what is nearest to its limit, the local one."""
    from rich.table import Table

    title = "relative error against transformers in float64 (theirs: of its own float32)"
    table = Table(title=title, box=None, title_justify="left", pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("alone", "padded", "theirs", "allowed", "local", "allowed", "|value|"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        worst = row.worst
        numbers = (
            row.alone.deviation.relative,
            row.padded and row.padded.deviation.relative,
            worst.rounding and worst.rounding.relative,
            worst.allowed.relative,
            worst.deviation.local,
            worst.allowed.local,
        )
        cells = ("" if number is None else f"{number:.1e}" for number in numbers)
        table.add_row(row.place, *cells, f"{worst.magnitude:.3g}")
    shown_on.print(table)


def _list_checkpoints() -> None:
    """The table of short names; long lines stay whole, for other programs."""
    from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS

    rows = [_LIST_HEADER] + [
        (
            checkpoint.name,
            f"{checkpoint.parameters / 1e6:.0f} M",
            str(checkpoint.sampling_rate_hz),
            _licence(checkpoint.name, checkpoint.licence),
            checkpoint.revision[:_SHOWN_DIGITS_OF_A_COMMIT],
            checkpoint.paper,
            checkpoint.repository,
        )
        for checkpoint in NAMED_CHECKPOINTS.values()
    ]
    shown_on = console()
    with loud(shown_on):
        for number, line in enumerate(aligned(rows, texts=len(_LIST_HEADER))):
            print_line(shown_on, line, style="" if number else "bold")
