import pytest

from gptviz import LanguageModel
from gptviz.subjects.sampling.measures_analysis import measure_table, measures, repetition


def test_measures_of_a_text_are_those_counted_by_hand():
    found = measures("The cat, the dog.\n\nDon't!\n", [5, 6, 5, 6, 7, 5, 6])
    assert found["words"] == 5
    assert found["distinct words"] == 4
    assert found["distinct words / words"] == 0.8
    assert found["lines"] == 2
    assert found["mean line length"] == 11.5
    assert found["longest line"] == 17
    assert found["tokens"] == 7
    # The pairs are 56 65 56 67 75 56: two of six came before.
    assert found["2 tokens said before"] == pytest.approx(2 / 6)


def test_a_text_without_words_lines_or_tokens_is_measured_too():
    found = measures("", [])
    assert found["tokens"] == found["words"] == found["lines"] == 0
    assert found["distinct words / words"] is None
    assert found["longest line"] is None
    assert found["4 tokens said before"] is None


@pytest.mark.parametrize("n", [1, 2, 3])
def test_repetition_runs_from_nothing_new_to_all_new(n: int):
    assert repetition(range(50), n) == 0
    assert repetition([3] * 50, n) == pytest.approx(1 - 1 / (51 - n))


def test_each_text_has_a_column_of_its_measures(tiny_lm: LanguageModel):
    texts = {"A": tiny_lm.ids("to be or not to be"), "B": tiny_lm.ids("a")}
    table = measure_table(tiny_lm.tokenizer, texts).set_index("measure")
    assert table.loc["distinct words"].tolist() == [4, 1]
    assert table.loc["tokens"].tolist() == [18, 1]
    assert table["A"].to_dict() == pytest.approx(measures("to be or not to be", texts["A"]))
