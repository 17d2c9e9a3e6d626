"""`kser embed`: what the layers of models make of recordings, as arrays in a folder."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kser.cli.options import BAD_RECORDINGS_STATUS, option
from kser.cli.terminal import complain, console, progress_console, warn
from kser.console import print_line
from kser.errors import UserError
from kser.startup import check_backend, import_keras
from kser.words import counted

if TYPE_CHECKING:
    from kser.representations.embedding.store import Store


def embed(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Folders of trained models, runs or studies (all models in them), or published checkpoints: "
            "folders or names.",
            show_default=False,
        ),
    ],
    data: Annotated[Path, option("data", "Metadata CSV of the recordings.")],
    output: Annotated[
        Path,
        option(
            "output",
            "Folder to write; each of several models gets a subfolder. The same command continues it.",
        ),
    ],
    layers: Annotated[
        str,
        option("layers", "Numbers of hidden states; 0 is the input of the first layer.", metavar="all|1,3,5"),
    ] = "all",
    pool: Annotated[
        str,
        option(
            "pool",
            "How frames are pooled into a vector; padding never counts.",
            metavar="mean|max|first_last|mean+std",
        ),
    ] = "mean",
    dtype: Annotated[
        str,
        option("dtype", "Data type of the arrays; float16 takes half the space.", metavar="float32|float16"),
    ] = "float32",
    checkpoints: Annotated[
        bool,
        typer.Option(
            "--checkpoints",
            help="Include the states that keep_states_every kept of each model's run.",
        ),
    ] = False,
    batch_size: Annotated[int, option("batch_size", "Recordings per batch.")] = 8,
    input_column: Annotated[str, option("input_column", "Column of the metadata with the audio.")] = "path",
) -> None:
    """Write the hidden states of all layers for many recordings.

    Each is pooled over the frames of a recording.

    A folder has a NumPy file for each layer, an index CSV with all columns of the metadata, and a JSON file
    that says what they are. Files that cannot be used are named and passed over; the exit status is 1 then.
    """
    check_backend()
    numbers = _layer_numbers(layers)
    if batch_size < 1:
        raise UserError(f"--batch-size {batch_size}: must be at least 1")
    from kser.corpora.metadata import read_recordings
    from kser.experiment.runs.model_folders import model_folders
    from kser.files import expanded
    from kser.representations.embedding.store_names import store_names

    table = read_recordings(data, input_column)
    found = model_folders(models, with_states=checkpoints)
    folder = expanded(output)
    folders = [folder] if len(found) == 1 else [folder / name for name in store_names(found)]
    import_keras()
    from kser.representations.embedding.embedding import embed_to_store

    are_bad = False
    for number, (model, place) in enumerate(zip(found, folders, strict=True), 1):
        which = f"[{number}/{len(found)}] " if len(found) > 1 else ""
        with _progress(f"{which}hidden states of {model}", len(table)) as show:
            store = embed_to_store(
                model,
                table,
                place,
                source=str(data.absolute()),
                layers=numbers,
                pool=pool,
                dtype=dtype,
                batch_size=batch_size,
                show=show,
                say=warn,
            )
        _tell(store)
        are_bad |= bool(len(store.passed_over))
    if are_bad:
        raise typer.Exit(BAD_RECORDINGS_STATUS)


def _layer_numbers(layers: str) -> list[int] | None:
    if layers == "all":
        return None
    numbers = [number.strip() for number in layers.split(",")]
    if not all(number.isdecimal() for number in numbers):
        raise UserError(f"--layers {layers}: must be all, or numbers with commas between them")
    return [int(number) for number in numbers]


def _progress(title: str, total: int) -> "AbstractContextManager[Callable[[float], None]]":
    from kser.progress_bar import progress_bar

    return progress_bar(progress_console(), title, total, "files")


def _tell(store: "Store") -> None:
    for reason in store.passed_over["reason"]:
        complain(reason)
    facts = store.facts
    layers = f"{len(facts['layers'])} of {facts['num_layers'] + 1} hidden states"
    print_line(
        console(),
        f"{store.folder}: {counted(facts['recordings'], 'recording')}, {layers} of {facts['model']}, "
        f"{facts['pool']}, {facts['dtype']}",
    )
