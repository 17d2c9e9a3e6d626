"""Speech backbones in Keras 3, one folder a family, and the tasks on top of them."""

from kser.models import saved_names  # lets the models of earlier versions load
from kser.models.data2vec_audio.data2vec_audio_backbone import Data2VecAudioBackbone
from kser.models.emotion_classifier import EmotionClassifier
from kser.models.emotion_regressor import EmotionRegressor
from kser.models.emotion_tagger import EmotionTagger
from kser.models.emotion_task import EmotionTask
from kser.models.hubert.hubert_backbone import HubertBackbone
from kser.models.log_mel.log_mel_backbone import LogMelBackbone
from kser.models.moonshine.moonshine_encoder_backbone import MoonshineEncoderBackbone
from kser.models.multi_task_emotion_model import MultiTaskEmotionModel
from kser.models.speech_audio_converter import SpeechAudioConverter
from kser.models.speech_backbone import SpeechBackbone
from kser.models.unispeech.unispeech_backbone import UniSpeechBackbone
from kser.models.unispeech.unispeech_sat_backbone import UniSpeechSatBackbone
from kser.models.utterance_task import UtterancePreprocessor, UtteranceTask
from kser.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone
from kser.models.wavlm.wavlm_backbone import WavLMBackbone
from kser.models.whisper.whisper_encoder_backbone import WhisperEncoderBackbone

__all__ = [
    "Data2VecAudioBackbone",
    "EmotionClassifier",
    "EmotionRegressor",
    "EmotionTagger",
    "EmotionTask",
    "HubertBackbone",
    "LogMelBackbone",
    "MoonshineEncoderBackbone",
    "MultiTaskEmotionModel",
    "SpeechAudioConverter",
    "SpeechBackbone",
    "UniSpeechBackbone",
    "UniSpeechSatBackbone",
    "UtterancePreprocessor",
    "UtteranceTask",
    "Wav2Vec2Backbone",
    "WavLMBackbone",
    "WhisperEncoderBackbone",
    "saved_names",
]
