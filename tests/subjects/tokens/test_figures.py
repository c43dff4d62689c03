"""The bars of what a sentence costs."""

import pytest

from gptviz.app.theme import PALETTES
from gptviz.subjects.tokens.analysis import cost_table
from gptviz.subjects.tokens.figures import CANNOT, PATTERNS, cost_bars
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, compared_with

GPT2 = GPT2Tokenizer()
COSTS = cost_table(compared_with(GPT2))


@pytest.mark.parametrize("scheme", PALETTES)
def test_each_bar_is_as_high_as_its_sentence_has_tokens(scheme):
    figure = cost_bars(COSTS, scheme)
    for bar in figure.data:
        of_one = COSTS[COSTS["tokenizer"] == bar.name]
        assert list(bar.x) == of_one["sentence"].tolist()
        assert list(bar.y) == of_one["tokens"].fillna(0).tolist()


def test_a_sentence_that_cannot_be_written_has_a_cross_and_no_bar():
    letters = CharacterTokenizer.from_text("ab")
    figure = cost_bars(cost_table({"letters": letters}, {"yes": "abba", "no": "안"}), "light")
    assert list(figure.data[0].y) == [4, 0]
    assert list(figure.data[0].text) == ["4", CANNOT]
    assert "cannot be written" in figure.data[0].customdata[1]


def test_bars_differ_in_pattern_and_not_in_colour_alone():
    shapes = [bar.marker.pattern.shape for bar in cost_bars(COSTS, "light").data]
    assert len(set(shapes)) == len(shapes) == 3


def test_the_hover_label_has_the_numbers():
    assert cost_bars(COSTS, "light").data[0].customdata[0] == (
        "English, GPT-2 BPE: 8 tokens for 31 characters, 3.88 characters a token"
    )


def test_more_tokenizers_than_can_be_told_apart_are_refused():
    many = {f"{i}": GPT2 for i in range(len(PATTERNS) + 1)}
    with pytest.raises(ValueError, match="5 tokenizers came, and 4 can be told apart"):
        cost_bars(cost_table(many), "light")
