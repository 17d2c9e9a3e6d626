"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: its speech, audio only."""

from functools import partial

from kser.corpora.recipe import Archive, Recipe
from kser.corpora.recipes import ravdess

RECIPE = Recipe(
    name="ravdess_speech",
    title="Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS): speech",
    short_title="RAVDESS speech",
    citation=ravdess.CITATION,
    licence=ravdess.LICENCE,
    home_page=ravdess.HOME_PAGE,
    sampling_rate_hz=ravdess.SAMPLING_RATE_HZ,
    language="English",
    codes=ravdess.EMOTIONS,
    expected_utterances=1440,
    expected_speakers=24,
    layout="a folder with the subfolders Actor_01 to Actor_24 with files such as 03-01-06-01-02-01-12.wav",
    make_table=partial(ravdess.channel_table, channel="01", emotions=ravdess.EMOTIONS),
    archives=(
        Archive(
            url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
            size_bytes=208_468_073,
            checksum="md5:bc696df654c87fed845eb13823edef8a",
        ),
    ),
)
