"""A small convolutional network on log-mel spectra: the baseline that needs no download."""
