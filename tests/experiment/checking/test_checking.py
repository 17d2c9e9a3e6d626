"""`kser check`: the plan is that of training, every mistake is told, nothing is written."""

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd
import pytest
import soundfile
from rich.console import Console

from kser import cli
from kser.cli.plan_display import show_plan
from kser.corpora.metadata import read_metadata, write_metadata
from kser.errors import UserError
from kser.experiment.checking import memory
from kser.experiment.checking.checkpoints import find_checkpoint
from kser.experiment.checking.input_checks import read_inputs
from kser.experiment.checking.memory import activation_bytes, estimate_memory
from kser.experiment.checking.refusals import refusals
from kser.experiment.checking.seed_ranges import in_ranges
from kser.experiment.checking.study_check import check_study
from kser.experiment.config.loading import load_experiment
from kser.experiment.execution.run_state import RunState
from kser.experiment.runs.planning import plan_runs
from kser.experiment.runs.run_data import load_run_data
from kser.experiment.study.study import train_experiment
from kser.models import LogMelBackbone
from tests.experiment.conftest import write_experiment
from tests.experiment.evaluated_models import published_classifier
from tests.models.small_models import wav2vec2

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
SHIPPED = sorted(path.name for path in (CONFIGS / "experiments").glob("*.json"))


def console():
    return Console(width=80, record=True, file=io.StringIO())


def checked(path, **arguments):
    return check_study(load_experiment(path), **arguments)


def shown(found):
    terminal = console()
    show_plan(found, terminal)
    return terminal.export_text()


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.fixture
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("kser.checkpoints.hub.SILENCE_S", 0.0)


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory, small_corpus):
    folder = tmp_path_factory.mktemp("study")
    return write_experiment(
        folder,
        small_corpus,
        models=["log_mel"],
        cross_validation=2,
        run_eval=False,
        length_buckets=2,
        run_grapher=True,
        tensorboard=True,
    ).parent


@pytest.fixture(scope="module")
def before(study_folder):
    return checked(study_folder / "experiment.json")


@pytest.fixture(scope="module")
def trained(study_folder, before):
    assert sorted(path.name for path in study_folder.iterdir()) == ["experiment.json", "models"]
    train_experiment(load_experiment(study_folder / "experiment.json"))
    return study_folder


@pytest.mark.thorough
def test_before_it_all_is_to_do_and_nothing_was_written(before):
    assert (before.mistakes, before.to_obtain) == ([], [])
    assert len(before.runs_in(RunState.TO_DO)) == 2


@pytest.mark.thorough
def test_steps_and_weights_are_those_of_training(before, trained):
    (model,) = before.models
    for seed, plan in model.runs.items():
        result = json.loads((trained / f"results/small/log_mel/seed_{seed}/model/kser.json").read_text())
        log = pd.read_csv(trained / f"runs/small/log_mel/seed_{seed}/log.csv")
        assert plan.updates == result["training"]["updates"]
        assert plan.evaluations == log["val_loss"].notna().sum()
        counts = before.splits[0].by_seed[seed].reset_index().to_dict("records")
        split = json.loads((trained / f"results/small/log_mel/seed_{seed}/split/split.json").read_text())
        assert counts == split["parts"]
    assert stored_bytes(trained / "results/small/log_mel/seed_0/model") == pytest.approx(
        model.model_bytes, rel=0.01
    )


@pytest.mark.thorough
def test_what_training_writes_is_where_it_was_said_to_be(before, trained):
    said = written_to(before)
    places = {name: said[name] for name in ("model", "split", "log", "training curves", "TensorBoard")}
    for seed in (0, 1):
        for place in places.values():
            assert Path(place.replace("/MODEL/seed_N", f"/log_mel/seed_{seed}")).exists()
    asked_for = {"search for hyper-parameters", "MLflow", "decoded audio", "features of frozen encoders"}
    assert not asked_for & set(said)


def written_to(found):
    """Where the plan says that everything goes, by what it is."""
    section = shown(found).partition("written to\n")[2].partition("\n\n")[0]
    return dict(line.strip().split(": ", 1) for line in section.splitlines())


@pytest.mark.thorough
def test_the_plan_says_where_all_that_is_asked_for_goes_and_what_it_takes(tmp_path, small_corpus):
    path = write_experiment(
        tmp_path,
        small_corpus,
        models=["wav2vec2"],
        mlflow="http://there",
        audio_cache=str(tmp_path / "audio"),
    )
    file = tmp_path / "models" / "wav2vec2.json"
    search = {"skip_hp_search": False, "hp_search_space": {"learning_rate": {"min": 1e-4, "max": 1e-3}}}
    change(file, feature_cache=str(tmp_path / "features"), **search)
    found = checked(path)
    said = written_to(found)
    assert said["search for hyper-parameters"] == f"{tmp_path}/results/small/MODEL/seed_N/search"
    assert said["MLflow"] == "http://there"
    assert said["decoded audio"] == f"{tmp_path}/audio"
    assert said["features of frozen encoders"] == f"{tmp_path}/features"
    data = load_run_data(plan_runs(load_experiment(path))[0])
    recordings = [path for part in ("train", "validation") for path in data.rows(part)["path"]]
    features = found.models[0].features
    for (cache, recording), size in list(features.items())[:3]:
        aside = replace(cache, folder=tmp_path / "aside" / Path(recording).stem)
        frames = cache.frames(soundfile.info(recording).frames)
        aside.put(recording, np.zeros((frames, cache.channels)))
        assert [file.stat().st_size for file in aside.folder.rglob("*.features")] == [size]
    assert sorted(recording for _, recording in features) == sorted(recordings)
    assert f"features of {len(recordings)} recordings: " in shown(found)


def stored_bytes(folder):
    """Of all arrays in HDF5 files."""
    sizes = []
    for path in folder.glob("*.h5"):
        with h5py.File(path) as file:
            file.visititems(
                lambda _, dataset: sizes.append(dataset.nbytes) if isinstance(dataset, h5py.Dataset) else None
            )
    return sum(sizes)


@pytest.mark.thorough
def test_finished_and_interrupted_runs_are_found(before, trained):
    run = before.runs[1]
    model, aside = run.paths.model, trained / "aside"
    model.rename(aside)
    fingerprint = json.loads((aside / "kser.json").read_text())["run_fingerprint"]
    run.paths.settings.write_text(json.dumps({"run_fingerprint": fingerprint}))
    try:
        found = checked(trained / "experiment.json", audio=False)
        assert found.states == {
            ("log_mel", 0): RunState.FINISHED,
            ("log_mel", 1): RunState.INTERRUPTED,
        }
        assert "log_mel: finished: seed 0; interrupted: seed 1" in shown(found)
    finally:
        aside.rename(model)
        run.paths.settings.unlink()
    assert "all runs are finished" in shown(checked(trained / "experiment.json", audio=False))


@pytest.mark.thorough
def test_what_training_would_refuse_is_a_mistake(trained):
    file = trained / "models" / "log_mel.json"
    text = file.read_text()
    change(file, learning_rate=0.5)
    try:
        found = checked(trained / "experiment.json", audio=False)
    finally:
        file.write_text(text)
    assert len(found.mistakes) == 2
    assert "holds a model trained with other settings" in found.mistakes[0]


@pytest.mark.thorough
def test_the_plan_says_everything(tmp_path, small_corpus):
    (tmp_path / "further").mkdir()
    write_metadata(read_metadata(small_corpus).iloc[:8], tmp_path / "further" / "test.csv")
    path = write_experiment(
        tmp_path,
        small_corpus,
        cross_validation=5,
        datasets=[{"name": "further", "eval_csv_path": "further"}],
        augmentations={"noise": {"module": "audiomentations", "class": "AddGaussianSNR", "p": 1.0}},
    )
    found = checked(path)
    text = shown(found)
    lines = [line.split() for line in text.splitlines()]
    training = len(load_run_data(plan_runs(load_experiment(path))[0]).rows("train"))
    assert "10 runs, 2 models: 10 to do" in text
    assert f"{tmp_path}/results/small/MODEL/seed_N/model" in text
    assert "evaluation on synthetic, further" in text
    assert f"recommended: {found.recommended}" in text.replace("\n", " ")
    assert f"chosen: KERAS_BACKEND={keras.config.backend()}, float32" in text
    assert "splits (speaker) of log_mel, wav2vec2" in text
    assert len([line for line in lines if line[1:2] == ["train"] and line[0].isdigit()]) == 3
    assert ["all", "5", "train"] in [line[:3] for line in lines]
    assert next(line[:4] for line in lines if line[:1] == ["log_mel"]) == ["log_mel", str(training), "×", "2"]
    assert "log_mel: 1 of 2 s; 8 utterances each in training, 8 in evaluation" in text
    assert "log_mel: scratch:log_mel, random weights" in text
    assert f"to be looked at first: {len(found.warnings)} warnings; then: kser train {path}" in text
    assert found.mistakes == []


def test_what_is_not_here_yet_is_no_mistake(tmp_path, offline):
    path = write_experiment(
        tmp_path,
        tmp_path / "data/emodb/metadata.csv",
        models=["log_mel"],
        cross_validation=110,
        datasets=[{"name": "mine", "eval_csv_path": str(tmp_path / "nowhere")}],
    )
    known = {"name": "xlsr", "model_path_or_name": "facebook/wav2vec2-large-xlsr-53"}
    (tmp_path / "models" / "xlsr.json").write_text(json.dumps(known))
    found = checked(path)
    assert found.mistakes == []
    corpus, test_set, checkpoint = sorted(
        found.to_obtain, key=lambda line: ("emodb" not in line, line[:1] != "/")
    )
    assert "kser data prepare emodb --source FOLDER_OR_ARCHIVE --output-path" in corpus
    assert str(tmp_path / "nowhere" / "test.csv") in test_set
    assert checkpoint.startswith("facebook/wav2vec2-large-xlsr-53: folder not found, the Hugging Face hub")
    text = shown(found)
    assert "220 runs, 2 models: 220 to do" in text
    assert "the experiment is right; to be obtained before it can run here: 3" in text
    assert ["xlsr", "315,438,720"] in [line.split()[:2] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nowhere", "folder not found, and not a Hugging Face id"),
        ("scratch:nothing", "unknown architecture"),
        ("empty", "has no config.json"),
    ],
)
def test_a_checkpoint_that_cannot_be_is_a_mistake(tmp_path, small_corpus, monkeypatch, name, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    change(tmp_path / "models" / "log_mel.json", model_path_or_name=name)
    (mistake,) = checked(path, audio=False).mistakes
    assert mistake.startswith(str(tmp_path / "models" / "log_mel.json"))
    assert line in mistake


@pytest.mark.thorough
def test_a_checkpoint_without_weights_is_known_by_its_configuration(tmp_path, small_corpus):
    config = {"model_type": "wav2vec2", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config |= {"intermediate_size": 24, "conv_dim": [8] * 7, "num_conv_pos_embeddings": 8}
    config |= {"num_conv_pos_embedding_groups": 2}
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "config.json").write_text(json.dumps(config))
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    model = {"name": "w", "model_path_or_name": str(tmp_path / "checkpoint")}
    (tmp_path / "models" / "log_mel.json").write_text(json.dumps(model))
    found = checked(path)
    assert (found.mistakes, len(found.to_obtain)) == ([], 1)
    assert "has config.json but no weights" in found.to_obtain[0]
    (plan,) = found.models
    assert plan.parameters > plan.trained > 0
    assert plan.memory.activations > 0


@pytest.mark.thorough
def test_what_is_assumed_of_a_checkpoint_and_replaced_in_it_is_told(tmp_path, small_corpus):
    model = published_classifier(tmp_path / "published")
    (model / "preprocessor_config.json").unlink()
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    file = tmp_path / "models" / "log_mel.json"
    fields = {"name": "published", "model_path_or_name": str(model)}
    file.write_text(json.dumps(fields))
    assumed = f"{model}: has no preprocessor_config.json and no processor_config.json; assumed is audio at "
    replaced = (
        f"{model}: its trained head (EmotionClassifier) is replaced by a new one; continue_model_training"
    )

    def said(line):
        return sum(note.startswith(line) for note in checked(path, audio=False).notes)

    assert (said(assumed), said(replaced)) == (1, 1)
    change(file, continue_model_training=True)
    assert (said(assumed), said(replaced)) == (1, 0)


@pytest.mark.thorough
def test_layers_that_would_never_join_are_a_mistake_as_in_training(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"], cross_validation=2)
    file = tmp_path / "models" / "log_mel.json"
    change(file, gradual_unfreezing_epochs=1.3)
    assert checked(path).mistakes == []
    change(file, gradual_unfreezing_epochs=1.9)
    found = checked(path)
    (mistake,) = found.mistakes
    assert mistake.startswith(f"{file}: gradual_unfreezing_epochs: the first layer would join at update 8 ")
    assert mistake.endswith("(seed 0–1)")
    assert "ready" not in shown(found)
    with pytest.raises(UserError) as error:
        train_experiment(load_experiment(path), [0])
    line = mistake.removeprefix(f"{file}: ").removesuffix(" (seed 0–1)")
    assert line in str(error.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_experiments_are_right(tmp_path, monkeypatch, offline, name):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    found = checked(Path("configs/experiments") / name, audio=False)
    assert found.mistakes == []
    assert any("kser data prepare" in line for line in found.to_obtain)
    assert "the experiment is right; to be obtained before it can run here" in shown(found)


@pytest.mark.thorough
def test_every_bad_audio_file_is_told(tmp_path, small_corpus):
    table = read_metadata(small_corpus)
    bad = []
    for place in range(0, 14, 2):
        bad.append(tmp_path / f"{place}.wav")
        soundfile.write(bad[-1], np.linspace(-0.5, 0.5, 10), 16000)
        table.loc[table.index[place], "path"] = str(bad[-1])
    write_metadata(table, tmp_path / "metadata.csv")
    path = write_experiment(tmp_path, tmp_path / "metadata.csv", models=["log_mel"])
    mistakes = checked(path).mistakes
    assert [line.partition(":")[0] for line in mistakes] == [str(file) for file in bad]
    change(path, on_bad_audio="skip")
    skipping = checked(path)
    assert skipping.mistakes == []
    assert len([line for line in skipping.notes if line.startswith("left out: ")]) == len(bad)
    assert checked(path, audio=False).notes == [
        line for line in skipping.notes if not line.startswith("left out: ")
    ]


def test_mistakes_of_all_kinds_are_told_together(tmp_path, small_corpus):
    path = write_experiment(
        tmp_path,
        small_corpus,
        augmentations={"noise": {"module": "audiomentations", "class": "Nothing"}},
        mlflow="sqlite:///mlflow.db",
    )
    change(tmp_path / "models" / "wav2vec2.json", backbone_arguments={"hidden_dims": 8})
    mistakes = "\n".join(checked(path, audio=False).mistakes)
    for said in ("augmentations.noise", "mlflow: ", "has no argument hidden_dims; did you mean hidden_dim?"):
        assert mistakes.count(said) == 1


def test_a_split_that_shares_speakers_is_warned_of(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    assert "in more than one part" not in " ".join(check_study(load_experiment(path), audio=False).warnings)
    dataset = json.loads(path.read_text())["training_dataset"]
    change(path, training_dataset={**dataset, "split": {"scheme": "random"}}, cross_validation=2)
    (warning,) = check_study(load_experiment(path), audio=False).warnings
    assert warning.startswith("split random of log_mel: ")
    assert "in more than one part (seed 0–1): results on that corpus look better" in warning


def test_many_seeds_share_their_splits_among_models(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, cross_validation=3)
    change(tmp_path / "models" / "wav2vec2.json", train_test_split=0.6)
    experiment = load_experiment(path)
    runs = plan_runs(experiment)
    data = read_inputs(experiment, runs).data
    for run in runs:
        alone = load_run_data(run)
        assert data[run.model.name, run.seed].split_fingerprint == alone.split_fingerprint
    assert data["log_mel", 0] is not data["wav2vec2", 0]
    change(tmp_path / "models" / "wav2vec2.json", train_test_split=0.8)
    experiment = load_experiment(path)
    data = read_inputs(experiment, plan_runs(experiment)).data
    assert data["log_mel", 0] is data["wav2vec2", 0]


def test_a_folder_that_cannot_be_written_to_is_a_mistake(tmp_path, small_corpus, monkeypatch):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"], output_path=str(tmp_path / "file"))
    (tmp_path / "file").touch()
    monkeypatch.setattr("os.access", lambda folder, mode: folder != tmp_path)
    mistakes = checked(path, audio=False).mistakes
    assert mistakes == [
        f"{tmp_path}/results/small/log_mel/seed_0: cannot be written: {tmp_path} is not writable",
        f"{tmp_path}/file/small/log_mel/seed_0: cannot be written: {tmp_path}/file is a file",
    ]
    with pytest.raises(UserError) as refused:
        train_experiment(load_experiment(path))
    assert str(refused.value).splitlines() == mistakes


def test_checkpoints_of_keras_hub_are_left_to_the_first_run():
    found = find_checkpoint("kaggle://keras/moonshine/keras/moonshine_tiny_en")
    assert (found.to_obtain, found.has_config) == ("", False)


def test_seeds_in_ranges():
    assert in_ranges([7, 0, 1, 2, 9, 10]) == "0–2, 7, 9–10"
    assert in_ranges([]) == ""


def temporary_bytes(backbone, batch_size, samples, of_gradient=True):
    """What XLA sets aside for the gradient of a training step, or for inference."""
    jax = pytest.importorskip("jax")
    if keras.config.backend() != "jax":
        pytest.skip("asks XLA")

    def loss(trainable, fixed, inputs):
        outputs, _ = backbone.stateless_call(trainable, fixed, inputs, training=of_gradient)
        return keras.ops.mean(keras.ops.square(outputs["sequence_output"]))

    inputs = {
        "waveform": np.zeros((batch_size, samples), "float32"),
        "padding_mask": np.ones((batch_size, samples), bool),
    }
    values = (
        [variable.value for variable in backbone.trainable_variables],
        [variable.value for variable in backbone.non_trainable_variables],
    )
    computed = jax.grad(loss) if of_gradient else loss
    compiled = jax.jit(computed).lower(*values, inputs).compile()
    return compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.thorough
def test_activations_are_within_a_factor_of_2_of_a_transformer(frozen):
    backbone = wav2vec2("group", num_layers=3, hidden_dim=64, intermediate_dim=256, num_heads=4, dropout=0.1)
    if frozen:
        backbone.freeze_feature_encoder()
    estimate = activation_bytes(backbone, 8, 4000)
    assert 0.5 < temporary_bytes(backbone, 8, 4000) / estimate < 2.0


def test_activations_are_within_a_factor_of_2_of_the_log_mel_baseline():
    backbone = LogMelBackbone()
    assert 0.5 < temporary_bytes(backbone, 8, 32000) / activation_bytes(backbone, 8, 32000) < 2.0


@pytest.mark.parametrize("apart", [True, False])
def test_frozen_layers_keep_nothing(monkeypatch, apart):
    monkeypatch.setattr(memory, "computes_apart", lambda: apart)

    def kept(frozen_layers):
        backbone = wav2vec2("group", num_layers=4, hidden_dim=64, intermediate_dim=256, num_heads=4)
        backbone.freeze_feature_encoder()
        backbone.freeze_layers(frozen_layers)
        return activation_bytes(backbone, 8, 8000)

    assert kept(0) > kept(1) > kept(2)
    if apart:  # a layer in use comes on top
        assert kept(0) - kept(1) == kept(1) - kept(2)
    else:
        assert kept(2) == pytest.approx(kept(0) / 2)


@pytest.mark.parametrize("backbone", [lambda: wav2vec2("group", num_layers=3), LogMelBackbone])
def test_activations_of_inference_are_within_a_factor_of_2_of_one_recording(backbone):
    frozen = backbone()
    frozen.freeze_layers("all")
    estimate = activation_bytes(frozen, 1, 32000)
    assert 0.5 < temporary_bytes(frozen, 1, 32000, of_gradient=False) / estimate < 2.0


@pytest.mark.thorough
def test_a_backbone_that_is_computed_once_takes_one_recording_at_a_time(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["wav2vec2"])
    file = tmp_path / "models" / "wav2vec2.json"

    def activations(**fields):
        change(file, **fields)
        (plan,) = checked(path).models
        return plan.memory.activations

    trained, once = activations(), activations(freeze_layers="all")
    every_epoch = activations(pooling_mode="att_stats")  # frames, and no folder for them
    assert trained >= every_epoch == 8 * once
    assert activations(feature_cache=str(tmp_path / "cache")) == once


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX divides batches")
def test_devices_share_what_a_step_keeps(monkeypatch, tmp_path, small_corpus):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0", "cpu:1", "cpu:2"])
    found = {}
    for devices in (1, "all"):
        path = write_experiment(tmp_path, small_corpus, models=["wav2vec2"], devices=devices)
        check = checked(path)
        (plan,) = check.models
        found[devices] = plan.memory
        assert ("memory of training on each device" in shown(check)) is (devices == "all")
    # A batch of 8 has 9 places on three devices.
    assert 8 * found["all"].activations == 3 * found[1].activations
    assert found["all"].weights == found[1].weights


@pytest.mark.parametrize(("times", "is_warned_of"), [(0.4, True), (0.6, False)])
def test_batches_that_no_memory_holds(monkeypatch, tmp_path, small_corpus, times, is_warned_of):
    path = write_experiment(tmp_path, small_corpus, models=["wav2vec2"])
    (plan,) = checked(path).models
    monkeypatch.setattr(memory, "machine_memory", lambda: int(times * plan.memory.activations))
    found = checked(path)
    says = f"{tmp_path / 'models' / 'wav2vec2.json'}: a step with recordings of "
    warned = [line for line in found.warnings if line.startswith(says)]
    assert len(warned) == is_warned_of and all("give the experiment a max_seconds" in line for line in warned)
    assert ("ready" in shown(found)) is not is_warned_of
    assert checked(path, audio=False).warnings == []


def test_memory_counts_accumulated_gradients_and_averages():
    plain = estimate_memory(10, 6, accumulates=False, averages=False, activations=100)
    assert (plain.weights, plain.gradients, plain.optimizer, plain.total) == (40, 24, 48, 212)
    more = estimate_memory(10, 6, accumulates=True, averages=True, activations=None)
    assert (more.gradients, more.optimizer) == (48, 72)


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `kser check`; its status, what it printed and the mistakes that it told."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["kser", "check", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return end.value.code, printed.out, printed.err.splitlines()

    return run


def test_the_command_ends_with_0_where_all_is_right_and_writes_nothing(tmp_path, small_corpus, command):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    status, out, mistakes = command("--experiment-file", path, "--low-seed", 3, "--high-seed", 4)
    assert (status, mistakes) == (0, [])
    assert "log_mel: to do: seed 3–4" in out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["experiment.json", "models"]


@pytest.mark.thorough
def test_the_command_takes_what_is_missing_for_a_mistake_when_strict(tmp_path, command):
    path = write_experiment(tmp_path, tmp_path / "nowhere.csv", models=["log_mel"])
    assert command("--experiment-file", path)[0] == 0
    status, out, (mistake,) = command("--experiment-file", path, "--strict")
    assert status == 2
    assert mistake.startswith(f"kser: {tmp_path}/nowhere.csv: the metadata of synthetic are not here")
    assert "1 run, 1 model: 1 to do" in out


@pytest.mark.thorough
def test_the_command_tells_mistakes_after_the_plan(tmp_path, small_corpus, command):
    path = write_experiment(tmp_path, small_corpus)
    change(tmp_path / "models" / "log_mel.json", backbone_arguments={"filtres": [8]})
    status, out, (mistake,) = command("--experiment-file", path, "--no-audio")
    assert status == 2
    assert "no argument filtres; did you mean filters?" in mistake
    assert "wav2vec2: scratch:wav2vec2, random weights" in out
    assert "ready" not in out


def test_the_command_wants_a_file(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    assert command() == (2, "", ["kser: give an experiment file; run.json not found here"])


def test_an_update_of_more_batches_than_an_epoch_is_told(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    file = tmp_path / "models" / "log_mel.json"
    training = len(load_run_data(plan_runs(load_experiment(path))[0]).rows("train"))
    batches = -(-training // 8)
    change(file, gradient_accumulation_steps=batches, number_of_training_epochs=1)
    assert "an update takes" not in " ".join(checked(path, audio=False).notes)
    change(file, gradient_accumulation_steps=7 * batches)
    assert (
        f"{file}: gradient_accumulation_steps: an update takes {7 * batches} batches, and an epoch has "
        f"{batches}: number_of_training_epochs 1 becomes 7 epochs (updates: 1)"
    ) in checked(path, audio=False).notes


def test_a_batch_larger_than_the_training_part_is_told(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    file = tmp_path / "models" / "log_mel.json"
    training = len(load_run_data(plan_runs(load_experiment(path))[0]).rows("train"))
    change(file, per_device_batch_size=training)
    assert "per_device_batch_size" not in " ".join(checked(path, audio=False).notes)
    change(file, per_device_batch_size=training + 1)
    (note,) = [line for line in checked(path, audio=False).notes if "per_device_batch_size" in line]
    assert note.startswith(
        f"{file}: per_device_batch_size: {training + 1} is more than the training part has ({training} "
    )


@pytest.mark.parametrize(
    ("fields", "needed"),
    [
        ({}, 0.02),
        ({"lr_scheduler": "constant"}, 0.02),
        ({"lr_scheduler": "cosine", "warmup_ratio": 0.5}, 0.02),
        ({"freeze_layers": "all"}, 0.02),
        ({"lora_rank": 2}, 0.02),
        ({"model_path_or_name": "facebook/wav2vec2-base"}, 0.001),
        ({"model_path_or_name": "facebook/wav2vec2-base", "freeze_layers": "all"}, 0.02),
    ],
)
def test_a_learning_rate_that_moves_nothing_is_told(tmp_path, small_corpus, fields, needed):
    path = write_experiment(tmp_path, small_corpus, models=["wav2vec2"])
    file = tmp_path / "models" / "wav2vec2.json"
    arguments = {"per_device_batch_size": 3, "gradient_accumulation_steps": 1, **fields}
    (run,) = plan_runs(load_experiment(path))

    def notes(learning_rate):
        change(file, learning_rate=learning_rate, **arguments)
        experiment = load_experiment(path)
        found = read_inputs(experiment, plan_runs(experiment)).notes
        return [line for line in found if "next to nothing" in line]

    training = len(load_run_data(run).rows("train"))
    updates = run.model.number_of_training_epochs * -(-training // 3)
    mean = 1.0 if fields.get("lr_scheduler") == "constant" else 0.5
    limit = needed / (mean * updates)
    assert notes(1.01 * limit) == []
    (note,) = notes(0.99 * limit)
    assert note.startswith(
        f"{file}: learning_rate: in {updates} updates of at most {0.99 * limit:g} a weight"
    )
    for advised in re.findall(r"raise it to ([\d.e-]+)", note):
        assert float(advised) <= (0.003 if needed == 0.02 else 0.0002)
    assert "make more updates" in note


@pytest.mark.parametrize(("epochs", "is_advised"), [(1, False), (3000, True)])
def test_a_higher_learning_rate_is_advised_only_where_it_does_no_harm(
    tmp_path, small_corpus, epochs, is_advised
):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    file = tmp_path / "models" / "log_mel.json"
    change(file, number_of_training_epochs=epochs, learning_rate=1e-7, gradient_accumulation_steps=1)
    experiment = load_experiment(path)
    notes = " ".join(read_inputs(experiment, plan_runs(experiment)).notes)
    assert "next to nothing" in notes
    assert ("raise it to" in notes) == is_advised


def test_a_learning_rate_that_is_searched_is_not_judged(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"])
    change(tmp_path / "models" / "log_mel.json", learning_rate=1e-9, skip_hp_search=False)
    experiment = load_experiment(path)
    notes = read_inputs(experiment, plan_runs(experiment)).notes
    assert "next to nothing" not in " ".join(notes)


@pytest.mark.thorough
def test_what_is_wrong_with_any_model_stops_training_and_check_alike(tmp_path, small_corpus):
    path = write_experiment(tmp_path, small_corpus)
    change(tmp_path / "models" / "wav2vec2.json", model_path_or_name="scratch:wav2vec3")
    change(tmp_path / "models" / "log_mel.json", freeze_layers=9)
    experiment = load_experiment(path)
    runs = plan_runs(experiment)
    mistakes = refusals(runs, read_inputs(experiment, runs).data)
    assert [line.split(": ")[0] for line in mistakes] == [
        str(tmp_path / "models" / name) for name in ("log_mel.json", "wav2vec2.json")
    ]
    assert checked(path, audio=False).mistakes == mistakes


def test_a_class_that_would_be_lost_with_bad_audio_is_a_mistake(tmp_path, small_corpus):
    table = read_metadata(small_corpus).copy()
    for position in table.index[table["class_id"] == "anger"]:
        (tmp_path / f"{position}.wav").write_bytes(b"no audio")
        table.loc[position, "path"] = str(tmp_path / f"{position}.wav")
    write_metadata(table, tmp_path / "metadata.csv")
    path = write_experiment(tmp_path, tmp_path / "metadata.csv", models=["log_mel"], on_bad_audio="skip")
    lines = checked(path).mistakes
    assert [line.partition(" can be used: ")[0] for line in lines] == [
        f"{tmp_path}/metadata.csv: no audio file of anger in the {part} part"
        for part in ("train", "validation", "test")
    ]


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX divides batches")
def test_devices_are_counted_and_what_they_compute_in_vain(monkeypatch, tmp_path, small_corpus):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0", "gpu:1", "gpu:2"])
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"], devices="all")
    text = shown(checked(path))
    assert "8 utterances each in training (3 on each of 3 devices), 8 in evaluation" in " ".join(text.split())
    (note,) = [note for note in checked(path).notes if "further place" in note]
    assert note.endswith("8 is no multiple of 3 devices: in each batch 1 further place is computed in vain")
    change(path, devices=4)
    missing = f"{path}: devices: 4 asked for, and JAX has 3 here (gpu:0, gpu:1, gpu:2)"
    # A machine of a cluster may have them.
    assert f'{missing}; "all" takes those that there are' in checked(path).to_obtain
    assert not checked(path).mistakes
    with pytest.raises(UserError, match="devices: 4 asked for"):
        train_experiment(load_experiment(path))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("devices", [0, True, "two"])
def test_devices_are_a_number_or_all(tmp_path, small_corpus, devices):
    path = write_experiment(tmp_path, small_corpus, models=["log_mel"], devices=devices)
    with pytest.raises(UserError, match=r'devices: .*should be a whole number from 1, or "all"'):
        load_experiment(path)
