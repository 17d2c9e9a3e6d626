"""A first experiment is one that kser accepts, and never overwrites another."""

from pathlib import Path

import pytest

from kser.checkpoints.named_checkpoints import NAMED_CHECKPOINTS
from kser.corpora.recipes import RECIPES
from kser.errors import UserError
from kser.experiment.config.loading import load_experiment
from kser.experiment.config.starter import write_starter


@pytest.fixture
def metadata(tmp_path):
    path = tmp_path / "our calls.csv"
    path.write_text("path,class_id,actor\na.wav,anger,1\nb.wav,calm,2\n")
    return path


@pytest.mark.parametrize("name", RECIPES)
def test_every_corpus_has_a_start(tmp_path, name):
    written = write_starter(tmp_path, corpus=name)
    definition = load_experiment(written[0])
    assert definition.config.training_dataset.data_csv == f"data/{name}/metadata.csv"
    assert f"kser data prepare {name}" in written[-1].read_text()


@pytest.mark.parametrize("model", NAMED_CHECKPOINTS)
def test_every_named_checkpoint_can_be_the_model(tmp_path, metadata, model):
    written = write_starter(tmp_path / "new", data=metadata, model=model)
    definition = load_experiment(written[0])
    assert [each.model_path_or_name for each in definition.models] == [model]
    assert Path(definition.config.training_dataset.data_csv) == metadata
    assert NAMED_CHECKPOINTS[model].licence in written[-1].read_text()


def test_columns_that_other_toolkits_have_are_named_in_the_experiment(tmp_path):
    table = tmp_path / "calls.csv"
    table.write_text("file;emotion;speaker;sex\na.wav;anger;1;f\nb.wav;calm;2;m\n")
    experiment, _, readme = write_starter(tmp_path / "new", data=table)
    columns = {"file": "path", "emotion": "class_id", "speaker": "actor", "sex": "gender"}
    assert load_experiment(experiment).config.training_dataset.columns == columns
    assert "| `columns` |" in readme.read_text()


@pytest.mark.parametrize("header", ["file,emotion,factor", "file,mood,speaker"])
def test_a_column_that_only_looks_like_one_is_not_taken_for_it(tmp_path, header):
    table = tmp_path / "calls.csv"
    table.write_text(f"{header}\na.wav,anger,1\n")
    with pytest.raises(UserError, match="the header lacks 'path', 'class_id', 'actor'"):
        write_starter(tmp_path / "new", data=table)


def test_the_readme_explains_every_field_that_is_set(tmp_path, metadata):
    experiment, model, readme = write_starter(tmp_path / "new", data=metadata)
    definition = load_experiment(experiment)
    for fields in (
        definition.config.model_fields_set - {"training_dataset"},
        definition.models[0].model_fields_set,
    ):
        assert all(f"| `{name}` |" in readme.read_text() for name in fields)
    assert model.name == "log_mel.json"


def test_files_are_only_replaced_by_force(tmp_path):
    written = write_starter(tmp_path, corpus="emodb")
    written[0].write_text("mine")
    with pytest.raises(UserError, match=r"experiment\.json: exists; --force replaces it"):
        write_starter(tmp_path, corpus="emodb")
    assert written[0].read_text() == "mine"
    write_starter(tmp_path, corpus="emodb", force=True)
    assert written[0].read_text() != "mine"


def test_what_cannot_be_used_is_refused_before_anything_is_written(tmp_path, metadata):
    new = tmp_path / "new"
    for arguments, message in (
        ({"corpus": "emod"}, "emodb"),
        ({"data": tmp_path / "none.csv"}, "not found"),
        ({"data": metadata, "model": "wavlm_bass"}, "--model: wavlm_bass not found"),
        ({}, "either a corpus or a metadata CSV"),
    ):
        with pytest.raises(UserError, match=message):
            write_starter(new, **arguments)
    assert not new.exists()
