"""emoUERJ, an emotional speech database in Brazilian Portuguese.

A file name such as `w04a11.wav` says: speaker w04 (fourth woman), emotion a (anger), her eleventh recording
of it. The speakers chose among ten sentences; which one is said is not in the name.
"""

import re

from kser.corpora.recipe import Recipe, audio_files, table_from_names

_EMOTIONS = {"a": "anger", "h": "happiness", "n": "neutral", "s": "sadness"}
_NAME = re.compile(
    rf"(?P<actor>(?P<gender>[mw])0[1-4])(?P<emotion>[{''.join(_EMOTIONS)}])(?P<clip>[0-9]{{2}})"
)

RECIPE = Recipe(
    name="emouerj",
    title="emoUERJ, an emotional speech database in Portuguese",
    short_title="emoUERJ",
    citation=(
        "R. G. Bastos Germano, M. Pompeu Tcheou, F. da Rocha Henriques and S. Pinto Gomes Junior: emoUERJ: "
        "an emotional speech database in Portuguese. Zenodo, 2021, doi:10.5281/zenodo.5427549."
    ),
    licence="CC BY 4.0",
    home_page="https://zenodo.org/records/5427549",
    sampling_rate_hz=44_100,
    language="Portuguese (Brazil)",
    codes=_EMOTIONS,
    expected_utterances=377,
    expected_speakers=8,
    layout="a folder with files such as w04a11.wav",
    make_table=lambda source: table_from_names(audio_files(source), _NAME, _EMOTIONS, "w04a11.wav"),
)
