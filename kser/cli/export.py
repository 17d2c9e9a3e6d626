"""`kser export`: a trained model for programs that have no kser."""

from pathlib import Path
from typing import Annotated

import typer

from kser.cli.options import option
from kser.cli.terminal import console
from kser.console import print_line, print_note
from kser.startup import check_backend, import_keras


def export(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of a trained model.", show_default=False)
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="DST", help="Folder of a SavedModel, or file of another format.", show_default=False
        ),
    ],
    format_name: Annotated[
        str,
        option("format", "saved_model, onnx, litert or openvino (with an extra of kser).", metavar="FORMAT"),
    ] = "saved_model",
    quantize: Annotated[
        str | None,
        option("quantize", "int8: weights of onnx and litert as 8-bit integers.", metavar="INT8"),
    ] = None,
    test_set: Annotated[
        Path | None,
        option("test_set", "Metadata CSV on which the change of UAR by --quantize is measured."),
    ] = None,
) -> None:
    """Export a trained model as one graph for other programs.

    The graph takes raw waveforms and returns probabilities. It is loaded again and compared with kser on
    recordings of 0.5 to 30 seconds, alone and padded, and deleted if a probability differs by more than
    0.0001. The gain and the cost of 8-bit integers are measured and reported.
    """
    check_backend()
    import_keras()
    from kser.experiment.runs.model_folders import model_folder
    from kser.progress_bar import bar_of_reports
    from kser.serving.export.exporting import export_model

    shown_on = console()
    with bar_of_reports(shown_on, "computing the test set with both models", "recordings") as report:
        exported = export_model(
            model_folder(model),
            target,
            format_name,
            lambda line: print_line(shown_on, f"{line} …"),
            quantize,
            test_set,
            report,
        )
    in_float32 = "" if exported.quantized is None else "in float32 "
    print_line(
        shown_on,
        f"{exported.path}: {exported.bytes / 1e6:.1f} MB, {in_float32}equal to kser's probabilities within "
        f"{exported.difference:.1g}",
    )
    for line in exported.quantized.lines() if exported.quantized else ():
        print_note(shown_on, line, style="")
