"""The one table of emotion names: each corpus's codes, and which names of different corpora mean the same."""

# What each corpus writes into file names or label files → its own English name for it, as `class_id` has it.
CODES: dict[str, dict[str, str]] = {
    "emodb": {
        "W": "anger",  # Wut
        "L": "boredom",  # Langeweile
        "E": "disgust",  # Ekel
        "A": "fear",  # Angst
        "F": "happiness",  # Freude
        "N": "neutral",
        "T": "sadness",  # Trauer
    },
    "emovo": {
        "rab": "anger",  # rabbia
        "dis": "disgust",  # disgusto
        "pau": "fear",  # paura
        "gio": "joy",  # gioia
        "neu": "neutrality",
        "tri": "sadness",  # tristezza
        "sor": "surprise",  # sorpresa
    },
}
