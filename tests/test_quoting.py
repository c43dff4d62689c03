"""Quotes in messages are short, whatever they quote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptviz.jobs import find_run
from gptviz.quoting import LONGEST, cut, quoted
from gptviz.setting import Setting, SettingError
from gptviz.subjects.embeddings.analysis import parse_pairs
from gptviz.tokenizers import GPT2Tokenizer
from gptviz.tokenizers.merges import merge_steps


@given(st.text() | st.integers() | st.lists(st.text()) | st.none())
def test_a_short_value_stands_as_python_writes_it(value):
    if len(str(value) if isinstance(value, str) else repr(value)) <= LONGEST:
        assert quoted(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    ["a" * 10**5, 10**10_000, -(10**10_000), ["a"] * 10**5],
    ids=["text", "number", "below 0", "list"],
)
def test_of_a_long_value_only_the_beginning_stands(value):
    assert len(quoted(value)) <= LONGEST + 2
    assert "…" in quoted(value)


def test_a_text_that_just_fits_is_whole():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


LONG = "x" * 100_000
REFUSED = {
    "a run": lambda: find_run(LONG),
    "a pair": lambda: parse_pairs(LONG),
    "words to merge": lambda: merge_steps(GPT2Tokenizer(), f"{LONG} {LONG} y"),
    "a setting": lambda: Setting(name="steps", kind=int, label="", sentence="", least=1).check(
        LONG
    ),
    "a choice": lambda: Setting(
        name="a", kind=str, label="", sentence="", choices={"a": "A"}
    ).check(LONG),
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_refusal_quotes_a_book(case, tmp_path, monkeypatch):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    with pytest.raises((ValueError, OSError, SettingError)) as caught:
        REFUSED[case]()
    assert "xx" in str(caught.value)
    assert len(str(caught.value)) < 400
