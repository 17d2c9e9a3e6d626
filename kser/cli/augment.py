"""`kser augment`: examples of an experiment's augmentations, to listen to and to look at."""

from pathlib import Path
from typing import Annotated

import typer

from kser.cli.options import option, path_argument, required_path
from kser.cli.terminal import console
from kser.startup import check_backend, import_keras


def augment(
    output_path: Annotated[
        Path, option("output_path", "Folder to write: a new one, or one with earlier examples.")
    ],
    file: Annotated[Path | None, path_argument("FILE", "Experiment JSON with augmentations.")] = None,
    experiment_file: Annotated[Path | None, option("experiment_file", "The same as FILE.")] = None,
    n: Annotated[int, option("n", "How many utterances of the training part.")] = 3,
) -> None:
    """Write examples of an experiment's augmentations.

    Utterances as they are and augmented, as WAV files with a picture of the spectrogram each. The first seed
    draws them, and they are augmented as in the first epoch; index.csv says which file is what.
    """
    from kser.experiment.config.loading import load_experiment

    check_backend()
    given = required_path(file, experiment_file, "experiment_file")
    experiment = load_experiment(given, start_keras=import_keras)
    import_keras()
    from kser.experiment.augmentation_examples.writing import write_examples

    shown_on = console()
    index = write_examples(experiment, n, output_path, shown_on)
    typer.echo(f"examples: {index}")
