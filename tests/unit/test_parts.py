"""Text that is shown to the letter."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
