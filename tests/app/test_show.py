"""Text that is shown to the letter."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from gptviz.app import show
from gptviz.app.glossary import term
from gptviz.app.show import literal


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
    assert "".join(plain).replace(show.JOINER, "") == text.replace("\n", " ").replace(
        show.JOINER, ""
    )


@pytest.mark.parametrize(
    "text",
    ["see https://a.example", "HTTP://a.example", "www.a.example", "a.b@c.example", ":streamlit:"]
    + [f"a {arrow} b" for arrow in ("->", "<-", "<->", "--", ">=", "<=", "~=")],
)
def test_what_markdown_reads_whatever_is_escaped_is_broken_where_nobody_sees_it(text: str):
    shown = literal(text)
    assert shown.count(show.JOINER) == 1
    assert show.plain(shown) == text


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
    monkeypatch.setattr(show, "problem", said.append)
    show.failure(error)
    show.failure(error, "Or type another.")
    assert said == [sentence, f"{sentence} Or type another."]


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("one row a token. Rows look.", "One row a token.", "Rows look."),
        ("only one sentence", "Only one sentence", ""),
        ("0.5 is half, i.e. 50 %. ✕: none.", "0.5 is half, i.e. 50 %.", "✕: none."),
        (f"of “{literal('a. B')}”: all. More.", f"Of “{literal('a. B')}”: all.", "More."),
        (f"a {term('entropy')} here. More.", f"A {term('entropy')} here.", "More."),
        (f"a {term('entropy')} here", f"A {term('entropy')} here", ""),
        ("", "", ""),
    ],
)
def test_the_first_sentence_ends_where_a_reader_would_say(text: str, first: str, rest: str):
    assert show.first_sentence(text) == (first, rest)


def test_a_picture_is_told_in_one_sentence_and_the_rest_is_folded_away():
    def page() -> None:
        from gptviz.app import show

        show.source("h.0.attn.q", (2, 1024), "rows look. Columns are looked at.")

    (caption,) = AppTest.from_function(page).run().caption
    shown, _, folded = caption.value.partition("<summary>More</summary>")
    assert shown == 'Rows look.\n<details class="fine-print">'
    assert folded.strip().startswith("`h.0.attn.q` · 2 × 1,024 — Columns are looked at.")
    assert folded.endswith("</details>")


def test_columns_are_shown_by_their_titles_and_kept_by_their_keys():
    def script():
        import pandas as pd

        from gptviz.app import show

        frame = pd.DataFrame({"best_val_loss": [1.5], "seed": [3]})
        show.table(show.titled(frame, {"best_val_loss": "best validation loss", "x": "y"}), "k")

    app = AppTest.from_function(script).run()
    (table,) = app.dataframe
    assert table.value.columns.tolist() == ["best_val_loss", "seed"]
    assert json.loads(table.proto.columns)["best_val_loss"] == {"label": "best validation loss"}
