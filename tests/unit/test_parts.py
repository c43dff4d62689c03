"""Text that is shown to the letter."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptviz.ui import parts
from gptviz.ui.parts import literal


@pytest.mark.parametrize("sign", string.punctuation)
def test_every_sign_that_markdown_could_read_is_escaped(sign: str):
    assert literal(f"a{sign}b") == f"a\\{sign}b"


@given(st.text())
def test_removing_the_escapes_gives_the_text_back_on_one_line(text: str):
    shown = literal(text)
    assert "\n" not in shown
    plain, escaped = [], False
    for character in shown:
        if character == "\\" and not escaped:
            escaped = True
            continue
        plain.append(character)
        escaped = False
    assert "".join(plain) == text.replace("\n", " ")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("there is no word; type one"), "There is no word; type one."),
        (ValueError("models/old/config.json holds a list"), "models/old/config.json holds a list."),
        (ValueError("n_layer is 0; it must be 1"), "n_layer is 0; it must be 1."),
    ],
)
def test_an_error_is_told_as_a_sentence_and_a_name_in_it_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, error: Exception | str, sentence: str
):
    said: list[str] = []
    monkeypatch.setattr(parts, "problem", said.append)
    parts.failure(error)
    parts.failure(error, "Or type another.")
    assert said == [sentence, f"{sentence} Or type another."]
