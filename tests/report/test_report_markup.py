"""Nothing becomes markup by accident."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kser.report.markup import Html, element, escaped, join
from kser.report.numbers import (
    interval_of_mean,
    mean_and_spread,
    range_of,
    seeds_in_words,
    share,
)
from kser.report.tables import table


class Read(HTMLParser):
    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.append(dict(attributes))

    def handle_data(self, data):
        self.text += data


def printable(text):
    return escaped(text).isascii() or "\ufffd" not in escaped(text)


@given(st.text().filter(printable))
def test_any_text_is_read_back_as_itself(text):
    read = Read(element("p", text, title=text))
    assert read.tags == ["p"]
    assert read.text == text
    assert read.attributes == [{"title": text}]


def test_every_text_can_be_written():
    awkward = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0x202E, 0x2066, 0xD800, 0xDFFF]))
    assert escaped(awkward).encode("utf-8")
    assert "\u202e" not in escaped(awkward)


def test_markup_stays_and_text_is_escaped():
    assert join(["<", Html("<br>"), 3], " & ") == "&lt; &amp; <br> &amp; 3"
    assert element("audio", controls=True, hidden=False, src=None) == "<audio controls></audio>"
    assert element("p", "x", class_="a", aria_label="b") == '<p class="a" aria-label="b">x</p>'


def test_tables_name_rows_and_columns():
    html = table("<c>", ["a", "b"], [["x", "1"]], below=["less"])
    assert '<th scope="col">a</th><th scope="col" class="number">b</th>' in html
    assert '<th scope="row">x</th><td class="number">1</td>' in html
    assert "<caption>&lt;c&gt;</caption>" in html and 'aria-label="&lt;c&gt;"' in html


def test_numbers():
    assert mean_and_spread([0.5, 0.7, None, float("nan")]) == "0.600 ± 0.141"
    assert mean_and_spread([0.5]) == "0.500" and mean_and_spread([]) == "–"
    assert interval_of_mean([0.5], (0, 1)) is None and interval_of_mean([0.2, 0.8], (0, 1)) is None
    low, high = interval_of_mean([0.4, 0.5, 0.6], (0, 1))
    assert round(low, 3) == 0.252 and round(high, 3) == 0.748  # 0.5 ± 4.303 · 0.1/√3
    assert interval_of_mean([0.0, 0.5, 1.0], (0.0, 1.0)) == (0.0, 1.0)
    assert interval_of_mean([0.0, 0.5, 1.0], (-1.0, 1.0)) == pytest.approx((-0.742, 1.0), abs=1e-3)
    assert [share(value) for value in (0, 0.001, 0.5, 0.999, 1, float("nan"))] == [
        *("0%", "< 1%", "50%", "> 99%", "100%", "–")
    ]
    assert range_of([48, 60, 50]) == "48 to 60" and range_of([48]) == "48"
    assert seeds_in_words(["10", "0", "2", "1", "7", "8"]) == "seeds 0 to 2, 7, 8, 10"
    assert seeds_in_words(["3"]) == "seed 3"
