"""`kser worker`: what executors start; people have no use for it."""

from pathlib import Path
from typing import Annotated

from kser.cli.options import option
from kser.cli.terminal import console
from kser.errors import UserError
from kser.startup import check_backend, import_keras


def worker(
    connection: Annotated[
        int | None, option("connection", "Descriptor of the connection to the driver.")
    ] = None,
    tasks: Annotated[Path | None, option("tasks", "File with the tasks of a study.")] = None,
    number: Annotated[int | None, option("number", "Of the task to do.")] = None,
    evaluate: Annotated[bool, option("evaluate", "Evaluate what the tasks have trained.")] = False,
) -> None:
    """Do runs of a study that `kser train` hands out, or one of a file."""
    check_backend()
    import_keras()
    if connection is not None:
        from multiprocessing.connection import Connection

        from kser.experiment.executors.worker import serve

        serve(Connection(connection))
    elif tasks is not None:
        _do_of_file(tasks, None if evaluate else number)
    else:
        raise UserError("kser train --executor starts this command; give --connection or --tasks")


def _do_of_file(file: Path, number: int | None) -> None:
    """Do one of the tasks, or evaluate all where there is no number."""
    from kser.cli.study_display import StudyDisplay
    from kser.experiment.executors.slurm import evaluate_tasks
    from kser.experiment.executors.task_file import read_tasks
    from kser.experiment.study.events import RunEnded, RunStarted

    tasks = read_tasks(file)
    with StudyDisplay(console()) as display:
        if number is None:
            evaluate_tasks(tasks, file.parent, display)
            return
        run = tasks[number].run
        display(RunStarted(run.title, number + 1, len(tasks), run.shown_metric))
        result = tasks[number].do(display)
        display(RunEnded(run.title, result))
    if result.failed:
        raise UserError(result.error)
