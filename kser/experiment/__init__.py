"""A whole experiment: its JSON files, the runs planned from them, training and evaluating each."""
