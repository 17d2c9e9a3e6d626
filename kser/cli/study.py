"""`kser check`, `kser train`, `kser eval` and `kser version`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import kser
from kser.cli.options import console, option
from kser.errors import UserError
from kser.startup import choose_backend, import_keras


class BadAudio(StrEnum):
    """What to do with audio files that cannot be used."""

    ERROR = "error"
    SKIP = "skip"


def train(
    experiment_file: Annotated[
        Path | None,
        option(
            "experiment_file",
            "Experiment JSON. Without it: run.json of the working folder, else the embedded quickstart.",
        ),
    ] = None,
    low_seed: Annotated[int | None, option("low_seed", "First seed, in place of cross_validation.")] = None,
    high_seed: Annotated[int | None, option("high_seed", "Last seed, itself included.")] = None,
) -> None:
    """Train all models of an experiment, evaluate them and summarise.

    Runs that are trained already are skipped, an interrupted one continues where it was.
    """
    from kser.experiment.config.loading import load_experiment
    from kser.experiment.runs.planning import check_seed_range

    choose_backend()
    check_seed_range(low_seed, high_seed)
    shown_on = console()
    experiment = load_experiment(experiment_file or _default_experiment(shown_on))
    import_keras()
    from kser.experiment.study.study import train_experiment

    train_experiment(experiment, shown_on, low_seed, high_seed)


def check(
    experiment_file: Annotated[
        Path | None, option("experiment_file", "Experiment JSON. Without it: run.json of the working folder.")
    ] = None,
    low_seed: Annotated[int | None, option("low_seed", "First seed, in place of cross_validation.")] = None,
    high_seed: Annotated[int | None, option("high_seed", "Last seed, itself included.")] = None,
    no_audio: Annotated[
        bool, option("no_audio", "Read no audio: quick, but lengths and damaged files remain unknown.")
    ] = False,
    strict: Annotated[
        bool, option("strict", "End with status 2 also where a corpus or checkpoint is yet to be obtained.")
    ] = False,
) -> None:
    """Check an experiment's files, data and checkpoints, and print what `kser train` would do.

    Nothing is trained and no result written. Mistakes end with status 2, a line each; what is not on this
    machine yet is listed, with how to obtain it.
    """
    from kser.experiment.config.loading import load_experiment
    from kser.experiment.runs.planning import check_seed_range

    choose_backend()
    check_seed_range(low_seed, high_seed)
    file = experiment_file or Path("run.json")
    if experiment_file is None and not file.is_file():
        raise UserError("give --experiment_file; there is no run.json here")
    shown_on = console()
    experiment = load_experiment(file)
    import_keras()
    from kser.experiment.checking.showing import show_plan
    from kser.experiment.checking.study_check import check_study

    found = check_study(experiment, shown_on, low_seed, high_seed, audio=not no_audio)
    show_plan(found, shown_on)
    if found.mistakes or (strict and found.to_obtain):
        raise UserError("\n".join([*found.mistakes, *(found.to_obtain if strict else [])]))


def evaluate(
    eval_path: Annotated[
        Path, option("eval_path", "Evaluation CSV written by training or by hand, or a folder of them.")
    ],
    redo: Annotated[bool, option("redo", "Evaluate again what was evaluated before.")] = False,
    on_bad_audio: Annotated[
        BadAudio, option("on_bad_audio", "Whether files that cannot be used are an error or are left out.")
    ] = BadAudio.ERROR,
    audio_cache: Annotated[Path | None, option("audio_cache", "Folder for decoded audio.")] = None,
    by: Annotated[
        list[str] | None,
        option("by", "Column of the test sets whose groups are compared, besides gender; may be repeated."),
    ] = None,
) -> None:
    """Evaluate trained models on test sets, and summarise over seeds."""
    from kser.experiment.evaluating.evaluation_csv import evaluation_csvs, read_evaluation_csv

    choose_backend()
    for path in evaluation_csvs(eval_path):
        read_evaluation_csv(path)
    import_keras()
    from kser.experiment.study.study import evaluate as evaluate_rows
    from kser.pipeline.audio_cache import AudioCache

    cache = None if audio_cache is None else AudioCache(audio_cache.absolute())
    evaluate_rows(eval_path, console(), on_bad_audio.value, cache, by or (), redo)


def version() -> None:
    """The version of kser."""
    typer.echo(kser.__version__)


def _default_experiment(shown_on: Any) -> Path:
    in_working_folder = Path("run.json")
    if in_working_folder.is_file():
        shown_on.print("running run.json of this folder", highlight=False)
        return in_working_folder
    from kser.experiment.quickstart import CORPUS_FOLDER, prepare_quickstart

    shown_on.print(
        f"no --experiment_file and no run.json here: running the quickstart on synthetic speech in "
        f"{CORPUS_FOLDER.parent}/ (to try kser out, no benchmark)",
        soft_wrap=True,
        highlight=False,
    )
    return prepare_quickstart()
