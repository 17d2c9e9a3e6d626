"""The canonical order of the classes of a corpus."""

import re
from collections.abc import Iterable

_INTEGER = re.compile(r"[+-]?[0-9]{1,100}")  # Python makes no number of some thousands of digits


def label_order(values: Iterable[object]) -> list[str]:
    """Distinct classes in canonical order: by number when all are whole numbers, else by name.

    The order fixes which output of a classifier stands for which class. It is taken once, from the training
    corpus, and from then on travels with the model: nothing calls this at evaluation time.

    Args:
        values: the class of each utterance, as text or numbers.

    Returns:
        Class names as text.

    Examples:
        >>> label_order(["sadness", "anger", "sadness"])
        ['anger', 'sadness']
        >>> label_order(["10", "9", "1"])
        ['1', '9', '10']
    """
    names = sorted({str(value) for value in values})
    if all(_INTEGER.fullmatch(name) for name in names):
        names.sort(key=int)
    return names
