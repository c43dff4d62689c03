"""Texts that are searched, ranked and measured hold what `generate` and the whole text say."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch

from gptviz import LanguageModel
from gptviz.sampling import SamplingSettings
from gptviz.subjects.sampling import (
    batch_analysis,
    beam_analysis,
    cache_analysis,
    expert_figures,
    formats_analysis,
)
from gptviz.subjects.sampling.analysis import more_rules, stage_titles
from gptviz.subjects.sampling.batch_analysis import Sampled
from gptviz.subjects.sampling.expert_sentences import (
    of_grid,
    of_ranking,
    of_search,
    of_stop,
    of_times,
)
from gptviz.subjects.sampling.formats_analysis import FORMATS, filled

RULES = SamplingSettings(0.9, 20, 0.9, 1.2, 0.01, 0.9, 3)
HOW = {
    **{"temperature": 0.9, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.2},
    **{"min_p": 0.01, "typical_p": 0.9, "no_repeat_ngram_size": 3},
}


def test_texts_that_are_written_together_are_those_of_generate(tiny_lm: LanguageModel):
    length = tiny_lm.config.block_size + 5  # so that the older half is forgotten, too
    ids = tiny_lm.ids("abc")
    found = batch_analysis.sampled(tiny_lm, ids, [(RULES, 3), (RULES, 4)], length)
    for text, seed in zip(found, (3, 4), strict=True):
        steps = list(tiny_lm.generate(ids, length, **HOW, seed=seed))
        assert list(text.ids) == [step.id for step in steps]
        for step, own, nats in zip(steps, text.log_probabilities, text.entropies, strict=True):
            assert own == pytest.approx(float(step.logits.log_softmax(-1)[step.id]), abs=1e-4)
            entropy = float(torch.special.entr(step.probabilities).sum())
            assert nats == pytest.approx(entropy, abs=1e-4)


def test_the_ranking_has_the_probability_of_each_whole_text(tiny_lm: LanguageModel):
    ids = tuple(tiny_lm.ids("abc"))
    told: list[tuple[int, int]] = []
    table = batch_analysis.ranked(
        tiny_lm, ids, RULES, 3, 6, 5, lambda done, whole: told.append((done, whole))
    )
    assert sorted(table["written with"]) == ["greedy", "seed 5", "seed 6", "seed 7"]
    assert table["mean"].is_monotonic_decreasing
    assert told == [(n, 12) for n in range(12)]
    for name, total, mean, perplexity in table[
        ["written with", "sum", "mean", "perplexity"]
    ].itertuples(index=False):
        how = {"temperature": 0} if name == "greedy" else {**HOW, "seed": int(name[5:])}
        new = [step.id for step in tiny_lm.generate(ids, 6, **how)]
        log_p = tiny_lm.trace([*ids, *new]).logits.double().log_softmax(-1)
        own = log_p[range(len(ids) - 1, len(ids) + 5), new]
        assert total == pytest.approx(float(own.sum()), abs=1e-4)
        assert mean == pytest.approx(total / 6)
        assert perplexity == pytest.approx(math.exp(-total / 6))


def test_the_grid_holds_the_three_settings_of_the_course_and_all_others(
    tiny_lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batch_analysis, "LENGTH", 8)
    monkeypatch.setattr(batch_analysis, "TEXTS", 2)
    ids, off = tuple(tiny_lm.ids("abc")), SamplingSettings()
    told: list[tuple[int, int]] = []
    table = batch_analysis.grid(
        tiny_lm, ids, "top_k", off, 1, lambda done, whole: told.append((done, whole))
    )
    assert [done for done, _ in told] == list(range(5 * 8))
    assert batch_analysis.COURSE == {
        "Conservative": (0.2, 10),
        "Balanced": (0.5, 20),
        "Creative": (0.8, 40),
    }
    cells = table.set_index(["temperature", "top_k"])
    assert len(cells) == 25
    for temperature, k in batch_analysis.COURSE.values():
        texts = [
            [step.id for step in tiny_lm.generate(ids, 8, temperature=temperature, top_k=k, seed=s)]
            for s in (1, 2)
        ]
        pairs = [pair for text in texts for pair in itertools.pairwise(text)]
        assert cells.loc[(temperature, k), "distinct_2"] == len(set(pairs)) / len(pairs)
    by_p = batch_analysis.grid(tiny_lm, ids, "top_p", off, 1)
    assert by_p["top_p"].unique().tolist() == [0.5, 0.7, 0.9, 0.95, 1.0]
    last = by_p.drop(columns="top_p").iloc[-1]  # both limits off
    assert last.equals(table.drop(columns="top_k").iloc[-1])


def test_the_measures_of_a_cell_by_hand():
    one = Sampled((1, 2, 1, 2, 1, 2), (-1.0,) * 6, (0.5,) * 6)
    other = Sampled((1, 2), (-3.0, -3.0), (0.0, 0.0))
    found = batch_analysis.cell([one, other])
    assert found == {
        "distinct_1": pytest.approx(2 / 8),
        "distinct_2": pytest.approx(2 / 6),
        "distinct_3": pytest.approx(2 / 4),
        "repetition": pytest.approx(1 / 3),  # of (1212, 2121, 1212); the other is too short
        "log_probability": pytest.approx(-12 / 8),
        "entropy": pytest.approx(3 / 8),
    }
    assert np.isnan(batch_analysis.cell([other])["repetition"])


def test_the_tree_and_the_texts_of_a_search_are_tables(tiny_lm: LanguageModel):
    ids = tuple(tiny_lm.ids("abc"))
    found = beam_analysis.search(tiny_lm, ids, 5, 3)
    texts = beam_analysis.found_table(tiny_lm, found)
    tree = beam_analysis.tree_table(tiny_lm, found)
    assert texts["sum"].is_monotonic_decreasing
    assert texts["perplexity"].tolist() == pytest.approx(np.exp(-texts["sum"] / 5).tolist())
    best = tree[tree["rank"] == 1]
    assert best["step"].tolist() == [1, 2, 3, 4, 5]
    assert best["log_probability"].sum() == pytest.approx(texts["sum"][0])
    assert texts["text"][0] == tiny_lm.tokenizer.decode(best["id"].tolist())
    for (_, row), (_, after) in itertools.pairwise(best.iterrows()):
        assert after["parent"] == row["place"]


def test_a_branch_keeps_its_lane_and_no_two_tokens_share_a_place():
    parents = [[0, 0, 0], [1, 1, 2], [0, 1, 1], [2, 2, 0]]
    lanes = beam_analysis.lanes(parents)
    for own in lanes:
        assert sorted(own) == [0, 1, 2]
    last = [(3, place) for place in range(3)]
    straight = 0
    for step, place in last:
        while step:
            parent = parents[step][place]
            straight += lanes[step][place] == lanes[step - 1][parent]
            step, place = step - 1, parent
    assert straight >= 4
    assert beam_analysis.lanes([[0], [0], [0]]) == [[0], [0], [0]]


def test_with_and_without_the_cache_the_same_tokens_are_timed(tiny_lm: LanguageModel):
    ids = tuple(tiny_lm.ids("abc"))
    told: list[tuple[int, int]] = []
    table = cache_analysis.measured(
        tiny_lm, ids, RULES, 7, 2, 1, lambda done, whole: told.append((done, whole))
    )
    assert told == [(n, 14) for n in range(14)]
    assert table["read"].tolist() == list(range(3, 10))
    expected = [step.id for step in tiny_lm.generate(ids, 7, **HOW, seed=2)]
    assert table["id"].tolist() == table["id_without_cache"].tolist() == expected
    assert (table[["with_cache", "without_cache"]] > 0).all(axis=None)
    assert "Both wrote the same text." in of_times(table)
    table.loc[3:, "id_without_cache"] = -1
    assert "They wrote the same up to token 4" in of_times(table)


def test_a_format_puts_the_text_into_its_place_and_names_what_ends_the_answer():
    assert filled(FORMATS["plain"], "a {b}") == "a {b}"
    question = FORMATS["question"]
    assert filled(question, "Why?") == "[QUESTION]\nWhy?\n[/QUESTION]\n\n[ANSWER]\n"
    assert question.stop == ("[/ANSWER]",)
    own = formats_analysis.own(r"<a>{text}</a>\n<b>")
    assert filled(own, "hi") == "<a>hi</a>\n<b>"
    assert own.stop == ("</b>",)
    assert formats_analysis.own("[x] {text} [y]\\n").stop == ("[/y]",)
    for template in ("{text}", "{text}</a>", "{text} <a", "{text}: ", "<a> {text}", "{text}<>"):
        assert formats_analysis.own(template).stop == ()


@pytest.mark.parametrize("template", ["", "no place", "{ text }", "{text", "🙂" * 2000])
def test_a_format_without_a_place_is_refused_in_words(template: str):
    with pytest.raises(ValueError, match=r"has no \{text\}; write \{text\} where your text goes"):
        formats_analysis.own(template)


def test_the_stop_tag_that_ended_a_text_is_named_and_an_earlier_one_is_not():
    assert "stop tag **\\<\\/b\\>**" in of_stop("well</b>", ">", ("</b>",))
    assert of_stop("well</b> and so on", " on", ("</b>",)) == ""
    assert of_stop("well", "l", ()) == ""


def test_rules_beside_the_usual_ones_are_told_where_they_are_on():
    assert more_rules(SamplingSettings()) == {}
    assert [*stage_titles(SamplingSettings())] == [
        *("before", "repetition_penalty", "temperature", "top_k", "top_p"),
    ]
    on = SamplingSettings(min_p=0.1, no_repeat_ngram_size=2)
    assert more_rules(on) == {"no-repeat": 2, "min-p": 0.1}
    assert [*stage_titles(on)][2] == "no_repeat_ngram_size"


@pytest.mark.parametrize(
    ("best", "greedy", "beams", "words"),
    [
        ((-10.0, 5), (-10.0, 5), 1, "With 1 beam, nothing is compared"),
        ((-10.0, 5), (-9.9999, 5), 4, "greedy writing finds the same one"),  # as rounding has it
        ((-10.0, 5), (-10.5, 5), 4, "is **1.65** times as likely"),
        ((-10.0, 5), (-13.0, 5), 4, "is **20.1** times as likely"),
        ((-10.0, 5), (-40.0, 5), 4, "is **1.1 · 10¹³** times as likely"),
        ((-10.0, 5), (-1010.0, 5), 4, "is **10⁴³⁴** times as likely"),
        ((-10.0, 5), (-9.0, 5), 4, "greedy writing's **−9.00**: the search gave that one up"),
        ((-10.0, 8), (-9.0, 5), 4, "the mean of a token: **−1.250** against **−1.800**"),
    ],
)
def test_what_is_said_of_a_search_follows_from_both_texts(best, greedy, beams, words):
    is_same = "the same one" in words
    tables = [
        pd.DataFrame([{"text": "" if is_same else name, **beam_analysis.likelihood(*text)}])
        for name, text in (("best", best), ("greedy", greedy))
    ]
    assert words in of_search(*tables, beams)


def test_texts_that_are_all_alike_are_told_so():
    table = pd.DataFrame({"written with": ["seed 0", "greedy"], "perplexity": [3.0, 3.0]})
    assert "have a perplexity of **3.00** each; by the mean" in of_ranking(table)


def test_a_token_that_a_model_thought_impossible_makes_the_perplexity_infinite():
    assert beam_analysis.likelihood(-2000.0, 2)["perplexity"] == math.inf


def test_a_cell_in_which_nothing_can_be_measured_has_a_dash():
    row = {"log_probability": -1.5, "entropy": 0.5, "distinct_1": 1.0, "distinct_2": np.nan}
    places = itertools.product((0.2, 0.5), batch_analysis.GRIDS["top_k"])
    cells = [{"temperature": t, "top_k": k, **row} for t, k in places]
    table = pd.DataFrame(cells).fillna({"top_k": 0})
    assert "a dash stands in the picture" in of_grid(table, "top_k")
    (picture,) = expert_figures.grid(table, "top_k", "distinct_2", [], "light").data
    assert {text for texts in picture.text for text in texts} == {"–"}
    (picture,) = expert_figures.grid(table, "top_k", "log_probability", [], "light").data
    assert picture.text[0][0] == "−1.50"
