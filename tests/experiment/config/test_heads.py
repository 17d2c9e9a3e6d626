"""Every head that a model JSON can ask for is built, trains, and is evaluated."""

import json

import pytest

from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import read_evaluation_csv
from kser.experiment.runs.trained_model import load_classifier
from kser.experiment.study.study import train_experiment
from tests.experiment.conftest import write_experiment


def trained(folder, corpus, **model):
    """The classifier of one short run of the small Wav2Vec 2.0 model."""
    path = write_experiment(folder, corpus, models=["wav2vec2"], eval_steps=2)
    file = folder / "models" / "wav2vec2.json"
    fields = json.loads(file.read_text()) | {"number_of_training_epochs": 1} | model
    file.write_text(json.dumps(fields))
    (row,) = read_evaluation_csv(train_experiment(load_experiment(path)).evaluation_csv)
    assert (row.eval_out_path / "classification_report.json").is_file()
    return load_classifier(row.model_path)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"pooling_mode": "multi_head_attention", "pooling_arguments": {"num_heads": 2}},
            {"pooling": "multi_head_attention", "pooling_arguments": {"num_heads": 2}},
        ),
        (
            {
                "pooling_mode": "att_stats",
                "use_weight_encoder_layers": True,
                "layer_weighting": "softmax",
                "pool_position": "before",
                "projection_dim": 4,
                "projection_activation": "relu",
            },
            {
                "pooling": "att_stats",
                "layer_weighting": "softmax",
                "pool_position": "before",
                "projection_dim": 4,
            },
        ),
    ],
)
def test_the_head_is_the_one_asked_for(tmp_path, small_corpus, fields, expected) -> None:
    config = trained(tmp_path, small_corpus, **fields).get_config()
    assert {name: config[name] for name in expected} == expected


@pytest.mark.thorough
def test_arguments_that_the_pooling_does_not_take_are_told_with_the_file(tmp_path, small_corpus) -> None:
    with pytest.raises(UserError, match=r"wav2vec2\.json: .*num_heads"):
        trained(tmp_path, small_corpus, pooling_mode="mean", pooling_arguments={"num_heads": 2})
