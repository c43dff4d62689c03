"""The page Byte pairs, entered through the app; it opens without any model."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gptviz.subjects import byte_pairs
from gptviz.subjects.byte_pairs import controls, figures, sentences

OWN = "the cat sat on the mat, the cat"


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))

    def opened(tab: str, **query: object) -> AppTest:
        return open_app("byte_pairs", tab=tab, **{"learn_from": "tale", **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.info]
    return " ".join(x.value for x in told).replace("\\", "")


def test_the_page_shows_tokens_over_the_size_of_the_vocabulary(
    open_page, assert_codes_make_the_numbers
):
    app = open_page("size", bpe_size="300")
    assert not app.error
    learnt = byte_pairs.learn(byte_pairs.tale.TALE)
    assert f"of **300** makes **{learnt.tokens(300):,}**" in words(app)
    assert "A larger one of 433 makes 323" in words(app)
    assert_codes_make_the_numbers({"bpe_sizes"})


def test_merges_are_replayed_one_by_one(open_page, assert_codes_make_the_numbers):
    app = open_page("merges", merges_done="9")
    assert not app.error
    assert "Rank 8 joins “어⟨EC 9A⟩” and “⟨94⟩” to **어요**, 25 times" in words(app)
    assert_codes_make_the_numbers({"merges_in_order"})


def test_letters_fall_apart_where_the_text_lacks_them(open_page, assert_codes_make_the_numbers):
    app = open_page("letters", learn_from="own", own_text=OWN, torn_text="고양 cat", bpe_size="258")
    assert not app.error
    assert "tears 2 of them apart" in words(app)
    assert "lacks 2 of these letters" in words(app)
    assert_codes_make_the_numbers({"torn_letters"})


def test_unknown_letters_are_lost_or_bytes(open_page, assert_codes_make_the_numbers):
    app = open_page("unknown", learn_from="own", own_text=OWN, unknown_text="cät", bpe_size="257")
    assert not app.error
    assert "lacks **1** of these 3 letters" in words(app)
    assert "“cät” comes back as “c�t”" in words(app)
    assert_codes_make_the_numbers({"unknown_letters"})


@pytest.mark.parametrize(
    ("tab", "text", "told"),
    [
        ("size", "", "There is no text to learn from yet; type or paste one."),
        ("merges", "ab", "No two neighbours of this text stand side by side twice"),
        ("size", "aaaa", "This text fills a vocabulary of 258 tokens, not of 1,024"),
    ],
)
def test_a_text_with_too_little_is_told_in_a_sentence(open_page, tab, text, told):
    assert told in words(open_page(tab, learn_from="own", own_text=text))


def test_of_a_long_text_the_beginning_is_read_and_the_address_stays_short(open_page):
    app = open_page("size", learn_from="own", own_text="ab " * 200)
    assert app.query_params["own_text"] == "ab " * 200
    app.text_area(key="own_text").set_value("ab " * 10_000).run()
    assert "30,000 characters came and 20,000 fit here" in words(app)
    assert len(app.text_area(key="own_text").value) == controls.LONGEST
    assert "own_text" not in app.query_params
    assert "The text has 20,000 characters" in words(app)
    app.text_area(key="own_text").set_value("ab ab").run()
    assert "characters came" not in words(app)


@pytest.mark.parametrize("value", ["", "9", "abc", "NaN"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    app = open_page("merges", bpe_size=value, merges_done=value)
    assert not app.error


def test_sentences_fit_their_numbers():
    one = byte_pairs.learn("aa")
    assert "It is the largest that this text fills" in sentences.of_size(one, 257)
    two = byte_pairs.learn("ab ab")
    assert "joins a pair that stands there 2 times" in sentences.of_size(two, 257)
    table = byte_pairs.merges(two)
    assert "“a” and “b” stand side by side most often" in sentences.of_merge(table, 0, 5)
    assert "2 times. Of 5 bytes, 3 tokens are left" in sentences.of_merge(table, 1, 5)
    assert "Each chip is a byte" in sentences.outlined(0, 0)
    assert "stands further on" in sentences.outlined(0, 3)
    assert sentences.outlined(2, 3).startswith("Outlined")
    torn = pd.DataFrame({"own": [1, 3], "GPT-2": [1, 1]})
    told = sentences.of_letters(torn, [4, 1], 0)
    assert "4 tokens of these 2 letters, **2.00** a letter, and tears 1 of them" in told
    assert "1 token, **0.50** a letter, and tears 0" in told
    assert "has all of these letters" in told
    known = byte_pairs.unknown(two.characters, two.bpe, "ab")
    assert "nothing is unknown" in sentences.of_unknown(known, "ab", "ab", 1)


def test_the_last_merge_stands_out_among_those_around_it():
    table = byte_pairs.merges(byte_pairs.learn(byte_pairs.tale.TALE))
    for done, first in ((0, 0), (1, 0), (20, 7), (len(table), len(table) - 24)):
        bars = figures.merges(table, done, "light").data[0]
        assert bars.x[0].startswith(f"{first} ")
        assert len(bars.x) == 24
        wide = [i for i, width in enumerate(bars.marker.line.width) if width > 1]
        assert wide == ([done - 1 - first] if done else [])
    assert len(figures.merges(table.head(3), 1, "dark").data[0].x) == 3


def test_a_text_that_was_typed_in_a_tab_is_there_again_when_the_tab_is(open_page):
    app = open_page("unknown", learn_from="own", own_text=OWN, unknown_text="cät")
    for title, key in (("Merge by merge", "unknown_text"), ("Unknown letters", "merges_done")):
        app.session_state["tab_title"] = title
        app.run()
        assert not app.exception
        assert key not in app.query_params, "the tab is closed"
    assert app.text_input(key="unknown_text").value == "cät"
    assert app.query_params["unknown_text"] == "cät"
