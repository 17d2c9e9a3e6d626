"""What experts measure of recordings, by groups: pitch, loudness, spectrum, voice quality, timing."""
