"""The overview's numbers come from the whole run, and its self-checks notice a broken law."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.journey import Journey, came_next, journey, journey_table, likeliest_tokens
from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.subjects.overview import sentences
from gptviz.subjects.overview.analysis import Check, ranked, self_checks
from gptviz.tokenizers import CharacterTokenizer

V, L = 40, 2
CHARACTERS = CharacterTokenizer(chr(ord("A") + i) for i in range(V))

ROWS = "each row of an attention pattern sums to 1"
STREAM = "the residual stream equals the sum of its parts (as a share of its largest number)"
WATCHING = "watching changes nothing: logits with and without recording"
TOTAL = "probabilities of all tokens sum to 1"


@torch.no_grad()
def language_model(**changes) -> LanguageModel:
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(V, 16, L, 2, 8, **changes), generator)
    for parameter in model.parameters():
        parameter.normal_(std=0.3, generator=generator)
    return LanguageModel(model, CHARACTERS, "tiny", "tiny")


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return language_model()


@pytest.fixture
def trace(lm: LanguageModel) -> Trace:
    return lm.trace("GPTVIZ")


def altered(trace: Trace, name: str, change) -> Trace:
    tensor = trace[name].clone()
    change(tensor)
    return replace(trace, activations={**trace.activations, name: tensor})


def failing(checks: list[Check]) -> list[str]:
    return [check.law for check in checks if not check.holds]


@pytest.mark.parametrize("norm", ["pre", "none"])
def test_an_honest_run_obeys_all_four_laws(norm):
    lm = language_model(norm=norm)
    checks = self_checks(lm, lm.trace("GPTVIZ"))
    assert [check.law for check in checks] == [ROWS, STREAM, WATCHING, TOTAL]
    assert failing(checks) == []
    assert all(0 <= check.error <= check.limit for check in checks)


@pytest.mark.parametrize("change", [{"norm": "post"}, {"residual": False}])
def test_a_network_is_not_held_to_a_sum_that_it_does_not_keep(change):
    lm = language_model(**change)
    checks = self_checks(lm, lm.trace("GPTVIZ"))
    assert [check.law for check in checks] == [ROWS, WATCHING, TOTAL]
    assert failing(checks) == []


def put(value: float):
    def change(tensor: Tensor) -> None:
        tensor.view(-1)[0] += value

    return change


@pytest.mark.parametrize("layer", range(L))
@pytest.mark.parametrize("value", [0.01, -0.01, math.nan])
def test_a_row_that_does_not_sum_to_1_is_noticed_in_any_layer(lm, trace, layer, value):
    broken = altered(trace, f"h.{layer}.attn.pattern", put(value))
    assert failing(self_checks(lm, broken)) == [ROWS]


@pytest.mark.parametrize("name", ["embed", "h.0.attn", "h.1.mlp", "h.1"])
@pytest.mark.parametrize("value", [0.01, math.nan])
def test_a_part_that_is_missing_from_the_stream_is_noticed(lm, trace, name, value):
    assert failing(self_checks(lm, altered(trace, name, put(value)))) == [STREAM]


def test_one_bit_of_difference_from_an_unwatched_run_is_noticed(lm, trace):
    def next_number(tensor: Tensor) -> None:
        tensor[0, 0] = torch.nextafter(tensor[0, 0], torch.tensor(math.inf))

    assert failing(self_checks(lm, altered(trace, "logits", next_number))) == [WATCHING]


def test_an_edited_run_is_told_apart_from_the_model_itself(lm):
    edited = lm.trace("GPTVIZ", edits={"h.0.mlp": torch.zeros_like})
    assert failing(self_checks(lm, edited)) == [WATCHING]


def test_logits_that_are_no_numbers_hold_no_law(lm, trace):
    assert failing(self_checks(lm, altered(trace, "logits", put(math.nan)))) == [WATCHING, TOTAL]


def test_the_errors_are_what_is_measured(lm, trace):
    broken = altered(trace, "h.0.attn.pattern", put(0.25))
    assert self_checks(lm, broken)[0].error == pytest.approx(0.25, abs=1e-5)


def test_not_a_number_is_never_within_the_limit():
    assert not Check("a law", math.nan, 1.0).holds
    assert Check("a law", 1.0, 1.0).holds
    assert not Check("a law", 1.1, 1.0).holds


@pytest.mark.parametrize("position", [0, 3, 5])
def test_the_likeliest_tokens_are_those_of_the_whole_vocabulary(lm, trace, position):
    table = likeliest_tokens(lm, trace, position)
    logits = trace.logits[position].double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum()
    order = np.argsort(-logits)[:10]
    assert table["id"].tolist() == order.tolist()
    assert table["token"].tolist() == [chr(ord("A") + i) for i in order]
    np.testing.assert_allclose(table["logit"], logits[order], rtol=1e-6)
    np.testing.assert_allclose(table["probability"], shares[order], rtol=1e-4)
    assert table["probability"].sum() < 1, "ten of forty cannot have it all"


def test_a_whole_vocabulary_of_likeliest_tokens_sums_to_1(lm, trace):
    table = likeliest_tokens(lm, trace, 2, n=1000)
    assert len(table) == V
    assert table["probability"].sum() == pytest.approx(1, abs=1e-5)
    assert table["probability"].is_monotonic_decreasing
    assert len(likeliest_tokens(lm, trace, 2, n=3)) == 3


def test_the_token_that_came_next_has_its_rank_among_all(trace):
    for position in range(5):
        came = came_next(trace, position)
        logits = trace.logits[position].double().numpy()
        shares = np.exp(logits) / np.exp(logits).sum()
        token = CHARACTERS.encode("GPTVIZ")[position + 1]
        assert came["id"] == token
        assert came["token"] == "GPTVIZ"[position + 1]
        assert came["rank"] == list(np.argsort(-logits)).index(token) + 1
        assert came["probability"] == pytest.approx(shares[token], rel=1e-4)
        assert came["logit"] == pytest.approx(logits[token])
    assert came_next(trace, 5) is None


def test_the_ranks_go_on_to_the_one_that_came_next(lm, trace):
    places = {position: came_next(trace, position) for position in range(6)}
    seen = set()
    for position, came in places.items():
        table = ranked(likeliest_tokens(lm, trace, position), came)
        assert table["rank"].tolist()[:10] == list(range(1, 11))
        if came is None:
            assert list(table) == ["rank", "token", "id", "probability", "logit"]
            continue
        marked = table[table["came next"] == "✔"]
        assert marked[["id", "rank"]].to_numpy().tolist() == [[came["id"], came["rank"]]]
        assert len(table) == (11 if came["rank"] > 10 else 10)
        seen.add(len(table))
    assert seen == {10, 11}, "both happen here"


def test_a_journey_holds_the_lengths_of_the_vectors_on_the_way(lm, trace):
    way = journey(lm, trace)
    T = len(trace.ids)
    assert way.stream.shape == (L + 1, T)
    assert way.attn.shape == way.mlp.shape == way.middle.shape == (L, T)
    assert way.pattern.shape == (L, T, T)
    for row, name in enumerate(["embed", "h.0", "h.1"]):
        for t in range(T):
            length = math.sqrt(sum(float(x) ** 2 for x in trace[name][t]))
            assert way.stream[row, t] == pytest.approx(length, rel=1e-5)
    for i in range(L):
        for part, norms in (("attn", way.attn), ("mlp", way.mlp), ("resid_mid", way.middle)):
            expected = np.linalg.norm(trace[f"h.{i}.{part}"].numpy(), axis=-1)
            np.testing.assert_allclose(norms[i], expected, rtol=1e-5)
        both_heads = trace[f"h.{i}.attn.pattern"].numpy()
        np.testing.assert_allclose(way.pattern[i], (both_heads[0] + both_heads[1]) / 2, rtol=1e-5)


def test_the_table_of_a_journey_has_a_row_for_each_token(lm, trace):
    way = journey(lm, trace)
    table = journey_table(way, trace.tokens)
    assert list(table.columns) == ["position", "token", "embed", "h.0", "h.1"]
    assert table["token"].tolist() == list("GPTVIZ")
    assert table["position"].tolist() == list(range(6))
    np.testing.assert_array_equal(table[["embed", "h.0", "h.1"]].to_numpy().T, way.stream)


def test_the_sentence_under_the_path_says_its_lengths(tiny_lm):
    trace = tiny_lm.trace("the cat")
    way = journey(tiny_lm, trace)
    lengths = {
        f"{kind} of layer {layer}": trace[f"h.{layer}.{part}"][3].norm()
        for kind, part in (("attention", "attn"), ("MLP", "mlp"))
        for layer in range(2)
    }
    longest = max(lengths, key=lengths.__getitem__)
    assert sentences.of_path(way, "·", 3) == (
        f"On its way, the vector of token 3, “·”, goes from length {trace['embed'][3].norm():.2g} "
        f"to {trace['h.1'][3].norm():.2g}. The longest part comes from the {longest}: "
        f"{lengths[longest]:.2g}."
    )
    still = replace(way, stream=np.ones((3, 7)))
    assert "keeps its length: 1.0" in sentences.of_path(still, "·", 3)
    none = Journey(way.stream[:1], way.middle[:0], way.attn[:0], way.mlp[:0], way.pattern[:0])
    assert sentences.of_path(none, "a", 0).startswith("No block changes the vector of token 0")
    assert sentences.of_path(replace(way, attn=way.attn * np.nan), "·", 3) == ""
