"""From a recording on disk to a waveform: loading, mixing down, resampling. NumPy only."""
