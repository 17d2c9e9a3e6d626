"""A whole analysis: what was planted is found where it was planted, and nothing is computed twice."""

import json
import os
import signal
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from kser.analysis.geometry import effective_rank, rankme
from kser.analysis.vectors import standardised
from kser.errors import UserError
from kser.report.images import file_image
from kser.representations.analysing import study, workers
from kser.representations.analysing.checkpoints import found_checkpoints
from kser.representations.analysing.context import Context
from kser.representations.analysing.settings import AnalysisSettings
from kser.representations.analysing.study import analyse
from kser.representations.analysing.utterances import common_utterances
from kser.representations.analysing.workers import outcomes
from kser.representations.embedding.store import Store
from tests.analysis.made_up import rotation
from tests.representations.analysing.made_up import (
    CHANNELS,
    metadata,
    noise,
    planted,
    run_facts,
    write_store,
)

STEPS = (0, 50, 100)


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """Two seeds × three stages of four layers: noise; the speaker; ever more emotion; the same turned."""
    folder = tmp_path_factory.mktemp("analysis")
    (folder / "audio").mkdir()
    table = metadata(folder / "audio")
    for seed in range(2):
        for step in STEPS:
            layers = {number: noise(table, 10 * number) for number in range(4)}
            layers[1] = layers[1] + planted(table, "actor", 2)
            layers[2] = layers[2] + planted(table, "class_id", 1, 0.3 + step / 40)
            layers[3] = 2 * layers[2] @ rotation(CHANNELS) + 1
            moved = {number: vectors + step / 1000 * noise(table, seed) for number, vectors in layers.items()}
            write_store(folder / "states" / f"{seed}_{step}", table, moved, run_facts(seed, step))
    return folder / "states"


@pytest.fixture(scope="module")
def quick(states, tmp_path_factory):
    """Everything but probes."""
    settings = AnalysisSettings(
        parts=("similarity", "drift", "geometry", "maps"),
        measures=("cka", "procrustes"),
        classes=("class_id", "actor"),
        standardise=False,
    )
    return analyse([states], tmp_path_factory.mktemp("quick") / "analysis", settings, workers=1)


def test_a_turned_layer_is_the_same(quick):
    table = quick.tables["similarity"]
    own = table[(table["stage"] == "0") & (table["other_stage"] == "0")]
    values = own.set_index(["measure", "layer", "other_layer"])["value"]
    assert values["cka", 2, 3] == pytest.approx(1, abs=1e-5)
    assert values["procrustes", 2, 3] == pytest.approx(0, abs=1e-2)
    assert abs(values["cka", 0, 2]) < 0.1
    across = table[(table["stage"] == "0") & (table["other_stage"] == "100")]
    assert len(across) == 2 * 4 * 4
    seeds = table[table["other_seed"] == "1"]
    assert seeds["layer"].tolist() == seeds["other_layer"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_layer_that_was_trained_has_moved(quick):
    table = quick.tables["drift"]
    assert set(table["stage"]) == {"50", "100"}
    moved = table[table["stage"] == "100"].groupby("layer")["rearranged"].mean()
    assert moved[2] > 0.3 and moved[2] == pytest.approx(moved[3], abs=0.05)
    assert max(moved[0], moved[1]) < 0.1


def test_labels_lie_together_where_they_were_planted(quick):
    table = quick.tables["geometry"]
    last = table[table["stage"] == "100"].groupby("layer").mean(numeric_only=True)
    assert last["silhouette_class_id"].idxmax() in (2, 3)
    assert last["silhouette_actor"].idxmax() == 1
    assert last.loc[2, "effective_rank"] < last.loc[0, "effective_rank"]


def test_rankme_is_of_vectors_as_they_are_and_the_other_ranks_of_standardised_ones(states, tmp_path):
    settings = AnalysisSettings(parts=("geometry",), classes=("class_id",))
    table = analyse([states / "0_0"], tmp_path / "analysis", settings, workers=1).tables["geometry"]
    layers = Store.at(states / "0_0").arrays
    assert table["rankme"].tolist() == pytest.approx([rankme(layers[number]) for number in range(4)])
    assert table["effective_rank"].tolist() == pytest.approx(
        [effective_rank(standardised(layers[number])) for number in range(4)]
    )
    # Most of layer 3 is its mean, which centring takes away.
    assert table["rankme"][3] < table["effective_rank"][3] - 0.5


def test_two_commands_do_not_write_one_folder(states, tmp_path):
    settings = AnalysisSettings(parts=("drift",))

    def begin_another(done, total):
        with pytest.raises(UserError, match=r"--output .*analysis: is being written by"):
            analyse([states], tmp_path / "analysis", settings, workers=1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse([states], tmp_path / "analysis", settings, workers=1, show=begin_another)
    assert (tmp_path / "analysis.partial").is_dir()


def test_seeds_are_summed_up(quick):
    seeds = quick.seeds
    assert set(seeds["seeds"]) == {2}
    place = (seeds["measure"] == "moved") & (seeds["stage"] == "50") & (seeds["layer"] == 2)
    (row,) = seeds[place].to_dict("records")
    drift = quick.tables["drift"]
    own = drift[(drift["stage"] == "50") & (drift["layer"] == 2)]["moved"]
    assert row["mean"] == pytest.approx(own.mean())
    half_width = 12.706204736432095 * own.std(ddof=1) / np.sqrt(2)  # Student's t, one degree of freedom
    assert row["high"] - row["mean"] == pytest.approx(half_width)


def test_maps_have_a_point_for_each_utterance(quick):
    table = quick.tables["maps"]
    assert set(table["seed"]) == {"0"} and set(table["stage"]) == {"0", "100"}
    assert len(table) == 2 * 4 * 72


def test_each_figure_is_there_as_svg_and_png_and_enters_the_report(quick):
    assert set(quick.figures) == {
        "drift_tiny",
        "geometry",
        "similarity_cka",
        "similarity_procrustes",
        *(f"map_tiny_by_{label}" for label in ("class_id", "actor")),
    }
    for name in quick.figures:
        svg, png = (quick.figure_file(name, file_format) for file_format in ("svg", "png"))
        assert svg.read_bytes().startswith(b"<?xml") and png.read_bytes().startswith(b"\x89PNG")
        assert "data:image/" in file_image(svg, png, "shown", quick.width(name))


def test_the_same_again_computes_nothing_and_other_settings_are_refused(quick, states, monkeypatch):
    settings = AnalysisSettings(**quick.facts["settings"] | {"parts": ("drift",)})
    with pytest.raises(UserError, match="holds an analysis of other stores or settings"):
        analyse([states], quick.folder, settings)
    monkeypatch.setattr(study, "outcomes", None)
    same = {name: tuple(v) if isinstance(v, list) else v for name, v in quick.facts["settings"].items()}
    assert analyse([states], quick.folder, AnalysisSettings(**same)).facts == quick.facts


def test_other_files_are_left_alone(states, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is there already and holds no analysis"):
        analyse([states], tmp_path, AnalysisSettings(parts=("drift",)))


def test_an_interrupted_analysis_goes_on_to_the_same_numbers(states, tmp_path):
    settings = AnalysisSettings(parts=("drift",))

    def interrupt(done, total):
        if done == 7:
            raise KeyboardInterrupt

    whole = analyse([states], tmp_path / "whole", settings, workers=1)
    with pytest.raises(KeyboardInterrupt):
        analyse([states], tmp_path / "cut", settings, workers=1, show=interrupt)
    assert not (tmp_path / "cut").exists()
    with (tmp_path / "cut.partial" / "outcomes.jsonl").open("a") as file:
        file.write('{"key": "half a li')
    done = []
    cut = analyse([states], tmp_path / "cut", settings, workers=1, show=lambda count, _: done.append(count))
    assert done[0] == 8
    for name in ("drift.csv", "seeds.csv"):
        assert (cut.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    assert not (tmp_path / "cut.partial").exists()


@dataclass(frozen=True)
class Ended:
    """A job whose process the system ends."""

    key: str = "ended"

    def outcome(self, context):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.thorough
def test_a_worker_that_is_ended_is_told(states):
    checkpoints = found_checkpoints([states])
    utterances = common_utterances(checkpoints, speaker="actor", keep_known=True)
    context = Context(checkpoints, utterances, {}, AnalysisSettings())
    with pytest.raises(UserError, match=r"a worker process was ended, .* --workers 1 takes less"):
        list(outcomes(context, [Ended(), Ended()], 2))


@pytest.mark.thorough
def test_any_number_of_processes_gives_the_same_numbers(states, tmp_path):
    settings = AnalysisSettings(parts=("drift",), keep_known=True)
    one, two = (analyse([states], tmp_path / str(count), settings, workers=count) for count in (1, 2))
    assert (one.folder / "drift.csv").read_bytes() == (two.folder / "drift.csv").read_bytes()


@pytest.mark.thorough
def test_probes_read_what_was_planted_and_nothing_else(states, tmp_path):
    settings = AnalysisSettings(parts=("probes",), numbers=("age",), control_draws=1)
    analysis = analyse([states / "0_0", states / "0_100"], tmp_path / "analysis", settings, workers=2)
    table = analysis.tables["probes"]
    score = table.set_index(["stage", "target", "layer"])["score"].sort_index()
    assert score["100", "class_id", 2] > 0.95
    assert max(score["100", "class_id", 0], score["100", "class_id", 1]) < 0.6
    assert score["100", "actor", 1] > 0.95 and score["100", "actor", 2] < 0.4
    assert score["100", "class_id", 2] > score["0", "class_id", 2]
    assert table[table["target"] == "class_id"]["chance"].tolist() == pytest.approx([1 / 3] * 8)
    # Ages of other speakers do not follow from theirs.
    assert score["100", "age"].max() < 0.5
    strong = table[(table["target"] == "class_id") & (table["layer"] == 2) & (table["stage"] == "100")]
    assert strong["selectivity"].item() > 0.4
    assert strong["low"].item() <= strong["score"].item() <= strong["high"].item()
    assert set(analysis.figures) == {"probes"}


def test_features_are_found_in_the_layer_that_holds_them(states, tmp_path):
    """Features that are the vectors of a layer but for noise; one utterance has none."""
    index = Store.at(states / "0_0").index
    layer = np.asarray(Store.at(states / "0_100").arrays[2])
    columns = [f"f{number}" for number in range(4)]
    features = pd.DataFrame(layer[:, :4] + 0.1 * noise(index, 77)[:, :4], columns=columns)
    features.loc[5, "f0"] = np.nan
    unrelated = pd.DataFrame({"u": noise(index, 99)[:, 0]})
    (tmp_path / "features").mkdir()
    table = pd.concat([index, features, unrelated], axis=1)
    table.to_csv(tmp_path / "features" / "features.csv", index=False)
    groups = {"own": columns, "other": ["u"]}
    facts = {"set": "made-up", "groups": groups, "made_from": "a test"}
    (tmp_path / "features" / "features.json").write_text(json.dumps(facts))
    settings = AnalysisSettings(parts=("features",), permutations=49)
    stores, folder = [states / "0_100"], tmp_path / "analysis"
    found = analyse(stores, folder, settings, features=[tmp_path / "features"], workers=1).tables["features"]
    own = found[found["features"] == "own"].set_index(["measure", "layer"])
    assert set(own["utterances"]) == {71}
    assert own.loc[("cka", 2), "p"] == 1 / 50
    assert own["value"]["cka"].idxmax() in (2, 3) and own["value"]["cka"][2] > 0.4
    assert own["low"]["speaker_cka"][2] < own["value"]["speaker_cka"][2] < own["high"]["speaker_cka"][2] + 0.1
    other = found[(found["features"] == "other") & (found["measure"] == "cka")]
    assert abs(other["value"]).max() < 0.1 and other["p"].max() > 0.1
    unnamed = metadata(states.parent / "audio")
    unnamed["who"] = unnamed["actor"].where(unnamed["actor"] != unnamed["actor"][0], "")
    nameless = analyse(
        [write_store(tmp_path / "unnamed", unnamed, {2: layer}, run_facts(0, 100))],
        tmp_path / "nameless",
        replace(settings, speaker="who"),
        features=[tmp_path / "features"],
        workers=1,
    )
    assert any(
        "features: not every speaker is named (column who)" in each for each in nameless.facts["notes"]
    )
    assert set(nameless.tables["features"]["measure"]) == {"cka"}
    table.iloc[1:].to_csv(tmp_path / "features" / "features.csv", index=False)
    with pytest.raises(UserError, match=r"features: lacks 1 of 72 utterances, .*s0_0_0.wav for one"):
        analyse(stores, tmp_path / "again", settings, features=[tmp_path / "features"])


def test_columns_that_are_not_there_are_told(states, tmp_path):
    for settings, message in (
        (
            AnalysisSettings(parts=("probes",), classes=("mood",)),
            r"--classes mood: the metadata have no such",
        ),
        (
            AnalysisSettings(parts=("probes",), numbers=("gender",)),
            r"--numbers gender: 'male' of .* is no number",
        ),
        (
            AnalysisSettings(parts=("probes",), control_by="sentense"),
            r"--control-by sentense: the metadata have no such column; class_id, actor",
        ),
        (
            AnalysisSettings(parts=("probes",), control_by="actor"),
            r"--control-by actor: is the column of the speakers",
        ),
        (AnalysisSettings(speaker="spaeker"), r"--speaker spaeker: the metadata have no such column; class"),
        (AnalysisSettings(sentence="text"), r"--sentence text: the metadata have no such column"),
        (AnalysisSettings(parts=("maps",), classes=("layer",)), r"--classes layer: tables have a column of"),
    ):
        with pytest.raises(UserError, match=message):
            analyse([states], tmp_path / "analysis", settings)
    for arguments, message in (
        ({"parts": ("probe",)}, r"--parts probe: must be of similarity, features"),
        ({"measures": ()}, r"--measures: none given"),
        ({"permutations": -1}, r"--permutations -1: must be at least 0"),
        ({"seed": -1}, r"--seed -1: must be at least 0"),
    ):
        with pytest.raises(UserError, match=message):
            AnalysisSettings(**arguments)


def test_what_the_data_do_not_allow_is_a_note_and_no_number(tmp_path):
    (tmp_path / "audio").mkdir()
    table = metadata(tmp_path / "audio").iloc[:6]
    write_store(tmp_path / "states", table, {0: noise(table, 0), 1: np.ones((6, CHANNELS))})
    settings = AnalysisSettings(parts=("similarity", "geometry"), measures=("svcca",))
    analysis = analyse([tmp_path / "states"], tmp_path / "analysis", settings, workers=1)
    assert analysis.tables["similarity"]["value"].isna().all()
    assert any("svcca: 6 utterances are too few" in note for note in analysis.facts["notes"])
    assert json.loads((tmp_path / "analysis" / "analysis.json").read_text())["utterances"] == 6


def test_a_single_utterance_has_no_geometry(tmp_path):
    (tmp_path / "audio").mkdir()
    table = metadata(tmp_path / "audio").iloc[:1]
    write_store(tmp_path / "states", table, {0: noise(table, 0)})
    settings = AnalysisSettings(parts=("geometry",))
    analysis = analyse([tmp_path / "states"], tmp_path / "analysis", settings, workers=1)
    assert analysis.tables["geometry"][["effective_rank", "rankme"]].isna().all(axis=None)
    assert not len(analysis.seeds) and not analysis.figures


def test_an_analysis_of_nothing_is_refused(tmp_path):
    (tmp_path / "audio").mkdir()
    table = metadata(tmp_path / "audio").assign(class_id="all the same")
    write_store(tmp_path / "states", table, {0: noise(table, 0)})
    settings = AnalysisSettings(parts=("probes",), classes=("class_id",))
    with pytest.raises(
        UserError, match="nothing can be computed of these stores:\nprobe of class_id: labels"
    ):
        analyse([tmp_path / "states"], tmp_path / "analysis", settings, workers=1)
    assert not (tmp_path / "analysis").exists()


@pytest.mark.parametrize("damaged", ["index.csv", "layer_00.npy"])
def test_rows_that_do_not_belong_together_are_told(tmp_path, damaged):
    (tmp_path / "audio").mkdir()
    table = metadata(tmp_path / "audio")
    file = write_store(tmp_path / "states", table, {0: noise(table, 0)}) / damaged
    if damaged == "index.csv":
        pd.read_csv(file, dtype=str).iloc[:-2].to_csv(file, index=False)
    else:
        np.save(file, np.load(file)[:-2])
    with pytest.raises(UserError, match=r"layer_00.npy: has 7\d rows, but index.csv has 7\d"):
        analyse([tmp_path / "states"], tmp_path / "analysis", AnalysisSettings(parts=("geometry",)))


def test_a_script_without_a_guard_needs_no_other_process(states, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "ProcessPoolExecutor", None)
    assert analyse([states], tmp_path / "analysis", AnalysisSettings(parts=("drift",))).tables
    with pytest.raises(UserError, match="--workers 0: must be at least 1"):
        analyse([states], tmp_path / "none", workers=0)
