"""Whether test sets fit the models, said before training by the code that evaluates them."""

from collections.abc import Mapping, Sequence
from typing import Any

from kser.errors import UserError
from kser.experiment.checking.checkpoints import find_checkpoint
from kser.experiment.config.model_config import ModelConfig
from kser.experiment.evaluating.test_sets import TestSet, read_test_set
from kser.experiment.runs.planning import Run, first_runs
from kser.experiment.runs.published_model import trained_head_names
from kser.experiment.runs.run_data import RunData
from kser.experiment.tasks.target import ClassChoice
from kser.files import expanded

Head = Mapping[str, Any]
"""What the head of a model is for, see `kser.experiment.tasks.target.Target.head`."""


def known_heads(data: Mapping[tuple[str, int], RunData], runs: Sequence[Run]) -> dict[str, Head]:
    """The heads of models, as far as they can be known before training.

    Args:
        data: of runs, by model and seed.
        runs: of one experiment.

    Returns:
        By model: of those that are trained what the data say, of those that are evaluated as they are what
        the files on this machine say.
    """
    heads: dict[str, Head] = {model: of_run.head for (model, _), of_run in data.items()}
    own = {run.paths.model for run in runs}
    for name, run in first_runs(runs).items():
        if not run.model.is_trained:
            heads.pop(name, None)
            is_to_come = expanded(run.model.model_path_or_name).absolute() in own
            if not is_to_come and (head := _saved_head(run)) is not None:
                heads[name] = head
    return heads


def check_test_set(test_set: TestSet, model: ModelConfig, head: Head | None, notes: list[str]) -> None:
    """Make sure that the metadata are right: numbers, labels, and the names that its classes are given.

    Args:
        test_set: whose file is here.
        model: that is evaluated on it.
        head: of the model, where it is known.
        notes: gets what is taken for what, a line each.

    Raises:
        UserError: they have mistakes, or the model knows none of the classes.
    """
    task, source = model.task, str(test_set.test_csv)
    metadata = read_test_set(test_set.test_csv, task, model.input_column, test_set.table_format)
    notes += metadata.notes
    if head is None:
        task.read(metadata.table, source)
        return
    for target in task.targets:
        truth = target.truth(metadata.table, head, test_set.choice, source)
        notes += [f"{source}: {line}" for line in target.naming_notes(truth.facts)]


def check_test_part(run: Run, data: RunData, head: Head) -> None:
    """Make sure that a model which is evaluated as it is knows something of the test part of the corpus.

    Raises:
        UserError: it knows none of the classes.
    """
    choice = ClassChoice(normalize=run.config.normalize_metadata)
    for target in run.model.task.targets:
        target.truth(data.rows("test"), head, choice, f"{run.data_csv}, test part of seed {run.seed}")


def _saved_head(run: Run) -> Head | None:
    """Of a model that is on this machine; building it says what is wrong with others."""
    name = str(expanded(run.model.model_path_or_name.removeprefix("hf://")))
    try:
        if find_checkpoint(name).has_weights:
            return trained_head_names(name, run.model.task.model_class)
    except UserError:
        pass
    return None
