"""Recordings that are longer than a model takes are told by check, training and evaluation."""

import json

import pytest

from kser.experiment.checking.study_check import check_study
from kser.experiment.config.loading import load_experiment
from kser.experiment.study.study import train_experiment
from kser.training.events import Message
from tests.experiment.conftest import write_experiment

# 0.4 s of audio at most; all recordings of the small corpus are longer than that.
SMALL = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 8, "max_frames": 20}
CUT = "are longer than the 0.4 s that WhisperEncoderBackbone takes: it hears only their beginning"


def experiment(folder, corpus, **arguments):
    path = write_experiment(folder, corpus, models=["log_mel"])
    file = folder / "models" / "log_mel.json"
    fields = json.loads(file.read_text()) | {
        "model_path_or_name": "scratch:whisper",
        "backbone_arguments": {**SMALL, **arguments},
        "number_of_training_epochs": 1,
    }
    file.write_text(json.dumps(fields))
    return load_experiment(path)


@pytest.mark.thorough
def test_check_training_and_evaluation_tell_of_it(tmp_path, small_corpus) -> None:
    small = experiment(tmp_path, small_corpus)
    notes = [note for note in check_study(small).notes if CUT in note]
    assert len(notes) == 3
    assert "recordings of the train part (seed 0) are longer" in notes[0]
    events: list = []
    result = train_experiment(small, progress=events.append)
    said = [event.text for event in events if isinstance(event, Message) and CUT in event.text]
    assert [note.split(" recordings of the ")[1].split(" part")[0] for note in said] == [
        "train",
        "validation",
        "test",
    ]
    assert [line for line in result.evaluation.warnings if "only their beginning was heard" in line]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "told"), [({}, True), ({"pad_to_maximum": False}, False), ({"max_frames": 200}, False)]
)
def test_much_padding_is_told_with_what_would_spare_it(tmp_path, small_corpus, arguments, told) -> None:
    small = experiment(tmp_path, small_corpus, **{"max_frames": 1500, **arguments})
    notes = " ".join(check_study(small).notes)
    assert ('backbone_arguments: {"pad_to_maximum": false} computes only what there is' in notes) is told
    assert CUT not in notes
