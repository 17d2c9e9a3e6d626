"""`kser analyse`, and its figures in `kser report`."""

import pytest

from tests.representations.analysing.made_up import metadata, noise, planted, run_facts, write_store


@pytest.fixture
def states(tmp_path):
    (tmp_path / "audio").mkdir()
    table = metadata(tmp_path / "audio")
    for step in (0, 50):
        layers = {
            number: noise(table, number) + step / 25 * planted(table, "class_id", 9) for number in (0, 1)
        }
        write_store(tmp_path / "states" / str(step), table, layers, run_facts(0, step))
    return tmp_path / "states"


def test_tables_and_figures_are_written_and_said(run, states, tmp_path):
    ended = run(
        *(
            "analyse",
            states,
            "--output",
            tmp_path / "analysis",
            "--parts",
            "drift,geometry",
            "--workers",
            "1",
        ),
        *("--classes", "class_id"),
    )
    assert ended.status == 0
    assert f"{tmp_path}/analysis: 2 stores, 72 utterances of 6 speakers; tables: drift, geometry" in ended.out
    assert "analysis: 6 jobs" in ended.err
    assert "what 2 models learned from is not known" in ended.err
    names = {path.name for path in (tmp_path / "analysis").iterdir()}
    assert names == {"analysis.json", "drift.csv", "geometry.csv", "seeds.csv", "figures"}


def test_mistakes_are_one_line(run, states, tmp_path):
    for arguments, message in (
        (
            ["--parts", "probe"],
            "--parts probe: must be of similarity, features, drift, geometry, probes, maps",
        ),
        (["--measures", "cca"], "--measures cca: must be of cka, rbf_cka, svcca, pwcca, procrustes, rsa"),
        (["--map", "tsne"], "--map tsne: must be of pca, umap"),
        (["--workers", "0"], "--workers 0: must be at least 1"),
        (["--features", tmp_path], f"{tmp_path}: holds no expert features (no features.json)"),
    ):
        ended = run("analyse", states, "--output", tmp_path / "analysis", *arguments)
        assert ended.status == 2
        assert ended.lines[-1].startswith(message)
    assert not (tmp_path / "analysis").exists()
