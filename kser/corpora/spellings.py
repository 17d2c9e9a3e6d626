"""Spellings of one value: what people mean as the same class or the same speaker, and write differently.

`Anger` and `anger`, `1` and `1.0`, `01` and `1`, an accent that is one character or two, a blank that cannot
be seen. A value with one spelling keeps it; of several the most frequent stands for all.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping

_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,18})(?:\.0+)?")
_BETWEEN_WORDS = re.compile(r"(?<=\w)[\s_-]+(?=\w)")
# Zero-width blanks and soft hyphens: text that is copied from pages has them.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
# What programs write where there is nothing; "none" and "NA" are words that a class may have.
_NOTHING = frozenset({"", "nan", "nat", "<na>", "#n/a", "n/a", "null"})

Key = Callable[[str], str]
"""What all spellings of one value have in common."""


def label_key(text: str) -> str:
    """What the spellings of a class have in common: case, blanks, `_` and `-` between words do not matter.

    Examples:
        >>> label_key("Pleasant_Surprise") == label_key("pleasant  surprise")
        True
        >>> label_key("1.0"), label_key("01"), label_key("-1")
        ('1', '1', '-1')
    """
    return _BETWEEN_WORDS.sub(" ", speaker_key(text))


def speaker_key(text: str) -> str:
    """What the spellings of a speaker have in common; unlike in classes, 1-2 is not 1 2.

    Examples:
        >>> speaker_key("01") == speaker_key("1.0"), speaker_key("S1") == speaker_key("s1")
        (True, True)
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tidy(text)).casefold())
    number = _WHOLE_NUMBER.fullmatch(folded)
    return str(int(number[1])) if number else folded


def tidy(text: str) -> str:
    """A text with composed accents, single blanks and nothing that cannot be seen."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())


def is_nothing(text: str) -> bool:
    """Whether a cell has no value, though a program may have written a word for that, such as nan."""
    return tidy(text).lower() in _NOTHING


def one_spelling(counts: Mapping[str, int], key: Key, preferred: Collection[str] = ()) -> dict[str, str]:
    """Choose one spelling of each value.

    Args:
        counts: how often each text occurs.
        key: what makes texts spellings of one value.
        preferred: spellings that are taken however rare they are.

    Returns:
        Text → the spelling that stands for it, only where they differ. What is chosen depends on the counts,
        never on their order: of the most frequent spellings the first by the order of text.

    Examples:
        >>> one_spelling({"Anger": 1, "anger": 2, "joy": 1}, label_key)
        {'Anger': 'anger'}
    """
    best: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (text not in preferred, -counts[text], text)):
        best.setdefault(key(text), text if text in preferred else tidy(text))
    return {text: chosen for text in counts if (chosen := best[key(text)]) != text}


def in_words(taken: Mapping[str, str]) -> str:
    """What was taken for what: `'Anger', 'ANGER' as 'anger'; 'Joy' as 'joy'`."""
    written: dict[str, list[str]] = {}
    for text, chosen in taken.items():
        written.setdefault(chosen, []).append(repr(text))
    return "; ".join(f"{', '.join(texts)} as {chosen!r}" for chosen, texts in written.items())
