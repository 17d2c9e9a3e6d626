"""Metadata CSVs: every spelling that users have is read, every mistake is named with its rows."""

import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from kser.corpora.metadata import (
    TableFormat,
    content_key,
    load_metadata,
    read_metadata,
    write_metadata,
)
from kser.errors import UserError

HEADER = "path,class_id,actor,gender"


def csv_of(folder: Path, text: str | bytes, audio: tuple[str, ...] = ()) -> Path:
    for name in audio:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"sound")
    path = folder / "metadata.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(csv_path: Path, **arguments) -> str:
    with pytest.raises(UserError) as error:
        read_metadata(csv_path, **arguments)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{csv_path}: ") for line in lines)
    return str(error.value)


def test_columns_of_the_result(tmp_path: Path) -> None:
    text = "gender,note,path,actor,class_id\nfemale,x,wav/a.wav, 03 ,7\nmale,,wav/b.wav,08,5\n"
    table = read_metadata(csv_of(tmp_path, text, ("wav/a.wav", "wav/b.wav")))
    assert list(table.columns) == ["path", "utterance", "class_id", "actor", "gender", "note"]
    assert table.iloc[0].tolist() == [str(tmp_path / "wav/a.wav"), "wav/a.wav", "7", "03", "female", "x"]
    assert table["note"].tolist() == ["x", ""]
    assert list(table.index) == [0, 1]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_separators_and_encodings(tmp_path: Path, separator: str, encoding: str, newline: str) -> None:
    rows = [HEADER.split(","), ["è a.wav", "gioia", "Zoë", "female"]]
    text = newline.join(separator.join(row) for row in rows)
    table = read_metadata(csv_of(tmp_path, text.encode(encoding), ("è a.wav",)))
    assert table["utterance"].tolist() == ["è a.wav"]
    assert table["actor"].tolist() == ["Zoë"]


def test_quotes_spaces_and_separators_in_paths(tmp_path: Path) -> None:
    text = f'{HEADER}\n"a, b.wav",joy,1,male\n"say ""hi"" .wav", joy, 1, male\n'
    table = read_metadata(csv_of(tmp_path, text, ("a, b.wav", 'say "hi" .wav')))
    assert table["utterance"].tolist() == ["a, b.wav", 'say "hi" .wav']


def test_backslashes_become_slashes(tmp_path: Path) -> None:
    table = read_metadata(csv_of(tmp_path, f"{HEADER}\nwav\\a.wav,joy,1,male\n", ("wav/a.wav",)))
    assert table["utterance"].tolist() == ["wav/a.wav"]
    assert table["path"].tolist() == [str(tmp_path / "wav/a.wav")]


def test_the_csv_folder_comes_before_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "corpus").mkdir()
    for name in ("both.wav", "only_here.wav"):
        (tmp_path / "work" / name).write_bytes(b"sound")
    csv_path = csv_of(
        tmp_path / "corpus", f"{HEADER}\nboth.wav,joy,1,male\nonly_here.wav,joy,1,male\n", ("both.wav",)
    )
    monkeypatch.chdir(tmp_path / "work")
    table = read_metadata(csv_path)
    assert table["path"].tolist() == [
        str(tmp_path / "corpus/both.wav"),
        str(tmp_path / "work/only_here.wav"),
    ]


def test_a_csv_named_by_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv_of(tmp_path, f"{HEADER}\na.wav,joy,1,male\n", ("a.wav",))
    monkeypatch.chdir(tmp_path)
    assert read_metadata("metadata.csv")["path"].tolist() == [str(tmp_path / "a.wav")]


def test_other_columns_for_input_and_output(tmp_path: Path) -> None:
    text = "file,valence,arousal,actor,gender\na.wav,0.1,0.9,1,male\n"
    csv_path = csv_of(tmp_path, text, ("a.wav",))
    table = read_metadata(csv_path, output_column="valence", input_column="file")
    assert list(table.columns) == ["path", "utterance", "valence", "actor", "gender", "arousal"]
    table = read_metadata(csv_path, output_column=["arousal", "valence"], input_column="file")
    assert list(table.columns) == ["path", "utterance", "arousal", "valence", "actor", "gender"]


def test_an_output_column_that_is_required_anyway(tmp_path: Path) -> None:
    csv_path = csv_of(tmp_path, f"{HEADER}\na.wav,joy,1,male\n", ("a.wav",))
    table = read_metadata(csv_path, output_column="gender")
    assert list(table.columns) == ["path", "utterance", "gender", "actor", "class_id"]


@pytest.mark.parametrize(
    ("output_column", "input_column", "says"),
    [
        ("utterance", "path", "output_column is 'utterance', a name kser uses itself;"),
        (["arousal", "utterance"], "path", "output_column is 'utterance', a name kser uses itself;"),
        ("path", "file", "output_column is 'path', a name kser uses itself;"),
        ("file", "file", "output_column is 'file', the input_column;"),
    ],
)
def test_an_output_column_that_means_something_else(
    tmp_path: Path, output_column, input_column, says
) -> None:
    text = "file,path,utterance,arousal,actor,gender\na.wav,a.wav,hello,0.1,1,male\n"
    csv_path = csv_of(tmp_path, text, ("a.wav",))
    message = refusal(csv_path, output_column=output_column, input_column=input_column)
    assert says in message
    assert "\n" not in message


def test_a_column_name_full_of_another_separator(tmp_path: Path) -> None:
    header = HEADER.replace(",", ";") + ";a,b,c,d,e,f,g"
    table = read_metadata(csv_of(tmp_path, f"{header}\na.wav;joy;1;male;x\n", ("a.wav",)))
    assert table["a,b,c,d,e,f,g"].tolist() == ["x"]


def test_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    table = read_metadata(csv_of(tmp_path, f",{HEADER}\n0,a.wav,joy,1,male\n", ("a.wav",)))
    assert list(table.columns) == ["path", "utterance", "class_id", "actor", "gender"]


def test_empty_rows_are_passed_over_and_still_counted(tmp_path: Path) -> None:
    text = f"{HEADER}\n\n,,,\na.wav,joy,,male\n\n"
    assert "empty cells: 'actor' in row 4;" in refusal(csv_of(tmp_path, text, ("a.wav",)))


def test_rows_after_a_cell_of_two_lines_are_counted_by_line(tmp_path: Path) -> None:
    text = f'{HEADER},note\na.wav,joy,1,male,"two\nlines"\nb.wav,,1,male,\n'
    assert "'class_id' in row 4;" in refusal(csv_of(tmp_path, text, ("a.wav", "b.wav")))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER, "has a header but no rows"),
        (f"{HEADER}\n,,,\n", "has a header but no rows"),
        (f"{HEADER}\na.wav,joy,1\n", "row 2: not 4 cells, as the header has"),
        (f"{HEADER}\na, b.wav,joy,1,male\n", "row 2: not 4 cells, as the header has"),
        (f'{HEADER}\n"a.wav,joy,1,male\n', "row 2: unexpected end of data"),
        ("path,class_id,actor,actor,gender\na.wav,joy,1,1,male\n", "has 'actor' more than once"),
        ("path,utterance,class_id,actor,gender\na.wav,hi,joy,1,male\n", "a name kser uses itself"),
        (f"{HEADER}\nè.wav,joy,1,male\n".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, text: str | bytes, says: str) -> None:
    message = refusal(csv_of(tmp_path, text, ("a.wav",)))
    assert says in message
    assert "\n" not in message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "file not found" in refusal(tmp_path / "none.csv")
    assert "is a folder" in refusal(tmp_path)


def test_missing_columns_are_named_with_what_is_there(tmp_path: Path) -> None:
    message = refusal(csv_of(tmp_path, "path,Class_ID,speaker,sex\na.wav,joy,1,male\n"))
    assert "the header lacks 'class_id', 'actor'; it has 'path', 'Class_ID', 'speaker', 'sex'" in message
    assert '"columns": {"Class_ID": "class_id", "speaker": "actor", "sex": "gender"}?' in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (
            "file,start,end,emotion,speaker,gender",
            '{"file": "path", "emotion": "class_id", "speaker": "actor"}',
        ),
        ("Filename,Label,Subject ID", '{"Filename": "path", "Label": "class_id", "Subject ID": "actor"}'),
        ("wav_path,emo,speaker_id,actor,sex", '{"wav_path": "path", "emo": "class_id", "sex": "gender"}'),
        ("path,class,speaker_id,spk", '{"class": "class_id", "speaker_id": "actor"}'),
    ],
)
def test_foreign_headers_are_proposed_as_the_experiment_takes_them(
    tmp_path: Path, header: str, columns: str
) -> None:
    assert f'"columns": {columns}?' in refusal(csv_of(tmp_path, f"{header}\n{'x,' * header.count(',')}x\n"))


def test_a_header_in_which_nothing_is_like_what_is_lacking(tmp_path: Path) -> None:
    message = refusal(csv_of(tmp_path, "path,actor,gender,q\na.wav,1,male,joy\n"))
    assert message.endswith("the header lacks 'class_id'; it has 'path', 'actor', 'gender', 'q'")


def test_all_mistakes_in_the_rows_are_reported_a_kind_a_line(tmp_path: Path) -> None:
    rows = [
        "a.wav,joy,1,male",
        "b.wav,,1,male",
        "./a.wav,joy,2,",
        "b.wav,joy,,",
        ",joy,1,male",
        "c.wav,joy,1,male",
    ]
    message = refusal(csv_of(tmp_path, "\n".join([HEADER, *rows]), ("a.wav", "b.wav")))
    empty, twice, missing = message.splitlines()
    assert "'path' in row 6; 'class_id' in row 3; 'actor' in row 5;" in empty
    assert "a.wav in rows 2, 4; b.wav in rows 3, 5;" in twice
    assert "1 of 6 audio files not found: c.wav (row 7);" in missing


def test_only_the_first_missing_files_are_named(tmp_path: Path) -> None:
    rows = [f"{i}.wav,joy,1,male" for i in range(9)]
    csv_path = csv_of(tmp_path, "\n".join([HEADER, *rows]))
    assert "9 of 9 audio files not found: 0.wav (row 2), " in refusal(csv_path)
    assert "4.wav (row 6) and 4 more;" in refusal(csv_path)
    assert len(read_metadata(csv_path, check_files=False)) == 9


def test_written_and_read_again(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    inside, outside = tmp_path / "corpus" / "a, è.wav", tmp_path / "b c.wav"
    for path in (inside, outside):
        path.write_bytes(b"sound")
    table = pd.DataFrame(
        {
            "note": ["x", ""],
            "gender": ["female", "male"],
            "actor": ["01", "02"],
            "utterance": ["left", "out"],
            "class_id": ["1", "2"],
            "path": [str(inside), str(outside)],
        }
    )
    csv_path = tmp_path / "corpus" / "metadata.csv"
    write_metadata(table, csv_path)
    assert csv_path.read_text(encoding="utf-8").splitlines() == [
        "path,class_id,actor,gender,note",
        '"a, è.wav",1,01,female,x',
        f"{outside.as_posix()},2,02,male,",
    ]
    again = read_metadata(csv_path)
    assert again["path"].tolist() == table["path"].tolist()
    assert again["note"].tolist() == ["x", ""]
    assert [path.name for path in csv_path.parent.iterdir() if path.name.startswith(".")] == []


def test_paths_that_begin_like_something_else_are_read_again(tmp_path: Path) -> None:
    names = [" a.wav", "~/a.wav", "~a.wav"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"sound")
    paths = [str(tmp_path / name) for name in names]
    table = pd.DataFrame({"path": paths, "class_id": "1", "actor": "1", "gender": "male"})
    write_metadata(table, tmp_path / "metadata.csv")
    assert read_metadata(tmp_path / "metadata.csv")["path"].tolist() == paths


@pytest.mark.parametrize("name", ["a.wav ", "a\\b.wav"])
def test_paths_that_could_not_be_read_again_are_not_written(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"path": [str(tmp_path / name)], "class_id": "1", "actor": "1", "gender": "male"})
    with pytest.raises(UserError, match="end with a space or have a backslash: ") as error:
        write_metadata(table, tmp_path / "metadata.csv")
    assert repr(name) in str(error.value)
    assert not (tmp_path / "metadata.csv").exists()


def test_a_carriage_return_in_a_cell(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    table = pd.DataFrame({"path": [str(tmp_path / "a.wav")], "class_id": "1", "actor": "1", "gender": "male"})
    write_metadata(table.assign(note="one\rtwo"), tmp_path / "metadata.csv")
    assert read_metadata(tmp_path / "metadata.csv")["note"].tolist() == ["one\rtwo"]


def test_a_name_that_a_spreadsheet_would_run_is_written_as_the_same_path(tmp_path: Path) -> None:
    names = ["=cmd.wav", "-1.wav", "@a.wav", "plain.wav"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    table = pd.DataFrame({"path": [str(tmp_path / name) for name in names], "class_id": "a", "actor": "1"})
    write_metadata(table, tmp_path / "metadata.csv")
    cells = [line.split(",")[0] for line in (tmp_path / "metadata.csv").read_text().splitlines()[1:]]
    assert cells == ["./=cmd.wav", "./-1.wav", "./@a.wav", "plain.wav"]
    paths = read_metadata(tmp_path / "metadata.csv")["path"]
    assert [Path(path) for path in paths] == [tmp_path / name for name in names]


def test_written_beside_a_linked_corpus(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.wav").write_bytes(b"sound")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "wav").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    table = pd.DataFrame(
        {"path": [str(tmp_path / "corpus/wav/a.wav")], "class_id": "1", "actor": "1", "gender": "male"}
    )
    write_metadata(table, tmp_path / "elsewhere/../corpus/metadata.csv")
    assert read_metadata(tmp_path / "corpus/metadata.csv")["utterance"].tolist() == ["wav/a.wav"]


def test_content_key_follows_the_content(tmp_path: Path) -> None:
    long = bytes(range(256)) * 1024
    contents = [b"", b"a", b"b", long, long + b"x", b"x" + long[1:], long[:-1] + b"x"]
    contents.append(long[: len(long) // 2] + b"x" + long[len(long) // 2 + 1 :])  # the ends are the same
    keys = []
    for i, content in enumerate(contents):
        (tmp_path / f"{i}.wav").write_bytes(content)
        keys.append(content_key(tmp_path / f"{i}.wav"))
    assert len(set(keys)) == len(contents)
    (tmp_path / "copy.flac").write_bytes(long)
    assert content_key(tmp_path / "copy.flac") == keys[3]
    assert len(keys[0]) == 32


def test_content_key_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="audio file not found"):
        content_key(tmp_path / "none.wav")
    with pytest.raises(UserError, match="cannot be read"):
        content_key(tmp_path)


FOREIGN = "file,emotion,speaker,sex\na.wav,joy,1,f\n"
TO_OURS = (("file", "path"), ("emotion", "class_id"), ("speaker", "actor"), ("sex", "gender"))


def test_columns_are_renamed_before_anything_else(tmp_path: Path) -> None:
    csv_path = csv_of(tmp_path, FOREIGN.replace(",", ";"), ("a.wav",))
    table = read_metadata(csv_path, table_format=TableFormat(TO_OURS))
    assert list(table.columns) == ["path", "utterance", "class_id", "actor", "gender"]
    assert table.iloc[0].tolist() == [str(tmp_path / "a.wav"), "a.wav", "joy", "1", "female"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            (("fil", "path"),),
            "columns: the header lacks 'fil' (did you mean 'file'?); it has 'file', 'emotion'",
        ),
        (
            (("file", "speaker"),),
            "columns: two columns would be called 'speaker'; give the other one another",
        ),
    ],
)
def test_columns_that_cannot_be_renamed(tmp_path: Path, columns, says: str) -> None:
    assert says in refusal(csv_of(tmp_path, FOREIGN), table_format=TableFormat(columns))


def test_a_table_without_gender(tmp_path: Path) -> None:
    csv_path = csv_of(tmp_path, "path,class_id,actor,sex\na.wav,joy,1,f\n", ("a.wav",))
    metadata = load_metadata(csv_path)
    assert metadata.table["gender"].tolist() == ["unknown"]
    (note,) = metadata.notes
    assert note == (
        f"{csv_path}: no column gender: it is unknown of every speaker, unless "
        '"columns": {"sex": "gender"} says that it is \'sex\''
    )


@pytest.mark.parametrize("normalize", [True, False])
def test_an_empty_gender_is_unknown(tmp_path: Path, normalize: bool) -> None:
    csv_path = csv_of(tmp_path, f"{HEADER}\na.wav,joy,1,\n", ("a.wav",))
    table = read_metadata(csv_path, table_format=TableFormat(normalize=normalize))
    assert table["gender"].tolist() == ["unknown"]


PEOPLES = """path,class_id,actor,gender,session
a.wav,joy,01,f,1
b.wav,Joy,1,F,1.0
c.wav,joy,01,,1
d.wav,joy,2,weiblich,2
e.wav,joy,2.0,Other,3
"""


def test_names_as_people_write_them(tmp_path: Path) -> None:
    csv_path = csv_of(tmp_path, PEOPLES, ("a.wav", "b.wav", "c.wav", "d.wav", "e.wav"))
    metadata = load_metadata(csv_path, table_format=TableFormat(names=("session", "fold")))
    table = metadata.table
    assert table["actor"].tolist() == ["01", "01", "01", "2", "2"]
    assert table["gender"].tolist() == ["female", "female", "female", "female", "Other"]
    assert table["session"].tolist() == ["1", "1", "1", "2", "3"]
    assert table["class_id"].tolist() == ["joy", "Joy", "joy", "joy", "joy"]  # mapping labels makes it one
    assert metadata.notes == [
        f"{csv_path}: actor: taken as one: '1' as '01'; '2.0' as '2'",
        f"{csv_path}: session: taken as one: '1.0' as '1'",
        f"{csv_path}: gender: taken as one: 'f', 'F', 'weiblich' as 'female'",
        f"{csv_path}: gender: taken from the speaker's other rows: 01 (female)",
    ]


def test_names_as_they_are_on_request(tmp_path: Path) -> None:
    csv_path = csv_of(tmp_path, PEOPLES, ("a.wav", "b.wav", "c.wav", "d.wav", "e.wav"))
    metadata = load_metadata(csv_path, table_format=TableFormat(normalize=False, names=("session",)))
    assert metadata.table["actor"].tolist() == ["01", "1", "01", "2", "2.0"]
    assert metadata.table["gender"].tolist() == ["f", "F", "unknown", "weiblich", "Other"]
    assert metadata.table["session"].tolist() == ["1", "1.0", "1", "2", "3"]
    assert metadata.notes == []


def test_genders_that_are_numbers_are_told(tmp_path: Path) -> None:
    csv_path = csv_of(tmp_path, f"{HEADER}\na.wav,joy,1,0\nb.wav,joy,2,1.0\n", ("a.wav", "b.wav"))
    metadata = load_metadata(csv_path)
    assert metadata.table["gender"].tolist() == ["0", "1"]
    one, what = metadata.notes
    assert one.endswith("gender: taken as one: '1.0' as '1'")
    assert "gender: 0 and 1 are taken as groups of these names" in what


@pytest.mark.parametrize("cell", ["nan", "NaN", "N/A"])
def test_the_text_nan_is_no_class_and_no_speaker(tmp_path: Path, cell: str) -> None:
    csv_path = csv_of(tmp_path, f"{HEADER}\na.wav,{cell},1,male\nb.wav,joy,{cell},male\n", ("a.wav", "b.wav"))
    assert "empty cells: 'class_id' in row 2; 'actor' in row 3;" in refusal(csv_path)
    as_it_is = read_metadata(csv_path, table_format=TableFormat(normalize=False))
    assert as_it_is["class_id"].tolist() == [cell, "joy"]


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_accents_composed_or_not_name_the_same_file(tmp_path: Path, on_disk: str, written: str) -> None:
    name = "colère/è une là.wav"
    there, given = unicodedata.normalize(on_disk, name), unicodedata.normalize(written, name)
    (tmp_path / there).parent.mkdir()
    (tmp_path / there).write_bytes(b"sound")
    table = read_metadata(csv_of(tmp_path, f"{HEADER}\n{given},joy,1,male\n"))
    assert table["path"].tolist() == [str(tmp_path / there)]
    assert table["utterance"].tolist() == [given]


SEGMENTS = """file,start,end,emotion,speaker
a.wav,0 days 00:00:00,0 days 00:00:01.500000,joy,1
a.wav,0 days 00:00:01.500000,NaT,anger,2
a.wav,0,0.25,anger,2
b.wav,,,joy,1
"""


def segments(folder: Path) -> pd.DataFrame:
    return read_metadata(csv_of(folder, SEGMENTS, ("a.wav", "b.wav")), table_format=TableFormat(TO_OURS[:3]))


def test_rows_with_start_and_end_are_parts_of_files(tmp_path: Path) -> None:
    table = segments(tmp_path)
    parts = ["a.wav#t=0,1.5", "a.wav#t=1.5", "a.wav#t=0,0.25", "b.wav"]
    assert table["utterance"].tolist() == parts
    assert table["path"].tolist() == [str(tmp_path / part) for part in parts]
    assert len({content_key(path) for path in table["path"]}) == 4


def test_segments_are_written_as_they_are_read(tmp_path: Path) -> None:
    table = segments(tmp_path)
    write_metadata(table[1:], tmp_path / "test.csv")
    assert (tmp_path / "test.csv").read_text().splitlines()[:2] == [
        "path,class_id,actor,gender,start,end",
        "a.wav,anger,2,unknown,1.5,",
    ]
    again = read_metadata(tmp_path / "test.csv")
    assert again["path"].tolist() == table["path"].tolist()[1:]
    assert again["utterance"].tolist() == table["utterance"].tolist()[1:]


def test_a_segment_listed_twice_is_told(tmp_path: Path) -> None:
    text = SEGMENTS + "a.wav,00:00:00,00:01.5,joy,1\n"
    message = refusal(csv_of(tmp_path, text, ("a.wav", "b.wav")), table_format=TableFormat(TO_OURS[:3]))
    assert "listed more than once: a.wav#t=0,1.5 in rows 2, 6;" in message


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ("soon,2", "row 2: 'soon' is no time;"),
        ("0,-1", "row 2: '-1' is no time;"),
        ("2,1.5", "row 2: ends at '1.5', but starts at '2';"),
    ],
)
def test_times_that_cannot_be(tmp_path: Path, times: str, says: str) -> None:
    csv_path = csv_of(tmp_path, f"{HEADER},start,end\na.wav,joy,1,male,{times}\n", ("a.wav",))
    assert says in refusal(csv_path)
    other = TableFormat((("start", "begins"),))
    assert read_metadata(csv_path, table_format=other)["utterance"].tolist() == ["a.wav"]


def test_a_missing_file_of_segments_is_told_by_its_name(tmp_path: Path) -> None:
    message = refusal(csv_of(tmp_path, SEGMENTS, ("a.wav",)), table_format=TableFormat(TO_OURS[:3]))
    assert "1 of 4 audio files not found: b.wav (row 5);" in message
