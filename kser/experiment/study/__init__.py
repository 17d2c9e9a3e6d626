"""A whole experiment: every run, then evaluation, curves and summary."""
