"""A trained model's folder."""

import dataclasses

import keras

from kser.experiment.runs.trained_model import Provenance, load_classifier, save_trained_model
from kser.models import EmotionClassifier, LogMelBackbone

PROVENANCE = Provenance(
    run_fingerprint="",
    kser_version="",
    keras_version="",
    backend="",
    experiment_name="",
    training_dataset="",
    seed=0,
    model_config={"freeze_layers": "all"},
    audio={},
    augmentation={},
    label_column=None,
    split_fingerprint="",
    training={},
    recordings={},
)


def test_seeds_on_one_backbone_keep_its_weights_once(tmp_path):
    backbone = LogMelBackbone(filters=[4], kernel_sizes=[3])
    folders = [tmp_path / "experiment" / "tiny" / f"seed_{seed}" / "model" for seed in range(3)]
    for folder in folders:
        if folder is folders[-1]:
            (weight, *_) = backbone.trainable_variables
            weight.assign(keras.ops.zeros(weight.shape))
        save_trained_model(folder, EmotionClassifier(backbone, ["calm", "angry"]), PROVENANCE)
    of_backbone = [folder / "model.weights.h5" for folder in folders]
    assert of_backbone[0].samefile(of_backbone[1])
    assert not of_backbone[0].samefile(of_backbone[2])
    heads = [folder / "task.weights.h5" for folder in folders]
    assert not heads[0].samefile(heads[1])
    assert load_classifier(folders[1]).labels == ["calm", "angry"]


def test_a_backbone_that_was_trained_is_not_compared_with_those_of_other_seeds(tmp_path):
    classifier = EmotionClassifier(LogMelBackbone(filters=[4], kernel_sizes=[3]), ["calm", "angry"])
    trained = dataclasses.replace(PROVENANCE, model_config={"freeze_layers": 2})
    folders = [tmp_path / "experiment" / "tiny" / f"seed_{seed}" / "model" for seed in range(2)]
    for folder in folders:
        save_trained_model(folder, classifier, trained)
    assert not (folders[0] / "model.weights.h5").samefile(folders[1] / "model.weights.h5")


def test_what_is_saved_over_a_model_is_not_written_into_those_of_other_seeds(tmp_path):
    classifier = EmotionClassifier(LogMelBackbone(filters=[4], kernel_sizes=[3]), ["calm", "angry"])
    folders = [tmp_path / "experiment" / "tiny" / f"seed_{seed}" / "model" for seed in range(2)]
    for folder in folders:
        save_trained_model(folder, classifier, PROVENANCE)
    names = ("model.weights.h5", "task.weights.h5")
    assert all((folders[0] / name).samefile(folders[1] / name) for name in names)
    before = [(folders[0] / name).read_bytes() for name in names]
    for weight in classifier.trainable_variables:
        weight.assign(weight + 1.0)
    classifier.save_to_preset(str(folders[1]))
    assert [(folders[0] / name).read_bytes() for name in names] == before
    kernels = [load_classifier(folder).get_layer("logits").kernel for folder in folders]
    assert keras.ops.all(kernels[1] == kernels[0] + 1.0)
