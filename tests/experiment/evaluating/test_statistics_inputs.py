"""Results are found wherever they lie; what cannot be read is told; `kser stats` from end to end."""

import json
import math
import sys
from pathlib import Path

import pandas as pd
import pytest

from kser import cli
from kser.errors import UserError
from kser.evaluation.statistics.analysis import analyse
from kser.evaluation.statistics.rendering import write
from kser.experiment.config.loading import load_experiment
from kser.experiment.evaluating.evaluation_csv import COLUMNS
from kser.experiment.evaluating.statistics_inputs import read_results
from kser.experiment.tasks.report_kinds import CLASSES
from tests.evaluation.statistics.simulated import study

REPORT_FILE = CLASSES.file
FACTORS = ["architecture", "pre-fine-tuning"]


def report(row: dict, **more) -> dict:
    """What kser eval writes, of a row of the simulated study."""
    return {
        "model_name": row["model_name"],
        "dataset_name": row["dataset_name"],
        "model_path": "somewhere",
        "test_csv": "test.csv",
        "seed": row["seed"],
        "seen_in_training": {"train": 0, "validation": 0},
        "n": 70,
        "n_excluded": 0,
        "uar": row["uar"],
        "wa": row["uar"] + 0.01,
        "macro_f1": row["uar"] - 0.01,
        "per_label": [{"label": str(i), "support": 10 * (i < 7)} for i in range(8)],
        **more,
    }


def write_reports(folder, runs, factors=FACTORS, **more):
    for row in runs.to_dict("records"):
        place = folder / row["model_name"] / f"seed_{row['seed']}" / "evaluation" / row["dataset_name"]
        place.mkdir(parents=True)
        named = {"factors": {name: row[name] for name in factors}} if factors else {}
        (place / REPORT_FILE).write_text(json.dumps(report(row, **named, **more)))


@pytest.fixture
def stats(monkeypatch, capsys):
    """`kser stats`: exit status, what it said, and what it complained of."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["kser", "stats", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        return end.value.code, printed.out, printed.err

    return run


def test_reports_anywhere_below_a_folder(tmp_path):
    runs = study(seeds=2)
    write_reports(tmp_path / "results" / "study", runs)
    draft = tmp_path / "results" / f".{REPORT_FILE}.draft" / REPORT_FILE
    draft.parent.mkdir()
    draft.write_text("half")
    inputs = read_results(tmp_path)
    assert inputs.problems == []
    assert inputs.factors == FACTORS
    assert inputs.metrics == ["uar", "wa", "macro_f1"]
    assert len(inputs.results) == len(runs)
    assert set(inputs.results["n_classes"]) == {7.0}, "classes with samples"
    assert set(inputs.results["subgroup"]) == {"all"}
    merged = inputs.results.merge(runs, on=["model_name", "dataset_name", "seed", *FACTORS])
    assert merged["uar_x"].tolist() == merged["uar_y"].tolist()


def test_reports_without_factors_and_with_subgroups(tmp_path):
    parts = {"female": {"n": 30, "uar": 0.7, "wa": 0.6}, "male": {"n": 40, "uar": None, "wa": 0.5}}
    write_reports(tmp_path, study(seeds=1), factors=(), subgroups={"gender": parts})
    inputs = read_results(tmp_path)
    assert inputs.factors == []
    genders = inputs.results[inputs.results["subgroup_column"] == "gender"]
    assert len(genders) == 2 * 8
    assert set(genders.loc[genders["subgroup"] == "female", "uar"]) == {0.7}
    assert genders.loc[genders["subgroup"] == "male", "uar"].isna().all()
    assert genders["n_classes"].isna().all(), "known of the whole test set alone"


def test_reports_that_cannot_be_read_are_told_and_the_rest_goes_on(tmp_path):
    write_reports(tmp_path / "good", study(seeds=1))
    contents = {
        "broken": "{",
        "list": "[]",
        "other": '{"accuracy": 0.5}',
        "factor": json.dumps(report(study(1).iloc[0].to_dict() | {"seed": 9}, factors={"seed": "x"})),
        "leak": json.dumps(report(study(1).iloc[0].to_dict() | {"seed": 8}, seen_in_training={"train": 3})),
    }
    for name, text in contents.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / REPORT_FILE).write_text(text)
    inputs = read_results(tmp_path)
    problems = {
        line.split(f"/{REPORT_FILE}")[0].split(": 3 recordings")[0].rsplit("/", 1)[-1]: line
        for line in inputs.problems
    }
    assert set(problems) == set(contents)
    assert "not valid JSON" in problems["broken"]
    assert "an object was expected" in problems["list"]
    assert "model_name: missing" in problems["other"]
    assert "factors: seed: kser's own name" in problems["factor"]
    assert problems["leak"].startswith("LEAK")
    assert "leak: 3 recordings were in the model's train part" in problems["leak"]
    assert len(inputs.results) == 8 + 1, "a leak is told, not left out"


def test_nothing_that_can_be_read(tmp_path):
    (tmp_path / REPORT_FILE).write_text("{")
    with pytest.raises(UserError, match="no results that can be read") as error:
        read_results(tmp_path)
    assert "not valid JSON" in str(error.value)


def test_evaluation_csv_leads_to_reports_under_its_names(tmp_path):
    runs = study(seeds=2)
    write_reports(tmp_path / "results", runs)
    lines = ["\t".join(COLUMNS)]
    for row in runs.to_dict("records"):
        out = (
            tmp_path
            / "results"
            / row["model_name"]
            / f"seed_{row['seed']}"
            / "evaluation"
            / row["dataset_name"]
        )
        lines.append(f"my {row['model_name']}\t{row['dataset_name']}\tmodel\ttest\t{out}")
    lines.append(f"absent\tEMOVO\tmodel\ttest\t{tmp_path}/nowhere")
    folder = tmp_path / "evaluation_csv"
    folder.mkdir()
    (folder / "1.csv").write_text("\n".join([*lines, lines[1]]) + "\n")
    for path in (folder, folder / "1.csv"):
        inputs = read_results(path)
        assert len(inputs.results) == len(runs), "a row given twice is one evaluation"
        assert set(inputs.results["model_name"]) == {f"my {name}" for name in runs["model_name"]}
        (problem,) = inputs.problems
        assert "absent on EMOVO is not evaluated; kser eval does it" in problem


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_results_from_elsewhere(tmp_path, separator):
    runs = study(seeds=2)
    runs.to_csv(tmp_path / "runs.csv", sep=separator, index=False)
    for path in (tmp_path, tmp_path / "runs.csv"):
        inputs = read_results(path)
        assert inputs.factors == FACTORS
        assert inputs.metrics == ["uar"]
        assert inputs.results["uar"].tolist() == runs["uar"].tolist()
        assert inputs.results["seed"].tolist() == runs["seed"].tolist()


def test_a_table_names_its_models_by_the_factors_and_may_lack_much(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("layers,head,ccc\n1,mean,0.5\n2,mean,\n2,max,nan\n")
    inputs = read_results(path, factors=["layers", "head"])
    assert inputs.results["model_name"].tolist() == ["1, mean", "2, mean", "2, max"]
    assert inputs.results["seed"].isna().all()
    assert inputs.results["ccc"].isna().tolist() == [False, True, True]
    assert inputs.metrics == ["ccc"]
    with pytest.raises(UserError, match=r"--factors: size: no run in .* has such a factor; there are layers"):
        read_results(path, factors=["layers", "size"])


def test_classes_that_runs_do_not_tell(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("model_name,seed,uar,n_classes\na,1,0.5,\na,2,0.5,4\n")
    assert read_results(path, n_classes=7).results["n_classes"].tolist() == [7, 4]
    assert math.isnan(read_results(path).results["n_classes"].iloc[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_name,seed,uar\n", "has no rows"),
        ("model_name,seed,uar\na,1\n", "row 2: 2 cells, but the header has 3"),
        ("seed,uar\n1,0.5\n", "the header lacks model_name"),
        ("model_name,uar,uar\na,1,1\n", "the header has uar more than once"),
        ("model_name,seed,uar\na,1,0.5\n,1,0.5\n", "row 3: model_name: empty"),
        ("model_name,seed,uar\na,1,0.5\na,01,0.6\n", "seed 1, occurs 2 times: .* row 2 and .* row 3"),
        ('model_name,seed,uar\n"a,1,0.5\n', "is a quotation mark missing"),
        ("model_name,seed,uar\na,1,0.5\na,1.0,0.6\n", "seed 1, occurs 2 times"),
        (
            "model_name,seed,uar\na,1,0.5\na,2,diverged\n",
            "runs.csv: row 3: uar: diverged: should be a number, or empty$",
        ),
        (
            "model_name,seed,eer\na,1,0.5\na,2,0.4\na,3,lost\n",
            "row 4: eer: lost: should be a number, .* [(]if eer is a factor, name it in --factors[)]",
        ),
        ("model_name;seed;eer\na;1;0,51\n", "row 2: eer: 0,51: should be written with a point, 0.51"),
        ("model_name,n_classes\na,four\n", "row 2: n_classes: four: should be a number"),
        (
            "model_name,seed,uar\na,1,0.5\na,2,62.58\n",
            "row 3: uar: 62.58: should be a share, 0–1, not percent",
        ),
        ("model_name,weighted_f1\na,-0.5\n", "row 2: weighted_f1: -0.5: should be a share"),
    ],
)
def test_mistakes_in_a_table(tmp_path, text, message):
    path = tmp_path / "runs.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        read_results(path)
    assert len(str(error.value).splitlines()) == 1


def test_a_factor_of_numbers_and_text_is_one_where_it_is_named(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("model_name,layers,uar,mse\na,1,0.5,20\nb,12,0.5,30\nc,all,0.5,40\n")
    with pytest.raises(UserError, match="row 4: layers: all"):
        read_results(path)
    inputs = read_results(path, factors=["layers"])
    assert inputs.results["layers"].tolist() == ["1", "12", "all"]
    assert inputs.metrics == ["uar", "mse"], "an error above 1 is no percentage"


def test_text_that_is_no_factor_between_models_is_told(tmp_path):
    path = tmp_path / "runs.csv"
    runs = study(seeds=2)
    runs["gpu"] = "gpu " + runs["seed"].astype(str)
    runs["described"] = "the model " + runs["model_name"]
    runs.to_csv(path, index=False)
    inputs = read_results(path)
    assert inputs.factors == FACTORS
    assert [problem.split(": ")[1:3] for problem in inputs.problems] == [
        ["gpu", "no factor"],
        ["described", "no factor"],
    ]
    assert read_results(path, factors=["gpu"]).factors == ["gpu"]
    runs[["model_name", "seed", "uar", "described"]].assign(dataset_name=runs["dataset_name"]).to_csv(path)
    assert read_results(path).factors == ["described"], "the only one may have a level for each model"


def test_remarks_do_not_name_models(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("head,remark,uar\nmean,one,0.5\nmean,two,0.6\nmax,three,0.4\nmax,,0.5\n")
    inputs = read_results(path)
    assert inputs.results["model_name"].tolist() == ["mean", "mean", "max", "max"]
    assert "remark: no factor: its text hardly repeats" in inputs.problems[0]


def test_the_runs_that_kser_stats_writes_can_be_read_back(tmp_path):
    runs = study(seeds=3, diverged=(("w2v", 2),))
    write_reports(tmp_path / "study", runs, n_speakers=12)
    first = read_results(tmp_path / "study")
    analysis = analyse(first.results, first.factors)
    write(analysis, tmp_path / "statistics")
    again = read_results(tmp_path / "statistics" / "runs.csv")
    assert (again.factors, again.metrics, again.problems) == (FACTORS, first.metrics, [])
    assert first.metrics == ["uar", "wa", "macro_f1"], "counts are no measures"
    for column in ("model_name", "dataset_name", "seed", "uar", "n_classes", "subgroup"):
        assert again.results[column].tolist() == first.results[column].tolist()


def test_counts_of_a_table_are_no_measures_and_seeds_may_have_decimals(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("model_name,seed,n_speakers,uar\na,0.0,12,0.5\na,1.0,12,0.5\nb,0,12,0.5\nb,0.5,12,0.5\n")
    inputs = read_results(path)
    assert inputs.metrics == ["uar"]
    assert inputs.results["seed"].tolist() == [0, 1, 0, "0.5"]


def test_evaluations_that_several_csvs_list_count_once(tmp_path, monkeypatch):
    runs = study(seeds=1).query("dataset_name == 'EMOVO'")
    write_reports(tmp_path / "results", runs)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "evaluation_csv"
    folder.mkdir()
    for name, start in (("1.csv", ""), ("2.csv", f"{tmp_path}/")):
        rows = [
            f"{row['model_name']}\tEMOVO\tmodel\ttest\t"
            f"{start}results/{row['model_name']}/seed_0/evaluation/EMOVO"
            for row in runs.to_dict("records")
        ]
        (folder / name).write_text("\n".join(["\t".join(COLUMNS), *rows]) + "\n")
    assert len(read_results(folder).results) == len(runs) == 4


def test_two_experiments_with_the_same_models(tmp_path):
    for name in ("one", "two"):
        write_reports(tmp_path / name, study(seeds=1))
    with pytest.raises(UserError, match=r"occurs 2 times: .*/one/.* and .*/two/.*; analyse one experiment"):
        read_results(tmp_path)


def test_the_shipped_italian_studies_are_analysed_together(tmp_path):
    experiments = Path(__file__).parents[3] / "configs" / "experiments"
    models = []
    for name in ("italian_study", "italian_study_augmented"):
        experiment = load_experiment(experiments / f"{name}.json")
        assert "experiment_results_output_path" not in experiment.config.model_fields_set
        models += [(tmp_path / name, model) for model in experiment.models]
    runs = study(seeds=3)
    measured = runs[runs["model_name"] == "w2v"]
    for folder, model in models:
        write_reports(folder, measured.assign(model_name=model.name, **model.factors), list(model.factors))
    inputs = read_results(tmp_path)
    assert (inputs.problems, inputs.factors) == ([], [*FACTORS, "augmentation"])
    assert len(inputs.results) == 8 * len(measured)
    sources = analyse(inputs.results, inputs.factors).table("anova").frame["source"].tolist()
    assert "augmentation" in sources


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="not found"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(UserError, match=f"holds no {REPORT_FILE}, .* anywhere and no [.]csv file"):
        read_results(tmp_path)


def test_kser_stats(stats, tmp_path):
    write_reports(tmp_path, study(seeds=4, diverged=(("w2v", 2),)))
    status, out, _ = stats("--input-path", tmp_path)
    assert status == 0
    assert "Runs at chance level" in out
    assert "architecture × pre-fine-tuning" in out
    folder = tmp_path / "statistics"
    assert pd.read_csv(folder / "anova.csv")["source"].iloc[-1] == "residual"
    assert "without runs at chance level" in (folder / "statistics.md").read_text()
    assert r"\toprule" in (folder / "statistics.tex").read_text()
    again, _, _ = stats("--input-path", tmp_path, "--output-path", tmp_path / "wa", "--metric", "wa")
    assert again == 0
    assert "Statistics of WA" in (tmp_path / "wa" / "statistics.md").read_text()


def test_kser_stats_beside_a_csv_with_a_margin_and_chosen_factors(stats, tmp_path):
    runs = study(seeds=3, diverged=(("w2v", 2),)).drop(columns="n_classes")
    runs.to_csv(tmp_path / "runs.csv", index=False)
    options = ["--n-classes", 7, "--factors", "architecture", "--alpha", 0.1]
    status, _, _ = stats("--input-path", tmp_path / "runs.csv", *options, "--chance-margin", 0.5)
    assert status == 0
    text = (tmp_path / "statistics" / "statistics.md").read_text()
    assert "ANOVA of UAR over architecture, data set" in text
    assert "90% CI" in text
    assert "UAR ≤ 1 / number of classes + 0.5" in text
    assert len(pd.read_csv(tmp_path / "statistics" / "chance_level_runs.csv")) > 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "ccc"], "kser: --metric: no run has ccc; available: uar\n"),
        (["--alpha", "5"], "kser: --alpha: must be between 0 and 0.5, such as 0.05, got 5\n"),
        (["--chance-margin", "-1", "--n-classes", "1"], "kser: --n-classes: must be at least 2, got 1\n"),
    ],
)
def test_mistakes_of_kser_stats(stats, tmp_path, options, message):
    study(seeds=2).to_csv(tmp_path / "runs.csv", index=False)
    status, _, err = stats("--input-path", tmp_path / "runs.csv", *options)
    assert status == 2
    assert message in err
    assert all(line.startswith("kser: ") for line in err.splitlines())
    assert not (tmp_path / "statistics").exists()
