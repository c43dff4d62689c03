import math

import numpy as np
import pytest
import torch

from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.subjects.layer_norms import analysis as layer_norms
from gptviz.subjects.layer_norms import stream_analysis as stream
from gptviz.tokenizers import CharacterTokenizer


def language_model(**changes) -> LanguageModel:
    """A tiny model whose γ and β are not those of a fresh one."""
    tokenizer = CharacterTokenizer.from_text("abcdefgh")
    shape = {"block_size": 16, "n_layer": 2, "n_head": 2, "n_embd": 8, **changes}
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(tokenizer.vocab_size, **shape), generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5, generator=generator)
    return LanguageModel(model, tokenizer, "tiny", "tiny")


@pytest.fixture(scope="module")
def lm():
    return language_model()


def test_norms_are_named_in_the_order_in_which_the_model_computes_them():
    blocks = ["h.0.ln_1", "h.0.ln_2", "h.1.ln_1", "h.1.ln_2"]
    names = {
        norm: layer_norms.norm_names(GPTConfig(n_layer=2, norm=norm))
        for norm in ("pre", "post", "none")
    }
    assert names == {"pre": [*blocks, "ln_f"], "post": blocks, "none": []}


def test_a_pre_norm_reads_the_stream_as_it_is_there():
    config = GPTConfig(n_layer=2)
    read = {norm: layer_norms.summands(config, norm) for norm in layer_norms.norm_names(config)}
    assert read == {
        "h.0.ln_1": ("embed",),
        "h.0.ln_2": ("h.0.resid_mid",),
        "h.1.ln_1": ("h.0",),
        "h.1.ln_2": ("h.1.resid_mid",),
        "ln_f": ("h.1",),
    }


def test_a_post_norm_reads_the_stream_and_what_is_added_to_it():
    config = GPTConfig(n_layer=2, norm="post")
    read = {norm: layer_norms.summands(config, norm) for norm in layer_norms.norm_names(config)}
    assert read == {
        "h.0.ln_1": ("embed", "h.0.attn"),
        "h.0.ln_2": ("h.0.resid_mid", "h.0.mlp"),
        "h.1.ln_1": ("h.0", "h.1.attn"),
        "h.1.ln_2": ("h.1.resid_mid", "h.1.mlp"),
    }


@pytest.mark.parametrize(
    ("norm", "name", "sentence"),
    [
        ("pre", "h.2.ln_1", r"no layer norm 'h.2.ln_1'; it has h.0.ln_1, .*, ln_f"),
        ("pre", "h.0.attn", "no layer norm 'h.0.attn'"),
        ("post", "ln_f", "no layer norm 'ln_f'"),
        ("none", "ln_f", "it was built without any"),
    ],
)
def test_a_norm_that_the_model_does_not_have_is_refused_in_words(norm, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        layer_norms.summands(GPTConfig(n_layer=2, norm=norm), name)


def test_the_steps_lead_from_the_stream_to_what_the_module_returned(lm):
    trace = lm.trace("abcde")
    found = layer_norms.by_hand(lm, trace, "h.1.ln_2", 3)
    table, module = found.table, lm.model.h[1].ln_2
    x = trace["h.1.resid_mid"][3].double().numpy()
    assert table["dimension"].tolist() == list(range(8))
    assert table["x"].to_numpy() == pytest.approx(x)
    assert table["x − mean"].to_numpy() == pytest.approx(x - x.mean())
    assert table["÷ √(var + ε)"].to_numpy() == pytest.approx((x - x.mean()) / x.std(), rel=1e-3)
    assert table["γ"].to_numpy() == pytest.approx(module.weight.numpy())
    assert table["× γ"].to_numpy() == pytest.approx(table["÷ √(var + ε)"] * table["γ"])
    assert table["β"].to_numpy() == pytest.approx(module.bias.numpy())
    assert table["+ β"].to_numpy() == pytest.approx(table["× γ"] + table["β"])
    assert table["+ β"].to_numpy() == pytest.approx(trace["h.1.ln_2"][3].numpy(), abs=1e-5)
    assert found.holds
    assert found.error <= 1e-5


def test_the_variance_is_the_biased_one_and_epsilon_is_the_models():
    lm = language_model(layer_norm_epsilon=0.5)
    trace = lm.trace("abc")
    found = layer_norms.by_hand(lm, trace, "h.0.ln_1", 1)
    x = trace["embed"][1].double().numpy()
    before = found.moments.set_index("step").loc["before"]
    assert before["mean"] == pytest.approx(x.mean())
    assert before["variance"] == pytest.approx(((x - x.mean()) ** 2).sum() / 8)
    by_definition = (x - x.mean()) / math.sqrt(x.var(ddof=0) + 0.5)
    assert found.table["÷ √(var + ε)"].to_numpy() == pytest.approx(by_definition, rel=1e-5)
    assert found.scale == pytest.approx(1 / math.sqrt(x.var(ddof=0) + 0.5), rel=1e-5)
    assert found.epsilon == 0.5
    assert found.holds


def test_an_output_that_does_not_follow_from_the_input_is_noticed(lm):
    trace = lm.trace("abc", edits={"ln_f": lambda x: x + 0.01})
    found = layer_norms.by_hand(lm, trace, "ln_f", 2)
    assert not found.holds
    assert found.error == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize("part", ["scale", "normalized"])
def test_the_numbers_inside_a_norm_are_those_of_the_run_and_wrong_ones_are_noticed(lm, part):
    trace = lm.trace("abc", edits={f"h.1.ln_1.{part}": lambda x: 1.01 * x})
    found = layer_norms.by_hand(lm, trace, "h.1.ln_1", 2)
    assert found.scale == trace["h.1.ln_1.scale"][2].item()
    shown = found.table["÷ √(var + ε)"].tolist()
    assert shown == trace["h.1.ln_1.normalized"][2].tolist()
    assert not found.holds
    assert layer_norms.by_hand(lm, trace, "h.1.ln_2", 2).holds


def test_an_output_that_is_not_a_number_is_noticed(lm):
    trace = lm.trace("abc", edits={"ln_f": lambda x: x * math.nan})
    assert not layer_norms.by_hand(lm, trace, "ln_f", 2).holds


@pytest.mark.parametrize("position", [-1, 5])
def test_the_norm_of_a_token_that_is_not_there_is_refused(lm, position):
    with pytest.raises(ValueError, match="positions run from 0 to 4"):
        layer_norms.by_hand(lm, lm.trace("abcde"), "ln_f", position)


def test_the_largest_dimensions_come_first_whatever_their_sign(lm):
    table = layer_norms.by_hand(lm, lm.trace("abc"), "ln_f", 0).table
    found = layer_norms.largest(table, "β", 3)
    sizes = lm.model.ln_f.bias.abs()
    assert found["dimension"].tolist() == sizes.sort(descending=True).indices[:3].tolist()
    assert found["β"].abs().tolist() == sizes.sort(descending=True).values[:3].tolist()


def test_the_stream_is_measured_where_each_norm_reads_it(lm):
    trace = lm.trace("abcde")
    found = stream.measure(lm.config, trace)
    read = [layer_norms.summands(lm.config, norm) for norm in layer_norms.norm_names(lm.config)]
    assert read == [(stage,) for stage in found.stages]
    x = trace["h.0.resid_mid"][2].numpy()
    assert found.mean[1, 2] == pytest.approx(x.mean(), abs=1e-6)
    assert found.spread[1, 2] == pytest.approx(x.std(ddof=0))
    assert found.norm[1, 2] == pytest.approx(np.linalg.norm(x))


def test_the_table_of_the_stream_has_a_row_for_each_stage_and_token(lm):
    trace = lm.trace("abc")
    found = stream.measure(lm.config, trace)
    table = stream.stream_table(found, trace.tokens)
    row = table[(table["stage"] == "h.0") & (table["position"] == 1)].iloc[0]
    assert len(table) == 5 * 3
    assert row["token"] == "b"
    assert row["norm"] == pytest.approx(float(trace["h.0"][1].norm()))


def test_a_norm_that_is_left_out_hands_on_its_input(lm):
    trace = lm.trace("abcde")
    found = layer_norms.leave_out(lm, trace, "ln_f", n=3)
    logits = trace["h.1"] @ lm.model.wte.weight.T
    torch.testing.assert_close(torch.tensor(found.likeliest_after.ids), logits.topk(3).indices)
    assert found.norm == "ln_f"
    assert np.array_equal(found.before.norm, found.after.norm)
    assert (found.divergence > 0).all()


def test_leaving_out_a_norm_leaves_the_trace_that_it_starts_from_as_it_was(lm):
    trace = lm.trace("abcde")
    kept = {name: tensor.clone() for name, tensor in trace.items()}
    for norm in layer_norms.norm_names(lm.config):
        layer_norms.leave_out(lm, trace, norm)
    assert all(torch.equal(trace[name], kept[name]) for name in trace)


def test_the_likeliest_tokens_have_their_probability_in_both_runs(lm):
    trace = lm.trace("abcde")
    found = layer_norms.leave_out(lm, trace, "h.0.ln_2", n=4)
    before = layer_norms.likeliest_table(lm, found.likeliest_before, 2)
    after = layer_norms.likeliest_table(lm, found.likeliest_after, 2)
    p = trace.logits[2].softmax(-1)
    assert before["id"].tolist() == p.topk(4).indices.tolist()
    assert before["with"].tolist() == pytest.approx(p.topk(4).values.tolist())
    assert after["with"].tolist() == pytest.approx(p[after["id"].tolist()].tolist())
    assert before["token"].tolist() == lm.tokenizer.pieces(before["id"].tolist())
    assert after["without"].is_monotonic_decreasing


def test_no_more_tokens_are_listed_than_the_vocabulary_has(lm):
    found = layer_norms.leave_out(lm, lm.trace("ab"), "ln_f", n=100)
    assert found.likeliest_before.ids.shape == (2, lm.config.vocab_size)


def test_the_lengths_of_one_token_stand_side_by_side_for_both_runs(lm):
    trace = lm.trace("abcde")
    without = lm.trace("abcde", edits={"h.1.ln_1": lambda _: trace["h.0"]})
    table = layer_norms.lengths_table(layer_norms.leave_out(lm, trace, "h.1.ln_1"), 3)
    assert table["stage"].tolist() == ["embed", "h.0.resid_mid", "h.0", "h.1.resid_mid", "h.1"]
    for stage, before, after in table.itertuples(index=False):
        assert before == pytest.approx(float(trace[stage][3].norm()), abs=1e-4)
        assert after == pytest.approx(float(without[stage][3].norm()), abs=1e-4)


def test_each_token_has_its_own_distance_of_the_two_guesses(lm):
    trace = lm.trace("abca")
    found = layer_norms.leave_out(lm, trace, "h.0.ln_1")
    table = layer_norms.divergence_table(found, trace.tokens)
    assert table["token"].tolist() == ["a", "b", "c", "a"]
    assert table["position"].tolist() == [0, 1, 2, 3]
    assert table["KL divergence (nats)"].tolist() == found.divergence.tolist()


def test_the_parameters_of_a_norm_are_those_of_its_module(lm):
    table = layer_norms.parameter_table(lm, "h.0.ln_2")
    assert table["dimension"].tolist() == list(range(8))
    assert table["γ"].tolist() == lm.model.h[0].ln_2.weight.tolist()
    assert table["β"].tolist() == lm.model.h[0].ln_2.bias.tolist()
    with pytest.raises(ValueError, match=r"no layer norm 'h.9.ln_1'; it has h.0.ln_1"):
        layer_norms.parameter_table(lm, "h.9.ln_1")


def test_the_divergence_of_two_known_distributions():
    p, q = torch.tensor([0.5, 0.5]).log(), torch.tensor([0.25, 0.75]).log()
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert layer_norms.kl_divergence(p, q) == pytest.approx(expected)
    assert layer_norms.kl_divergence(p, p + 7) == pytest.approx(0, abs=1e-7)


def test_the_divergence_over_a_whole_vocabulary_is_right_to_the_last_digit_shown():
    p, q = 4 * torch.randn(2, 50_257, generator=torch.Generator().manual_seed(0))
    log_p, log_q = (x.numpy().astype(np.longdouble) for x in (p, q))
    log_p, log_q = (x - np.log(np.exp(x).sum()) for x in (log_p, log_q))
    expected = float((np.exp(log_p) * (log_p - log_q)).sum())
    assert layer_norms.kl_divergence(p, q) == pytest.approx(expected, abs=1e-9)


def test_the_divergence_of_distributions_with_nothing_in_common_is_large_but_finite():
    p, q = torch.tensor([1000.0, 0.0]), torch.tensor([0.0, 1000.0])
    assert layer_norms.kl_divergence(p, q) == pytest.approx(1000)
