"""`kser augment`: examples of an experiment's augmentations, to listen to and to look at."""

from pathlib import Path
from typing import Annotated

import typer

from kser.cli.options import console, option
from kser.startup import choose_backend, import_keras


def augment(
    experiment_file: Annotated[Path, option("experiment_file", "Experiment JSON with augmentations.")],
    output_path: Annotated[
        Path, option("output_path", "Folder to write: a new one, or one with earlier examples.")
    ],
    n: Annotated[int, option("n", "How many utterances of the training part.")] = 3,
) -> None:
    """Write utterances as they are and augmented, as WAV files with a picture of the spectrogram each.

    They are drawn by the first seed, and augmented as in the first epoch; index.csv says which file is what.
    """
    from kser.experiment.config.loading import load_experiment

    choose_backend()
    experiment = load_experiment(experiment_file)
    import_keras()
    from kser.experiment.augmentation_examples.writing import write_examples

    shown_on = console()
    index = write_examples(experiment, n, output_path, shown_on)
    typer.echo(f"examples: {index}")
