"""The measures that kser knows by name."""

from collections.abc import Iterable

from kser.evaluation.class_measures import CLASS_MEASURES
from kser.evaluation.measures import Measure
from kser.evaluation.multi_label_measures import LABEL_MEASURES, MULTI_LABEL_MEASURES
from kser.evaluation.regression_measures import REGRESSION_MEASURES

_KNOWN: dict[str, Measure] = {}
_OF_PARTS: dict[str, Measure] = {}


def register_measures(measures: Iterable[Measure], of_parts: Iterable[Measure] = ()) -> None:
    """Make measures known by name; one whose name is known already keeps its description.

    Args:
        measures: of whole results.
        of_parts: of one target or label each; their keys end in its name, such as `ccc_arousal`.
    """
    for known, further in ((_KNOWN, measures), (_OF_PARTS, of_parts)):
        for measure in further:
            known.setdefault(measure.name, measure)


register_measures(CLASS_MEASURES)
register_measures(REGRESSION_MEASURES, of_parts=REGRESSION_MEASURES)
register_measures(MULTI_LABEL_MEASURES, of_parts=LABEL_MEASURES)


def find_measure(key: str) -> tuple[Measure, str] | None:
    """The measure that a column of results holds, and the part that it is about.

    Args:
        key: such as `uar`, or `ccc_arousal` for the CCC of one target.

    Returns:
        The measure and the part, which is empty for a whole result; `None` for an unknown key.
    """
    if key in _KNOWN:
        return _KNOWN[key], ""
    name, _, part = key.partition("_")
    return (_OF_PARTS[name], part) if part and name in _OF_PARTS else None


def measure_name(key: str) -> str:
    """A measure's name for people: `uar` is UAR, `ccc_arousal` is CCC of arousal; an unknown key stays."""
    found = find_measure(key)
    if found is None:
        return key
    measure, part = found
    return f"{measure.display_name} of {part}" if part else measure.display_name
