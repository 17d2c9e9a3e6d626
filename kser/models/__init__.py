"""Speech backbones in Keras 3, one folder a family, and the emotion classifier on top of them."""

from kser.models.audio_classifier import AudioClassifier, AudioClassifierPreprocessor
from kser.models.emotion_classifier import EmotionClassifier
from kser.models.log_mel.log_mel_backbone import LogMelBackbone
from kser.models.speech_audio_converter import SpeechAudioConverter
from kser.models.speech_backbone import SpeechBackbone
from kser.models.wav2vec2.wav2vec2_backbone import Wav2Vec2Backbone

__all__ = [
    "AudioClassifier",
    "AudioClassifierPreprocessor",
    "EmotionClassifier",
    "LogMelBackbone",
    "SpeechAudioConverter",
    "SpeechBackbone",
    "Wav2Vec2Backbone",
]
