"""The evaluation CSV is read as people write it, and what they wrote in it stays."""

from dataclasses import replace
from pathlib import Path

import pytest

from kser.corpora.metadata import TableFormat
from kser.errors import UserError
from kser.experiment.evaluating.evaluation_csv import (
    COLUMNS,
    REQUIRED_COLUMNS,
    EvaluationRow,
    evaluation_csvs,
    read_evaluation_csv,
    record_rows,
    recorded_rows,
)

HEADER = "\t".join(COLUMNS)
ROW = EvaluationRow("m", "d", Path("/models/m"), Path("/sets/d"), Path("/out/m"))
LINE = "m\td\t/models/m\t/sets/d\t/out/m"
OTHER = EvaluationRow("n", "d", Path("/models/n"), Path("/sets/d"), Path("/out/n"))
OTHER_LINE = "n\td\t/models/n\t/sets/d\t/out/n"


def csv_of(folder: Path, text: str | bytes, name: str = "1.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusals(path: Path) -> list[str]:
    with pytest.raises(UserError) as error:
        read_evaluation_csv(path)
    return str(error.value).replace(str(path), "CSV").splitlines()


class TestReading:
    def test_a_row_is_an_evaluation(self, tmp_path):
        assert read_evaluation_csv(csv_of(tmp_path, f"{HEADER}\n{LINE}\n{OTHER_LINE}\n")) == [ROW, OTHER]

    def test_a_test_set_is_a_csv_or_a_folder_with_test_csv(self, tmp_path):
        (tmp_path / "folder.csv").mkdir()
        (tmp_path / "metadata").touch()
        for named, test_csv in [
            ("set", "set/test.csv"),
            ("set/dev.csv", "set/dev.csv"),
            ("set/dev.CSV", "set/dev.CSV"),
            ("folder.csv", "folder.csv/test.csv"),
            ("metadata", "metadata"),
        ]:
            text = f"{HEADER}\nm\td\t/models/m\t{tmp_path / named}\t/out/m\n"
            (row,) = read_evaluation_csv(csv_of(tmp_path, text))
            assert row.test_csv == tmp_path / test_csv

    @pytest.mark.parametrize(
        ("model_path", "out_path"),
        [
            ("/results/seed_0/model", "/results/seed_0/evaluation/d"),
            ("/models/mine", "/models/mine_evaluation/d"),
        ],
    )
    @pytest.mark.parametrize("empty_column", [True, False])
    def test_results_go_beside_the_model_unless_the_row_says_where(
        self, tmp_path, model_path, out_path, empty_column
    ):
        header, line = "\t".join(REQUIRED_COLUMNS), f"m\td\t{model_path}\t/sets/d"
        if empty_column:
            header, line = f"{header}\teval_out_path", f"{line}\t"
        (row,) = read_evaluation_csv(csv_of(tmp_path, f"{header}\n{line}\n"))
        assert row.eval_out_path == Path(out_path)

    @pytest.mark.parametrize("name", ["a/b", "a\\b", ".."])
    def test_a_name_that_no_folder_can_have_requires_a_path(self, tmp_path, name):
        header, line = "\t".join(REQUIRED_COLUMNS), f"m\t{name}\t/models/m\t/sets/d"
        assert refusals(csv_of(tmp_path, f"{header}\n{line}\n")) == [
            f"CSV: row 2: eval_out_path: is required, because {name!r} cannot name a folder"
        ]
        (row,) = read_evaluation_csv(csv_of(tmp_path, f"{header}\teval_out_path\n{line}\t/out/m\n"))
        assert (row.dataset_name, row.eval_out_path) == (name, Path("/out/m"))

    @pytest.mark.parametrize(
        "text",
        [
            f"{HEADER}\r\n{LINE}\r\n",
            f"\ufeff{HEADER}\n{LINE}",
            f"{HEADER}\n\n\t\t\t\t\n{LINE}\n\n",
            " \t".join(COLUMNS) + "\n" + LINE.replace("\t", "  \t ") + "\n",
            f"note\t{HEADER}\tmore\nx\t{LINE}\ty\tz\n",
            "eval_out_path\tmodel_name\tmodel_path\teval_csv_path\tdataset_name\n"
            "/out/m\tm\t/models/m\t/sets/d\td\n",
            f'{HEADER}\n"m"\td\t"/models/m"\t/sets/d\t/out/m\n',
            f"{HEADER}\n{LINE}\n".replace("\t", ","),
            f"{HEADER}\n{LINE}\n".replace("\t", ", "),
            f"{HEADER}\r\n{LINE}\r\n".replace("\t", ";"),
            f"note, long\t{HEADER}\nx, y\t{LINE}\n",
        ],
        ids=[
            *("windows", "mark", "blank rows", "blanks", "more columns", "another order", "quoted"),
            *("commas", "commas and blanks", "semicolons", "commas in cells"),
        ],
    )
    def test_it_may_be_written_in_many_ways(self, tmp_path, text):
        assert read_evaluation_csv(csv_of(tmp_path, text)) == [ROW]

    def test_relative_paths_are_read_from_its_folder_then_from_the_working_folder(
        self, tmp_path, monkeypatch
    ):
        (tmp_path / "csv" / "model").mkdir(parents=True)
        monkeypatch.chdir(tmp_path)
        (row,) = read_evaluation_csv(csv_of(tmp_path / "csv", f"{HEADER}\nm\td\tmodel\tset\tout\n"))
        assert row.model_path == tmp_path / "csv" / "model"
        assert row.eval_csv_path == tmp_path / "set"
        assert row.eval_out_path == tmp_path / "out"

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("", "CSV: the header lacks model_name, dataset_name, model_path, eval_csv_path; "),
            (HEADER.replace("model_path", "model_pat") + "\n", "CSV: the header lacks model_path; "),
            (f"{HEADER}\tmodel_path\n", "CSV: the header has model_path more than once; "),
            (
                f"{HEADER}\n{LINE}\n".replace("\t", "|"),
                "CSV: the header lacks model_name, dataset_name, model_path, eval_csv_path; ",
            ),
        ],
        ids=["empty file", "misspelt", "repeated", "another separator"],
    )
    def test_a_wrong_header_is_refused_with_the_right_one(self, tmp_path, text, line):
        (refusal,) = refusals(csv_of(tmp_path, text))
        assert refusal.startswith(line)
        assert refusal.endswith(
            f"; its columns are {', '.join(REQUIRED_COLUMNS)} and, if wanted, eval_out_path"
        )

    def test_all_rows_with_empty_cells_are_told_by_number(self, tmp_path):
        text = f"{HEADER}\n\n\td\t/models/m\t \t/out/m\n{LINE}\nm\td\n"
        assert refusals(csv_of(tmp_path, text)) == [
            "CSV: row 3: model_name, eval_csv_path: empty; one separator is between two cells",
            "CSV: row 5: model_path, eval_csv_path: empty; one separator is between two cells",
        ]

    def test_a_header_alone_is_refused(self, tmp_path):
        assert refusals(csv_of(tmp_path, HEADER)) == [
            "CSV: has a header and no rows; a row for each evaluation is required"
        ]

    def test_an_open_quotation_mark_is_refused(self, tmp_path):
        (line,) = refusals(csv_of(tmp_path, f'{HEADER}\n"m\td\t/models/m\t/sets/d\t/out/m\n{OTHER_LINE}\n'))
        assert line.endswith("is a quotation mark missing?")

    def test_what_is_no_text_is_refused(self, tmp_path):
        (line,) = refusals(csv_of(tmp_path, f"{HEADER}è".encode("latin-1")))
        assert line.startswith("CSV: is not UTF-8 text")
        assert refusals(tmp_path / "nowhere.csv") == ["CSV: file not found"]
        (tmp_path / "folder.csv").mkdir()
        assert refusals(tmp_path / "folder.csv") == ["CSV: is a folder, not a file"]


class TestFolders:
    def test_a_file_is_itself(self, tmp_path):
        path = csv_of(tmp_path, "", "any.name")
        assert evaluation_csvs(path) == [path]

    def test_a_folder_means_the_csvs_in_it_by_name(self, tmp_path):
        for name in ("2.csv", "1.csv", "notes.txt", "._1.csv"):
            csv_of(tmp_path, "", name)
        (tmp_path / "summary.csv").mkdir()
        csv_of(tmp_path / "summary.csv", "", "3.csv")
        assert [path.name for path in evaluation_csvs(tmp_path)] == ["1.csv", "2.csv"]

    @pytest.mark.parametrize("name", ["", "nowhere"])
    def test_nothing_is_refused(self, tmp_path, name):
        with pytest.raises(UserError, match=r"file or folder not found|holds no \.csv file"):
            evaluation_csvs(tmp_path / name)


class TestRecording:
    def test_the_first_rows_make_a_csv_named_by_the_time(self, tmp_path):
        path = record_rows(tmp_path / "new" / "folder", [ROW, OTHER, ROW])
        assert path.parent == tmp_path / "new" / "folder"
        assert path.stem.isdecimal()
        assert path.read_text() == f"{HEADER}\n{LINE}\n{OTHER_LINE}\n"
        assert recorded_rows(path.parent) == [ROW, OTHER]

    def test_further_rows_are_added_to_the_newest(self, tmp_path):
        older = csv_of(tmp_path, f"{HEADER}\n{LINE}\n", "999.csv")
        newest = csv_of(tmp_path, f"{HEADER}\n{LINE}\n", "1000.csv")
        assert record_rows(tmp_path, [OTHER]) == newest
        assert newest.read_text() == f"{HEADER}\n{LINE}\n{OTHER_LINE}\n"
        assert older.read_text() == f"{HEADER}\n{LINE}\n"

    def test_no_row_is_repeated(self, tmp_path):
        for _ in range(3):
            path = record_rows(tmp_path, [ROW, OTHER, ROW])
        assert read_evaluation_csv(path) == [ROW, OTHER]

    def test_nothing_is_written_when_there_is_nothing_new(self, tmp_path):
        path = csv_of(tmp_path, f"\ufeff{HEADER}\n\n{LINE}")
        before = path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()
        record_rows(tmp_path, [ROW])
        assert (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) == before

    def test_what_a_user_wrote_stays_as_it_is(self, tmp_path):
        header = "note\teval_out_path\tmodel_name\tmodel_path\teval_csv_path\tdataset_name"
        own = f'{header}\n"my own, relative"\tout\tmine\tmodel\tset\td\n\n'
        path = csv_of(tmp_path, own)
        record_rows(tmp_path, [ROW])
        assert path.read_text() == f"{own}\t/out/m\tm\t/models/m\t/sets/d\td\n"
        assert [row.model_name for row in read_evaluation_csv(path)] == ["mine", "m"]

    @pytest.mark.parametrize("delimiter", [",", ";"])
    def test_rows_are_added_as_a_user_separated_them(self, tmp_path, delimiter):
        own = f"{delimiter.join(REQUIRED_COLUMNS)}\nmine{delimiter}d{delimiter}model{delimiter}set\n"
        path = csv_of(tmp_path, own)
        mapped = replace(ROW, label_map='{"joy": "happiness", "fear": null}')
        record_rows(tmp_path, [mapped])
        assert read_evaluation_csv(path)[1] == mapped
        header, mine, _ = path.read_text().splitlines()
        assert header.split(delimiter) == [*REQUIRED_COLUMNS, "eval_out_path", "label_map"]
        assert mine == own.splitlines()[1]

    def test_how_the_metadata_are_taken_is_read_as_it_was_written(self, tmp_path):
        row = replace(ROW, columns='{"file": "path"}', normalize_metadata="false")
        path = record_rows(tmp_path, [row])
        (again,) = read_evaluation_csv(path)
        assert again == row
        assert again.table_format == TableFormat((("file", "path"),), normalize=False)
        assert not again.class_choice.normalize
        assert ROW.table_format == TableFormat()

    @pytest.mark.parametrize(
        ("field", "cell", "says"),
        [
            ("columns", '["file"]', "columns: .*should be an object such as"),
            ("columns", '{"file": 1}', "columns: .*should be an object such as"),
            ("normalize_metadata", "no", "normalize_metadata: no: should be true or false"),
        ],
    )
    def test_wrong_ways_to_take_the_metadata_are_told(self, tmp_path, field, cell, says):
        path = record_rows(tmp_path, [replace(ROW, **{field: cell})])
        with pytest.raises(UserError, match=rf"row 2: {says}"):
            read_evaluation_csv(path)

    def test_names_that_a_spreadsheet_would_run_come_back(self, tmp_path):
        row = replace(ROW, model_name="=cmd|' /C calc'!A0", dataset_name="-1")
        path = record_rows(tmp_path, [row])
        assert path.read_text().splitlines()[1].startswith("'=cmd|' /C calc'!A0\t-1\t")
        assert recorded_rows(tmp_path) == [row]
        record_rows(tmp_path, [row])
        assert len(path.read_text().splitlines()) == 2

    def test_a_csv_that_a_user_named_is_not_written_to(self, tmp_path):
        own = csv_of(tmp_path, "something,else\n", "zzz.csv")
        path = record_rows(tmp_path, [ROW])
        assert path != own
        assert own.read_text() == "something,else\n"
        assert recorded_rows(tmp_path) == [ROW]

    def test_a_csv_without_rows_or_last_line_end_is_added_to(self, tmp_path):
        path = csv_of(tmp_path, HEADER)
        assert recorded_rows(tmp_path) == []
        record_rows(tmp_path, [ROW])
        assert path.read_text() == f"{HEADER}\n{LINE}\n"

    def test_a_damaged_csv_is_refused_and_stays(self, tmp_path):
        path = csv_of(tmp_path, f"{HEADER}\nm\n")
        for function in (recorded_rows, lambda folder: record_rows(folder, [ROW])):
            with pytest.raises(UserError, match="row 2"):
                function(tmp_path)
        assert path.read_text() == f"{HEADER}\nm\n"

    def test_an_empty_folder_has_recorded_nothing(self, tmp_path):
        assert recorded_rows(tmp_path / "nowhere") == []
