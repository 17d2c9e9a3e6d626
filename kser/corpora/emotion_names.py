"""The names that corpora of several languages have for the same emotion."""

import re
import unicodedata

# Canonical English name → what else corpora call it, in English, German, Italian, French, Spanish, Portuguese
# and transliterated Greek, in the forms that files and folders use. Case, spaces, underscores, hyphens and
# accents do not matter. Near names that psychology keeps apart stay apart (excitement is no happiness,
# worry no fear): joining them is a choice of the study, made by its `label_map`. Of letter codes only those
# that CREMA-D and IEMOCAP share are here, since models are published with them; others are in the recipe of
# each corpus: A is fear (Angst) in EmoDB and anger in others.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "amusement": ("amused", "Belustigung", "divertimento", "amusé"),
    "anger": (
        *("angry", "ang", "Ärger", "Wut", "wütend", "Zorn", "zornig", "rabbia", "arrabbiato", "arrabbiata"),
        *("colère", "enojo", "enfado", "ira", "rabia", "raiva", "thymos"),
    ),
    "boredom": ("bored", "Langeweile", "gelangweilt", "noia", "ennui", "aburrimiento", "tédio"),
    "calm": ("calmness", "calmly", "Ruhe", "ruhig", "calma", "calme", "tranquillità", "tranquilo"),
    "confusion": ("confused", "Verwirrung", "confusione", "confusión", "confusão"),
    "contempt": ("contemptuous", "Verachtung", "disprezzo", "mépris", "desprecio", "desprezo"),
    "disgust": (
        *("disgusted", "dis", "Ekel", "angeekelt", "disgusto", "disgustato", "disgustata", "dégoût", "asco"),
        *("repugnancia", "nojo", "aidia"),
    ),
    "excitement": ("excited", "Aufregung", "aufgeregt", "eccitazione", "excitación", "excitação"),
    "fear": (
        *(
            "fearful",
            "fea",
            "afraid",
            "scared",
            "anxiety",
            "anxious",
            "Angst",
            "ängstlich",
            "Furcht",
            "paura",
        ),
        *("impaurito", "impaurita", "spaventato", "spaventata", "peur", "miedo", "medo", "fovos"),
    ),
    "frustration": ("frustrated", "frustriert", "frustrazione", "frustración", "frustração"),
    "happiness": (
        *("happy", "hap", "joy", "joyful", "Freude", "freudig", "fröhlich", "glücklich", "gioia", "felicità"),
        *("felice", "joie", "heureux", "heureuse", "alegría", "felicidad", "felicidade", "chara"),
    ),
    "neutral": ("neutrality", "neu", "Neutralität", "neutrale", "neutralità", "neutre", "neutro", "neutra"),
    "sadness": (
        *("sad", "Trauer", "traurig", "Traurigkeit", "tristezza", "triste", "tristesse", "tristeza", "lypi"),
    ),
    "surprise": (
        *("surprised", "sur", "pleasant surprise", "pleasant surprised", "ps", "Überraschung", "überrascht"),
        *("sorpresa", "sorpreso", "surpris", "surpresa"),
    ),
    "worry": ("worried", "Sorge", "preoccupazione", "preocupación"),
}
CANONICAL_NAMES = tuple(SYNONYMS)

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def canonical(name: str) -> str | None:
    """The English name that all corpora's names for an emotion have in common.

    Args:
        name: what a corpus calls it; case, accents, spaces, underscores and hyphens do not matter, and
            German umlauts may be written out (Aerger).

    Returns:
        One of `CANONICAL_NAMES`, `None` when the table does not have the name.

    Examples:
        >>> canonical("Joy"), canonical("pleasant_surprise"), canonical("AERGER")
        ('happiness', 'surprise', 'anger')
        >>> canonical("S") is None
        True
    """
    return _NAMES.get(_bare(name))


def _bare(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[\s_-]+", "", kept)


def _names() -> dict[str, str]:
    """Every spelling without its accents → the canonical name; a spelling stands for only one emotion."""
    names: dict[str, str] = {}
    for emotion, synonyms in SYNONYMS.items():
        for spelling in (emotion, *synonyms):
            for bare in {_bare(spelling), _bare(spelling.translate(_GERMAN))}:
                if names.setdefault(bare, emotion) != emotion:
                    raise ValueError(f"{spelling}: both {names[bare]} and {emotion}")
    return names


_NAMES = _names()
