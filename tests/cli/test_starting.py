"""`kser init` and `kser configs` as a user meets them."""

from tests.cli.commands import refused


def test_what_init_writes_is_found_right_by_check(run, tmp_path, study, monkeypatch):
    monkeypatch.chdir(tmp_path)
    metadata = next(iter(sorted(study.rglob("metadata.csv"))))
    ended = run("init", "--data", metadata, "--output", "first")
    assert (ended.status, ended.err) == (0, "")
    assert "next: kser check first/experiment.json" in ended.out
    checked = run("check", "first/experiment.json")
    assert checked.status == 0, checked.err


def test_without_a_terminal_nothing_is_asked(run, tmp_path):
    assert refused(run, tmp_path, "init") == ["give --corpus NAME (see kser data list) or --data CSV"]
    assert refused(run, tmp_path, "init", "--corpus", "emodb", "--data", "x.csv") == [
        "give --corpus or --data, not both"
    ]


def test_shipped_experiments_are_listed_and_copied(run, tmp_path):
    assert "emodb_log_mel" in run("configs", "list").out
    ended = run("configs", "copy", "emodb_log_mel", tmp_path / "mine")
    assert ended.status == 0
    assert ended.out.splitlines()[-1] == f"next: kser check {tmp_path / 'mine' / 'emodb_log_mel.json'}"
    assert (tmp_path / "mine" / "models" / "log_mel.json").is_file()
    assert refused(run, tmp_path, "configs", "copy", "emodb_log_mel", tmp_path / "mine")[0].startswith(
        "mine/"
    )
