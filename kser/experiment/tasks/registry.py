"""Which tasks there are, and which of them the settings of a model ask for."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from kser.experiment.tasks.task import Task, TaskSettings
from kser.grouping import grouped
from kser.words import did_you_mean

_TASKS: dict[str, type[Task]] = {}
# The task of settings that ask for no other.
_DEFAULT = "classification"

TaskType = TypeVar("TaskType", bound=type[Task])


def register_task(task_type: TaskType) -> TaskType:
    """Class decorator: settings may ask for the task from now on."""
    _TASKS[task_type.name] = task_type
    return task_type


def task_types() -> list[type[Task]]:
    """All kinds of tasks, in the order in which they were registered."""
    return list(_TASKS.values())


def task_from_settings(settings: TaskSettings) -> Task:
    """The task that settings ask for; `task_mistakes` must find nothing wrong with them."""
    return _asked_for(settings)[0].from_settings(settings)


def task_mistakes(settings: TaskSettings) -> list[str]:
    """What the settings of a model ask for that does not fit together, a line each."""
    asked = _asked_for(settings)
    if not asked:
        hint = did_you_mean(str(settings.task_name), list(_TASKS))
        return [f"task_name: {settings.task_name!r} not found{hint}; known are {', '.join(_TASKS)}"]
    if len(asked) > 1:
        switches, names = (
            ", ".join(map(str, named))
            for named in ([task_type.switch for task_type in asked], [task_type.name for task_type in asked])
        )
        return [f"{switches}: ask for different tasks ({names}); keep one of them"]
    (task_type,) = asked
    foreign = _fields_of_other_tasks(task_type, settings)
    if any(line.startswith(f"{other.switch}: ") for other in _TASKS.values() for line in foreign):
        return foreign  # what else is wrong may be right for the other task
    if mistakes := task_type.field_mistakes(settings):
        return mistakes
    return [*foreign, *task_type.from_settings(settings).mistakes(settings)]


def _asked_for(settings: TaskSettings) -> list[type[Task]]:
    """The tasks that settings ask for: one, unless they contradict themselves."""
    if settings.task_name is not None:
        return [_TASKS[settings.task_name]] if settings.task_name in _TASKS else []
    switched_on = [
        task_type
        for task_type in _TASKS.values()
        if task_type.switch is not None and getattr(settings, task_type.switch, None)
    ]
    return switched_on or [_TASKS[_DEFAULT]]


def _fields_of_other_tasks(task_type: type[Task], settings: TaskSettings) -> list[str]:
    """Fields that are given, ask for something, and mean nothing for the task."""
    users = grouped((field, other) for other in _TASKS.values() for field in _own_fields(other))
    return [
        f"{field}: has no effect on {task_type.name}; it is for {' and '.join(map(_in_words, others))}"
        for field, others in users.items()
        if task_type not in others and _is_claimed(settings, field, others)
    ]


def _is_claimed(settings: TaskSettings, field: str, users: Sequence[type[Task]]) -> bool:
    """Whether settings that give a field seem to count on its effect.

    The value that it has anyway is no claim where the settings also give the switches of the tasks that use
    it, as a dump of all settings does.
    """
    value, schema = getattr(settings, field, None), cast(Any, type(settings))
    if field not in settings.model_fields_set or not value:
        return False
    switches = {user.switch for user in users if user.switch is not None}
    return value != schema.model_fields[field].get_default() or not switches <= settings.model_fields_set


def _own_fields(task_type: type[Task]) -> list[str]:
    return [*([] if task_type.switch is None else [task_type.switch]), *task_type.fields]


def _in_words(task_type: type[Task]) -> str:
    """The task with the field that asks for it: "regression (is_regression)"."""
    return task_type.name if task_type.switch is None else f"{task_type.name} ({task_type.switch})"
