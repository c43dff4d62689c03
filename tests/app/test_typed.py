"""Numbers that a reader types: what is read, and the sentence for what cannot be."""

import re

import pytest

from gptviz.app.typed import row_in, rows_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2, 1, 0.5", (2, 1, 0.5)),
        ("  2 1\t0.5 ", (2, 1, 0.5)),
        ("−1,+2e1,.5,1.", (-1, 20, 0.5, 1)),
        ("1e-400", (0,)),
        ("1000000", (1e6,)),
        ("7;", (7,)),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, found: tuple[float, ...]):
    assert row_in(text, 4) == found


def test_a_semicolon_begins_a_row():
    assert rows_in("1 2; 3 4;", 2, 2) == ((1, 2), (3, 4))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "there is no number yet; type some, as 2, 1, 0.5"),
        (" , ;", "there is no number yet"),
        ("two", "“two” is no number; write digits"),
        ("1, NaN", "“NaN” is no number"),
        ("inf", "“inf” is no number"),
        ("0x10", "“0x10” is no number"),
        ("1_000", "“1_000” is no number"),
        ("٣", "“٣” is no number"),
        ("1,234.5.6", "“234.5.6” is no number"),
        ("a" * 400, f"“{'a' * 19}…” is no number"),
        ("1e400", "1e400 is too large; numbers from −1,000,000 to 1,000,000 fit"),
        ("-" + "9" * 400, "is too large"),
        ("1 2 3 4 5", "row 0 has 5 numbers, and at most 4 fit; leave some out"),
        ("1 2; 3", "row 1 has 1 number and row 0 has 2; give each row as many"),
        ("1;;", "row 1 has 0 numbers"),
        ("1 " * 10_000, "1,000 characters or more came, and only fewer fit; leave some"),
        ("1;2;3", "3 rows came, and at most 2 fit; leave some out"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text: str, sentence: str):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        rows_in(text, 2, 4)


def test_what_is_typed_into_one_of_several_boxes_is_called_by_its_name():
    with pytest.raises(ValueError, match="γ: there is no number yet"):
        row_in("", 4, "γ")


def test_a_second_row_where_one_fits_is_told_in_a_sentence():
    with pytest.raises(ValueError, match="a semicolon begins a second row"):
        row_in("1; 2", 4)
