"""One training run: loss, metrics, optimisation, log, checkpoints, resumption. Knows no experiment file."""
