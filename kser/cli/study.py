"""`kser check`, `kser train`, `kser eval` and `kser version`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import kser
from kser.cli.executors import Execution, ExecutorName
from kser.cli.options import one_path, option, path_argument, required_path
from kser.cli.terminal import console
from kser.console import loud, print_line
from kser.errors import UserError
from kser.startup import check_backend, import_keras

RUN_FILE = Path("run.json")

ExperimentFile = Annotated[Path | None, option("experiment_file", "The same as FILE.")]
LowSeed = Annotated[int | None, option("low_seed", "First seed, in place of cross_validation.")]
HighSeed = Annotated[int | None, option("high_seed", "Last seed, itself included.")]


class BadAudio(StrEnum):
    """What is done with audio files that cannot be used."""

    ERROR = "error"
    SKIP = "skip"


def train(
    file: Annotated[
        Path | None,
        path_argument(
            "FILE", "Experiment JSON (default: run.json of the working folder, else the embedded quickstart)."
        ),
    ] = None,
    experiment_file: ExperimentFile = None,
    low_seed: LowSeed = None,
    high_seed: HighSeed = None,
    executor: Annotated[
        ExecutorName, option("executor", "Where the runs are done: on this machine, a Ray cluster or SLURM.")
    ] = ExecutorName.LOCAL,
    workers: Annotated[
        int | None,
        option(
            "workers",
            "How many runs at once (default: 1 on this machine, else as many as the cluster allows).",
        ),
    ] = None,
    num_cpus: Annotated[int | None, option("num_cpus", "Processors of a run, of ray and slurm.")] = None,
    num_gpus: Annotated[int | None, option("num_gpus", "GPUs of a run, of ray and slurm.")] = None,
    ray_address: Annotated[
        str | None,
        option(
            "ray_address",
            "Address of the Ray cluster: auto or HOST:PORT (default: start one on this machine).",
        ),
    ] = None,
    slurm_options: Annotated[
        str | None,
        option("slurm_options", "Options of sbatch for all jobs, in quotes."),
    ] = None,
    dry_run: Annotated[
        bool, option("dry_run", "Print the scripts for SLURM; nothing is written or submitted.")
    ] = False,
) -> None:
    """Train all models of an experiment, and evaluate them.

    Finished runs are skipped, an interrupted one continues where it was.
    """
    from kser.experiment.config.loading import load_experiment

    check_backend()
    execution = Execution(executor, workers, num_cpus, num_gpus, ray_address, slurm_options, dry_run)
    seeds = _seed_range(low_seed, high_seed)
    shown_on = console()
    experiment = load_experiment(
        one_path(file, experiment_file, "experiment_file") or _default_experiment(shown_on),
        start_keras=import_keras,
    )
    import_keras()
    from kser.cli.study_display import StudyDisplay

    with StudyDisplay(shown_on) as display:
        execution.train(experiment, seeds, display)


def check(
    file: Annotated[
        Path | None, path_argument("FILE", "Experiment JSON (default: run.json of the working folder).")
    ] = None,
    experiment_file: ExperimentFile = None,
    low_seed: LowSeed = None,
    high_seed: HighSeed = None,
    no_audio: Annotated[
        bool, option("no_audio", "Read no audio: quick, but lengths and damaged files remain unknown.")
    ] = False,
    strict: Annotated[
        bool,
        option(
            "strict",
            "End with status 2 also where something is yet to be obtained or a warning is given.",
        ),
    ] = False,
) -> None:
    """Check an experiment, and show what training would do.

    Its files, data and checkpoints are checked; nothing is trained and no result written. Mistakes end with
    status 2, a line each; what puts results in question and what is not on this machine yet is listed.
    """
    from kser.experiment.config.loading import load_experiment

    check_backend()
    seeds = _seed_range(low_seed, high_seed)
    given = one_path(file, experiment_file, "experiment_file")
    if given is None and not RUN_FILE.is_file():
        raise UserError(f"give an experiment file; {RUN_FILE} not found here")
    shown_on = console()
    experiment = load_experiment(given or RUN_FILE, start_keras=import_keras)
    import_keras()
    from kser.cli.plan_display import show_plan
    from kser.cli.study_display import StudyDisplay
    from kser.experiment.checking.study_check import check_study

    with StudyDisplay(shown_on) as display:
        result = check_study(experiment, seeds, audio=not no_audio, progress=display)
    with loud(shown_on):
        show_plan(result, shown_on)
    stops = [*result.mistakes, *([*result.to_obtain, *result.warnings] if strict else [])]
    if stops:
        raise UserError("\n".join(stops))


def evaluate(
    rows: Annotated[
        Path | None,
        path_argument("PATH", "Evaluation CSV, written by training or by hand, or a folder of them."),
    ] = None,
    eval_path: Annotated[Path | None, option("eval_path", "The same as PATH.")] = None,
    redo: Annotated[bool, option("redo", "Evaluate again what was evaluated before.")] = False,
    on_bad_audio: Annotated[
        BadAudio, option("on_bad_audio", "Whether files that cannot be used are an error or are left out.")
    ] = BadAudio.ERROR,
    audio_cache: Annotated[Path | None, option("audio_cache", "Folder for decoded audio.")] = None,
    by: Annotated[
        list[str] | None,
        option(
            "by",
            "Column of the test sets whose groups are compared, besides gender; may be repeated.",
            metavar="COLUMN",
        ),
    ] = None,
) -> None:
    """Evaluate trained models on test sets, and summarise over seeds."""
    from kser.experiment.evaluating.evaluation_csv import evaluation_csvs, read_evaluation_csv

    check_backend()
    source = required_path(rows, eval_path, "eval_path")
    for path in evaluation_csvs(source):
        read_evaluation_csv(path)
    import_keras()
    from kser.cli.study_display import StudyDisplay
    from kser.experiment.study.evaluation import evaluate as evaluate_rows

    with StudyDisplay(console()) as display:
        evaluate_rows(
            source,
            by=by or (),
            redo=redo,
            on_bad_audio=on_bad_audio.value,
            audio_cache=audio_cache,
            progress=display,
        )


def version() -> None:
    """Print the version."""
    typer.echo(kser.__version__)


def _seed_range(low_seed: int | None, high_seed: int | None) -> range | None:
    """The seeds from the first to the last one, itself included; `None` where neither is given.

    Raises:
        UserError: one is given without the other, or there is no seed between them.
    """
    if low_seed is None and high_seed is None:
        return None
    if low_seed is None or high_seed is None:
        raise UserError("--low-seed and --high-seed: give both, or neither to take cross_validation")
    from kser.experiment.config.field_types import LARGEST_SEED

    if not 0 <= low_seed <= high_seed <= LARGEST_SEED:
        given = f"--low-seed {low_seed} --high-seed {high_seed}"
        raise UserError(f"{given}: must be 0 ≤ low_seed ≤ high_seed ≤ {LARGEST_SEED}")
    return range(low_seed, high_seed + 1)


def _default_experiment(shown_on: Any) -> Path:
    if RUN_FILE.is_file():
        print_line(shown_on, f"running {RUN_FILE} of this folder")
        return RUN_FILE
    from kser.experiment.quickstart import CORPUS_FOLDER, prepare_quickstart

    print_line(
        shown_on,
        f"no experiment file given and no {RUN_FILE} here: running the quickstart on synthetic speech in "
        f"{CORPUS_FOLDER.parent}/ (to try kser out, no benchmark)",
    )
    return prepare_quickstart()
