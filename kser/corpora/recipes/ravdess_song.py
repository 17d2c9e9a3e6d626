"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: its song, audio only.

Actor 18 did not sing.
"""

from functools import partial

from kser.corpora.recipe import Archive, Recipe
from kser.corpora.recipes import ravdess

_EMOTIONS = {code: emotion for code, emotion in ravdess.EMOTIONS.items() if code <= "06"}

RECIPE = Recipe(
    name="ravdess_song",
    title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS): song",
    short_title="RAVDESS song",
    citation=ravdess.CITATION,
    licence=ravdess.LICENCE,
    home_page=ravdess.HOME_PAGE,
    sampling_rate_hz=ravdess.SAMPLING_RATE_HZ,
    language="English",
    codes=_EMOTIONS,
    expected_utterances=1012,
    expected_speakers=23,
    layout=(
        "a folder with the subfolders Actor_01 to Actor_24, without Actor_18, with files such as "
        "03-02-06-01-02-01-12.wav"
    ),
    make_table=partial(ravdess.channel_table, channel="02", emotions=_EMOTIONS),
    archives=(
        Archive(
            url="https://zenodo.org/records/1188976/files/Audio_Song_Actors_01-24.zip",
            size_bytes=225_505_317,
            checksum="md5:5411230427d67a21e18aa4d466e6d1b9",
        ),
    ),
)
