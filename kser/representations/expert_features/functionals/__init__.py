"""Features of a whole utterance: its pitch, loudness, spectrum and glottal cycles, by librosa and NumPy."""
