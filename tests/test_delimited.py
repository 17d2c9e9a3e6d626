"""CSV files of any separator are split into the same cells."""

import pytest

from kser.delimited import DelimitedError, header_of, split_cells


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found_and_spaces_and_empty_rows_are_left_out(separator):
    lines = ["", "path, actor ,note", "a.wav,03,", ",,", 'b.wav, "x, y",z', ""]
    cells = split_cells("\n".join(lines).replace(",", separator))
    assert cells.separator == separator
    assert cells.header == ["path", "actor", "note"]
    assert cells.rows == [["a.wav", "03", ""], ["b.wav", f"x{separator} y", "z"]]
    assert cells.row_numbers == [3, 5]


def test_known_names_say_more_than_the_number_of_cells():
    header = "path;actor;remark (yes,no,maybe,unknown)"
    assert split_cells(header).separator == ","
    assert split_cells(header, known=["path", "actor"]).separator == ";"
    assert header_of(header, ["actor"])[:2] == ["path", "actor"]


def test_a_row_is_numbered_by_the_line_that_it_begins_in():
    assert split_cells('a,b\n"x\ny",1\nz,2\n').row_numbers == [2, 4]


def test_quotation_marks_that_do_not_go_together_are_named_by_row():
    with pytest.raises(DelimitedError, match=r"row 3: .*quotation mark missing"):
        split_cells('a,b\n1,2\n"3,4\n')


def test_text_without_cells_has_no_header():
    assert split_cells(" \n,,\n") == ([], [], [], ",")
