"""Settings ask for one task, or are told why they do not."""

from itertools import product

import pytest

from kser.experiment.config.model_config import ModelConfig
from kser.experiment.tasks import (
    Classification,
    MultiTask,
    Regression,
    Tagging,
    register_task,
    task_from_settings,
    task_mistakes,
    task_types,
)
from kser.experiment.tasks.class_target import ClassTarget
from kser.experiment.tasks.labels_target import LabelsTarget
from kser.experiment.tasks.numbers_target import NumbersTarget

TASKS = (Classification, Regression, MultiTask, Tagging)
CLASSES = {"task_name": "classification", "output_column": "emotion"}
NUMBERS = {"is_regression": True, "output_column": ["arousal", "valence"]}
LABELS = {"is_multi_label": True, "output_column": ["sad", "loud"]}
BOTH = {"regression_columns": ["arousal"], "output_column": "emotion"}


def settings(**fields):
    """Of a model; not validated, for what is wrong with them is what the tests are about."""
    return ModelConfig.model_construct(name="m", model_path_or_name="scratch:log_mel", **fields)


@pytest.mark.parametrize(
    ("fields", "task_type", "targets"),
    [
        ({}, Classification, (ClassTarget(("class_id",)),)),
        (CLASSES, Classification, (ClassTarget(("emotion",)),)),
        (NUMBERS, Regression, (NumbersTarget(("arousal", "valence")),)),
        (LABELS, Tagging, (LabelsTarget(("sad", "loud")),)),
        (BOTH, MultiTask, (ClassTarget(("emotion",)), NumbersTarget(("arousal",)))),
        (
            {"task_name": "regression", "output_column": "arousal"},
            Regression,
            (NumbersTarget(("arousal",)),),
        ),
        ({"task_name": "tagging", **LABELS}, Tagging, (LabelsTarget(("sad", "loud")),)),
    ],
)
def test_settings_ask_for_a_task_by_its_name_or_by_its_switch(fields, task_type, targets):
    task = task_from_settings(settings(**fields))
    assert type(task) is task_type
    assert task.targets == targets
    assert task == settings(**fields).task


def test_every_combination_of_switches_is_one_task_or_is_refused():
    for name, numbers, labels, beside, columns in product(
        (None, *(task.name for task in TASKS)),
        (False, True),
        (False, True),
        ([], ["valence"]),
        ("class_id", ["class_id"], []),
    ):
        given = settings(
            task_name=name,
            is_regression=numbers,
            is_multi_label=labels,
            regression_columns=beside,
            output_column=columns,
        )
        mistakes = task_mistakes(given)
        assert len(mistakes) == len(set(mistakes))
        if not mistakes:
            task = task_from_settings(given)
            asked = [numbers, labels, bool(beside)]
            assert sum(asked) <= 1
            assert name is None or task.name == name
            assert any(asked) or type(task) is Classification or name is not None
            assert set(task.columns) == {*beside, "class_id"}


@pytest.mark.parametrize("task_type", TASKS, ids=lambda task_type: task_type.name)
def test_a_field_of_one_task_is_refused_by_the_others(task_type):
    own = {
        "use_class_weights": True,
        "label_smoothing": 0.1,
        "focal_gamma": 2.0,
        "regression_loss": "mse",
        "regression_weight": 2.0,
        "use_positive_weights": True,
    }
    base = {"classification": {}, "regression": NUMBERS, "multi-task": BOTH, "tagging": LABELS}[
        task_type.name
    ]
    for field, value in own.items():
        mistakes = task_mistakes(settings(**base, **{field: value}))
        if field in task_type.fields:
            assert mistakes == []
        else:
            (line,) = mistakes
            assert line.startswith(f"{field}: has no effect on {task_type.name}; it is for ")


def test_a_field_that_asks_for_nothing_is_no_mistake():
    fields = {"use_class_weights": False, "label_smoothing": 0.0, "regression_columns": []}
    assert task_mistakes(settings(**NUMBERS, **fields)) == []


def test_an_unknown_task_is_named_with_those_that_are_known():
    (line,) = task_mistakes(settings(task_name="regresion"))
    assert line.startswith("task_name: 'regresion' not found (did you mean 'regression'?); known are ")
    assert all(task.name in line for task in TASKS)


def test_a_task_can_be_registered_from_elsewhere():
    @register_task
    class Ranking(Regression):
        """Regression under another name."""

        name = "ranking of a test"
        switch = None

    assert Ranking in task_types()
    given = settings(task_name="ranking of a test", output_column=["arousal"], regression_loss="mse")
    assert task_mistakes(given) == []
    assert type(given.task) is Ranking


def test_every_task_shows_a_metric_that_it_has():
    for fields in ({}, NUMBERS, LABELS, BOTH):
        task = settings(**fields).task
        assert task.shown_metric in task.metrics
        assert task.metrics[0] == "loss"


@pytest.mark.parametrize("fields", [{}, NUMBERS, LABELS, BOTH])
def test_the_head_of_a_task_is_that_of_its_model(fields):
    task = settings(**fields).task
    assert set(task.typical_head()) == set(task.model_class.new_head_arguments)
