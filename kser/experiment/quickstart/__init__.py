"""The experiment that runs when there is no other: two small models on the synthetic corpus, two seeds."""

from pathlib import Path

from kser.corpora.synthetic import write_synthetic_corpus

EXPERIMENT_FILE = Path(__file__).parent / "experiment.json"
CORPUS_FOLDER = Path("kser_quickstart") / "corpus"


def prepare_quickstart() -> Path:
    """Make the synthetic corpus in the working folder, if it is not there, and give the experiment file."""
    write_synthetic_corpus(CORPUS_FOLDER)
    return EXPERIMENT_FILE
