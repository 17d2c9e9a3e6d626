"""UniSpeech and UniSpeech-SAT: the architecture of Wav2Vec 2.0, trained in other ways."""
