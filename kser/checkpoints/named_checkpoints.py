"""Short names for published checkpoints, with what one wants to know before using one.

Revisions are commits of the Hugging Face repositories, so that a name means the same weights next year. They
are those that the repositories' own pages show, or that several unrelated projects load by; all hold a
configuration and weights. `"main"`, the newest, stands where no commit could be confirmed.

Licences are those that the repositories declare. Microsoft's cards declare none: they name the file
`LICENSE` of github.com/microsoft/UniSpeech.

`parameters` counts the backbone that kser loads, without heads and decoders.
"""

import difflib
from dataclasses import dataclass

NEWEST = "main"
UNISPEECH_LICENCE = "github.com/microsoft/UniSpeech LICENSE"


@dataclass(frozen=True)
class NamedCheckpoint:
    """A published checkpoint.

    Args:
        name: short name, e.g. `"wav2vec2_base"`.
        repository: on the Hugging Face hub.
        model_type: architecture, as in `config.json`.
        parameters: of the backbone.
        licence: identifier as the hub spells it, or where it is to be found.
        paper: arXiv number.
        revision: commit, or `"main"`.
        sampling_rate_hz: of the audio that it takes.
    """

    name: str
    repository: str
    model_type: str
    parameters: int
    licence: str
    paper: str
    revision: str = NEWEST
    sampling_rate_hz: int = 16_000

    @property
    def handle(self) -> str:
        """Repository and revision, as `kser.checkpoints.locate.checkpoint_files` takes them."""
        return self.repository if self.revision == NEWEST else f"{self.repository}@{self.revision}"

    @property
    def forbids_commercial_use(self) -> bool:
        """Whether the licence is one of Creative Commons' with the condition NonCommercial."""
        return "-nc-" in f"{self.licence}-"


# Parameters of the backbones that several checkpoints share.
_BASE, _LARGE, _XLARGE = 94_371_712, 315_438_720, 962_497_408
_WAVLM_BASE = 94_381_936
_DATA2VEC_BASE, _DATA2VEC_LARGE = 93_164_288, 313_276_416
_WHISPER_LARGE = 636_784_640
_WAV2VEC2, _XLSR, _XLS_R = "2006.11477", "2006.13979", "2111.09296"
_ROBUST, _MMS, _HUBERT, _DISTILHUBERT = "2104.01027", "2305.13516", "2106.07447", "2110.01900"
_WAVLM, _DATA2VEC, _UNISPEECH, _UNISPEECH_SAT = "2110.13900", "2202.03555", "2101.07597", "2110.05752"
_WHISPER, _MOONSHINE = "2212.04356", "2410.15608"
_DAWN, _AGE_GENDER = "2203.07378", "2306.16962"
_APACHE = "apache-2.0"

_TABLE = (
    NamedCheckpoint(
        "wav2vec2_base",
        "facebook/wav2vec2-base",
        "wav2vec2",
        _BASE,
        _APACHE,
        _WAV2VEC2,
        "0b5b8e868dd84f03fd87d01f9c4ff0f080fecfe8",
    ),
    NamedCheckpoint(
        "wav2vec2_base_960h",
        "facebook/wav2vec2-base-960h",
        "wav2vec2",
        _BASE,
        _APACHE,
        _WAV2VEC2,
        "22aad52d435eb6dbaf354bdad9b0da84ce7d6156",
    ),
    NamedCheckpoint(
        "wav2vec2_large",
        "facebook/wav2vec2-large",
        "wav2vec2",
        315_428_992,
        _APACHE,
        _WAV2VEC2,
        "312b2410566b698c7a649068d413b2067848bd75",
    ),
    NamedCheckpoint(
        "wav2vec2_large_960h",
        "facebook/wav2vec2-large-960h",
        "wav2vec2",
        315_428_992,
        _APACHE,
        _WAV2VEC2,
    ),
    NamedCheckpoint(
        "wav2vec2_large_robust",
        "facebook/wav2vec2-large-robust",
        "wav2vec2",
        _LARGE,
        _APACHE,
        _ROBUST,
        "b0f1fc09a26486a009ebd4afaddb69c4cd6f0882",
    ),
    NamedCheckpoint(
        "wav2vec2_large_xlsr_53",
        "facebook/wav2vec2-large-xlsr-53",
        "wav2vec2",
        _LARGE,
        _APACHE,
        _XLSR,
        "c3f9d884181a224a6ac87bf8885c84d1cff3384f",
    ),
    NamedCheckpoint(
        "wav2vec2_large_xlsr_53_italian",
        "jonatasgrosman/wav2vec2-large-xlsr-53-italian",
        "wav2vec2",
        _LARGE,
        _APACHE,
        _XLSR,
        "d9da0be8851be17ea85029626368722270403ccd",
    ),
    NamedCheckpoint(
        "wav2vec2_xls_r_300m",
        "facebook/wav2vec2-xls-r-300m",
        "wav2vec2",
        _LARGE,
        _APACHE,
        _XLS_R,
        "1a640f32ac3e39899438a2931f9924c02f080a54",
    ),
    NamedCheckpoint("wav2vec2_xls_r_1b", "facebook/wav2vec2-xls-r-1b", "wav2vec2", _XLARGE, _APACHE, _XLS_R),
    NamedCheckpoint(
        "mms_300m",
        "facebook/mms-300m",
        "wav2vec2",
        _LARGE,
        "cc-by-nc-4.0",
        _MMS,
        "4ee317ce793c53dbc041fc4376c7558292dd38dc",
    ),
    NamedCheckpoint("mms_1b", "facebook/mms-1b", "wav2vec2", _XLARGE, "cc-by-nc-4.0", _MMS),
    NamedCheckpoint(
        "wav2vec2_large_robust_emotion",
        "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
        "wav2vec2",
        164_284_032,
        "cc-by-nc-sa-4.0",
        _DAWN,
        "6eba34a2485ea31cb03600241787c3a5edab8626",
    ),
    NamedCheckpoint(
        "wav2vec2_large_robust_age_gender",
        "audeering/wav2vec2-large-robust-24-ft-age-gender",
        "wav2vec2",
        _LARGE,
        "cc-by-nc-sa-4.0",
        _AGE_GENDER,
        "adf90a434eeb6e499c8861251c0096864c08aa1f",
    ),
    NamedCheckpoint(
        "hubert_base",
        "facebook/hubert-base-ls960",
        "hubert",
        _BASE,
        _APACHE,
        _HUBERT,
        "dba3bb02fda4248b6e082697eee756de8fe8aa8a",
    ),
    NamedCheckpoint(
        "hubert_large",
        "facebook/hubert-large-ll60k",
        "hubert",
        _LARGE,
        _APACHE,
        _HUBERT,
        "ff022d095678a2995f3c49bab18a96a9e553f782",
    ),
    NamedCheckpoint(
        "hubert_xlarge",
        "facebook/hubert-xlarge-ll60k",
        "hubert",
        _XLARGE,
        _APACHE,
        _HUBERT,
        "b0cef767123fe004883915a053f538f1737a1e47",
    ),
    NamedCheckpoint(
        "hubert_large_italian",
        "jonatasgrosman/exp_w2v2t_it_hubert_s722",
        "hubert",
        _LARGE,
        _APACHE,
        _HUBERT,
    ),
    NamedCheckpoint(
        "distilhubert",
        "ntu-spml/distilhubert",
        "hubert",
        23_491_968,
        _APACHE,
        _DISTILHUBERT,
        "fa87d96265d6b7af66e112faff6ff44df419cec9",
    ),
    NamedCheckpoint(
        "wavlm_base",
        "microsoft/wavlm-base",
        "wavlm",
        _WAVLM_BASE,
        UNISPEECH_LICENCE,
        _WAVLM,
        "efa81aae7ff777e464159e0f877d54eac5b84f81",
    ),
    NamedCheckpoint(
        "wavlm_base_plus",
        "microsoft/wavlm-base-plus",
        "wavlm",
        _WAVLM_BASE,
        UNISPEECH_LICENCE,
        _WAVLM,
        "4c66d4806a428f2e922ccfa1a962776e232d487b",
    ),
    NamedCheckpoint(
        "wavlm_large",
        "microsoft/wavlm-large",
        "wavlm",
        315_453_120,
        UNISPEECH_LICENCE,
        _WAVLM,
        "c1423ed94bb01d80a3f5ce5bc39f6026a0f4828c",
    ),
    NamedCheckpoint(
        "data2vec_audio_base",
        "facebook/data2vec-audio-base",
        "data2vec-audio",
        _DATA2VEC_BASE,
        _APACHE,
        _DATA2VEC,
    ),
    NamedCheckpoint(
        "data2vec_audio_base_960h",
        "facebook/data2vec-audio-base-960h",
        "data2vec-audio",
        _DATA2VEC_BASE,
        _APACHE,
        _DATA2VEC,
        "32331f3123e703528918aa688a9a38232d58c872",
    ),
    NamedCheckpoint(
        "data2vec_audio_large",
        "facebook/data2vec-audio-large",
        "data2vec-audio",
        _DATA2VEC_LARGE,
        _APACHE,
        _DATA2VEC,
        "8aebfda61f5749e532f5577d176072ea38a6b349",
    ),
    NamedCheckpoint(
        "data2vec_audio_large_960h",
        "facebook/data2vec-audio-large-960h",
        "data2vec-audio",
        _DATA2VEC_LARGE,
        _APACHE,
        _DATA2VEC,
        "27aba26eed532b86dcd0f17284a0307de4b51f39",
    ),
    NamedCheckpoint(
        "unispeech_large_1500h_cv",
        "microsoft/unispeech-large-1500h-cv",
        "unispeech",
        _LARGE,
        UNISPEECH_LICENCE,
        _UNISPEECH,
    ),
    NamedCheckpoint(
        "unispeech_sat_base",
        "microsoft/unispeech-sat-base",
        "unispeech-sat",
        _BASE,
        UNISPEECH_LICENCE,
        _UNISPEECH_SAT,
        "ca010627e5d232d9179ebdcd615eaa02cea382ed",
    ),
    NamedCheckpoint(
        "unispeech_sat_base_plus",
        "microsoft/unispeech-sat-base-plus",
        "unispeech-sat",
        _BASE,
        UNISPEECH_LICENCE,
        _UNISPEECH_SAT,
    ),
    NamedCheckpoint(
        "unispeech_sat_large",
        "microsoft/unispeech-sat-large",
        "unispeech-sat",
        315_435_136,
        UNISPEECH_LICENCE,
        _UNISPEECH_SAT,
    ),
    NamedCheckpoint(
        "whisper_tiny",
        "openai/whisper-tiny",
        "whisper",
        8_208_384,
        _APACHE,
        _WHISPER,
        "169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
    ),
    NamedCheckpoint(
        "whisper_base",
        "openai/whisper-base",
        "whisper",
        20_590_592,
        _APACHE,
        _WHISPER,
        "e37978b90ca9030d5170a5c07aadb050351a65bb",
    ),
    NamedCheckpoint(
        "whisper_small",
        "openai/whisper-small",
        "whisper",
        88_154_112,
        _APACHE,
        _WHISPER,
        "973afd24965f72e36ca33b3055d56a652f456b4d",
    ),
    NamedCheckpoint(
        "whisper_medium",
        "openai/whisper-medium",
        "whisper",
        307_216_384,
        _APACHE,
        _WHISPER,
        "abdf7c39ab9d0397620ccaea8974cc764cd0953e",
    ),
    NamedCheckpoint(
        "whisper_large",
        "openai/whisper-large",
        "whisper",
        _WHISPER_LARGE,
        _APACHE,
        _WHISPER,
        "4ef9b41f0d4fe232daafdb5f76bb1dd8b23e01d7",
    ),
    NamedCheckpoint(
        "whisper_large_v2",
        "openai/whisper-large-v2",
        "whisper",
        _WHISPER_LARGE,
        _APACHE,
        _WHISPER,
        "ae4642769ce2ad8fc292556ccea8e901f1530655",
    ),
    NamedCheckpoint(
        "whisper_large_v3",
        "openai/whisper-large-v3",
        "whisper",
        636_968_960,
        _APACHE,
        _WHISPER,
        "06f233fe06e710322aca913c1bc4249a0d71fce1",
    ),
    NamedCheckpoint(
        "moonshine_tiny",
        "UsefulSensors/moonshine-tiny",
        "moonshine",
        7_681_248,
        "mit",
        _MOONSHINE,
        "390624ed33d594443aa4aa221f5b9f283b545b5a",
    ),
    NamedCheckpoint(
        "moonshine_base", "UsefulSensors/moonshine-base", "moonshine", 20_153_120, "mit", _MOONSHINE
    ),
)

NAMED_CHECKPOINTS = {checkpoint.name: checkpoint for checkpoint in _TABLE}
"""By short name, families together."""

_BY_REPOSITORY = {checkpoint.repository.lower(): checkpoint for checkpoint in _TABLE}


def named_checkpoint(preset: str) -> NamedCheckpoint | None:
    """What is known of a checkpoint, `None` where it is none of the table.

    Args:
        preset: short name, or hub id with or without `hf://` before and `@revision` behind it.
    """
    repository = preset.removeprefix("hf://").partition("@")[0]
    return NAMED_CHECKPOINTS.get(preset) or _BY_REPOSITORY.get(repository.lower())


def nearest_name(preset: str) -> str | None:
    """The short name that was probably meant."""
    return next(iter(difflib.get_close_matches(preset, NAMED_CHECKPOINTS, n=1)), None)
