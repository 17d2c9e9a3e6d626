"""UniSpeech and UniSpeech-SAT: other training, the architecture of Wav2Vec 2.0."""
