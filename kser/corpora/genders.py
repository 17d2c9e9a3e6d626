"""What corpora of several languages call the gender of a speaker."""

from collections.abc import Mapping

from kser.corpora.spellings import is_nothing, label_key

FEMALE, MALE, UNKNOWN = "female", "male", "unknown"

# English, German, Italian, French, Spanish, Portuguese, Dutch and Chinese. Numbers are left out, because they
# say nothing: 0 is female in one corpus, male in the next and unknown in ISO 5218.
_NAMES = {
    FEMALE: (
        *("f", "fem", "female", "females", "woman", "women", "girl", "feminine"),
        *("w", "weiblich", "frau", "femmina", "femminile", "donna", "femme", "feminin", "féminin"),
        *("femenino", "femenina", "mujer", "feminino", "feminina", "mulher", "vrouw", "女", "女性"),
    ),
    MALE: (
        *("m", "masc", "male", "males", "man", "men", "boy", "masculine"),
        *("männlich", "maennlich", "mann", "maschio", "maschile", "uomo", "homme", "masculin"),
        *("masculino", "masculina", "hombre", "homem", "varón", "varon", "男", "男性"),
    ),
    UNKNOWN: (
        *("unknown", "unk", "u", "na", "none", "undefined", "unspecified", "not specified"),
        *("not available", "prefer not to say", "unbekannt", "?", "-"),
    ),
}
_MEANINGS = {label_key(name): gender for gender, names in _NAMES.items() for name in names}


def gender_of(text: str) -> str:
    """`FEMALE`, `MALE` or `UNKNOWN` where the text says so; else the text itself: a group of its own.

    Examples:
        >>> gender_of("W"), gender_of("Female"), gender_of("n/a"), gender_of("other"), gender_of("1.0")
        ('female', 'female', 'unknown', 'other', '1')
    """
    if is_nothing(text):
        return UNKNOWN
    key = label_key(text)
    return _MEANINGS.get(key, key if key.isdecimal() else text)


def genders_of_speakers(rows: Mapping[str, set[str]]) -> dict[str, str]:
    """Speakers whose gender only some of their rows say, with that gender.

    Args:
        rows: the genders in the rows of each speaker.
    """
    return {
        speaker: next(iter(known))
        for speaker, genders in rows.items()
        if UNKNOWN in genders and len(known := genders - {UNKNOWN}) == 1
    }
