"""The inside of each stage, compared with the same sums in plain PyTorch."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gptviz.inside import STAGES, Operation, Part, inside, table_of
from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

V, C, H, L = 40, 8, 2, 3
D = C // H
TEXT = "GPTVIZ"
CHARACTERS = CharacterTokenizer(chr(ord("A") + i) for i in range(V))


@torch.no_grad()
def language_model(**changes) -> LanguageModel:
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(V, 16, L, H, C, **changes), generator)
    for parameter in model.parameters():
        parameter.normal_(std=0.3, generator=generator)
    return LanguageModel(model, CHARACTERS, "tiny", "tiny")


class ByHand:
    """A GPT-2 out of its weights and PyTorch's functions alone, in float64; keeps what it makes."""

    def __init__(self, lm: LanguageModel):
        self.weights = {name: w.double() for name, w in lm.model.state_dict().items()}
        self.norm_kind, self.epsilon = lm.config.norm, lm.config.layer_norm_epsilon
        self.made: dict[str, Tensor] = {}
        ids = torch.tensor(lm.tokenizer.encode(TEXT))
        wte, wpe = self.weights["wte.weight"][ids], self.weights["wpe.weight"][: len(ids)]
        self.made |= {"wte": wte, "wpe": wpe, "embed": wte + wpe}
        x = wte + wpe
        for i in range(L):
            x = self.block(f"h.{i}", x)
        self.made["ln_f"] = x = self.norm("ln_f", x) if self.norm_kind == "pre" else x
        self.matrix = self.weights.get("lm_head.weight", self.weights["wte.weight"])
        self.made["logits"] = x @ self.matrix.T

    def norm(self, name: str, x: Tensor) -> Tensor:
        if self.norm_kind == "none":
            return x
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        self.made[name] = F.layer_norm(x, (C,), weight, bias, self.epsilon)
        return self.made[name]

    def linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def block(self, h: str, x: Tensor) -> Tensor:
        pre = self.norm_kind == "pre"
        after = (lambda _, x: x) if pre or self.norm_kind == "none" else self.norm
        attn = self.attention(f"{h}.attn", self.norm(f"{h}.ln_1", x) if pre else x)
        x = self.made[f"{h}.resid_mid"] = after(f"{h}.ln_1", x + attn)
        mlp = self.mlp(f"{h}.mlp", self.norm(f"{h}.ln_2", x) if pre else x)
        x = self.made[h] = after(f"{h}.ln_2", x + mlp)
        return x

    def attention(self, name: str, x: Tensor) -> Tensor:
        q, k, v = self.linear(f"{name}.c_attn", x).split(C, dim=-1)
        mixed = []
        for head in range(H):
            mine = slice(head * D, (head + 1) * D)
            scores = q[:, mine] @ k[:, mine].T / math.sqrt(D)
            hidden = torch.ones(len(x), len(x)).triu(1).bool()
            pattern = scores.masked_fill(hidden, -torch.inf).softmax(-1)
            self.made[f"{name}.pattern[{head}]"] = pattern
            mixed.append(pattern @ v[:, mine])
        z = torch.cat(mixed, dim=-1)
        self.made |= {f"{name}.q": q, f"{name}.k": k, f"{name}.v": v, f"{name}.z": z}
        self.made[name] = self.linear(f"{name}.c_proj", z)
        return self.made[name]

    def mlp(self, name: str, x: Tensor) -> Tensor:
        pre = self.made[f"{name}.pre"] = self.linear(f"{name}.c_fc", x)
        act = self.made[f"{name}.act"] = F.gelu(pre, approximate="tanh")
        self.made[name] = self.linear(f"{name}.c_proj", act)
        return self.made[name]


def parts(steps: list[Operation]) -> list[Part]:
    return [part for step in steps for part in step.parts]


@pytest.mark.parametrize("position", [0, 3, 5])
@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_a_block_holds_the_numbers_that_its_weights_give_by_hand(norm, layer, position):
    lm = language_model(norm=norm)
    made = ByHand(lm).made
    found = parts(inside(lm, lm.trace(TEXT), "attention", position, layer))
    assert len(found) == (14 if norm == "pre" else 12) + H
    for part in found:
        expected = made[part.name][position].numpy()
        np.testing.assert_allclose(part.values.ravel(), expected, atol=1e-4, err_msg=part.name)
        assert part.length == pytest.approx(math.sqrt(sum(x * x for x in expected)), rel=1e-4)
        if part.name.endswith("act"):
            assert part.facts["above_0"] == sum(x > 0 for x in expected)


def test_a_block_is_told_in_the_order_in_which_it_computes():
    lm = language_model()
    steps = inside(lm, lm.trace(TEXT), "mlp", 2, 1)
    assert [(step.half, step.kind) for step in steps] == [
        *(("attention", kind) for kind in ("norm", "qkv", "heads", "mix", "add")),
        *(("mlp", kind) for kind in ("norm", "widen", "act", "narrow", "add")),
    ]
    before, middle = steps[4].parts
    attn = steps[3].parts[1]
    np.testing.assert_allclose(before.values + attn.values, middle.values, atol=1e-5)
    assert before.name == "h.0"
    assert middle.name == "h.1.resid_mid"
    assert steps[1].parts[0].values.shape == (H, D)


def test_a_block_without_a_norm_before_it_has_no_step_for_it():
    for norm, residual, add in (
        ("post", True, "add_norm"),
        ("none", True, "add"),
        ("none", False, "replace"),
    ):
        lm = language_model(norm=norm, residual=residual)
        kinds = [step.kind for step in inside(lm, lm.trace(TEXT), "mlp", 0)]
        assert "norm" not in kinds
        assert kinds.count(add) == 2


def test_the_embeddings_of_a_token_and_of_its_place_make_the_sum():
    lm = language_model()
    token, place, total = parts(inside(lm, lm.trace(TEXT), "embeddings", 3))
    weights = lm.model.state_dict()
    np.testing.assert_array_equal(token.values, weights["wte.weight"][ord("V") - ord("A")])
    np.testing.assert_array_equal(place.values, weights["wpe.weight"][3])
    np.testing.assert_allclose(total.values, token.values + place.values, rtol=1e-6)


def test_the_final_norm_tells_mean_and_scale_and_what_becomes_of_the_vector():
    lm = language_model()
    by_hand = ByHand(lm)
    before, normalized, after = parts(inside(lm, lm.trace(TEXT), "norm", 4))
    x = by_hand.made["h.2"][4].numpy()
    scale = 1 / math.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
    assert before.facts["mean"] == pytest.approx(x.mean(), abs=1e-4)
    assert before.facts["scale"] == pytest.approx(scale, rel=1e-4)
    np.testing.assert_allclose(before.values, x, atol=1e-4)
    np.testing.assert_allclose(normalized.values, (x - x.mean()) * scale, atol=1e-4)
    np.testing.assert_allclose(after.values, by_hand.made["ln_f"][4], atol=1e-4)


@pytest.mark.parametrize("norm", ["post", "none"])
def test_a_model_without_a_final_norm_keeps_the_vector(norm):
    lm = language_model(norm=norm)
    (step,) = inside(lm, lm.trace(TEXT), "norm", 4)
    assert step.kind == "kept"
    np.testing.assert_allclose(step.parts[0].values, ByHand(lm).made["h.2"][4], atol=1e-4)


@pytest.mark.parametrize("tied", [True, False])
def test_logits_are_dot_products_with_the_rows_of_the_likeliest_tokens(tied):
    lm = language_model(tie_weights=tied)
    by_hand = ByHand(lm)
    vector, rows = inside(lm, lm.trace(TEXT), "logits", 5)
    logits = by_hand.made["logits"][5].numpy()
    order = np.argsort(-logits)[:10]
    matrix = "wte.weight" if tied else "lm_head.weight"
    assert [row.name for row in rows.parts] == [f"{matrix}[{token}]" for token in order]
    for token, row in zip(order, rows.parts, strict=True):
        np.testing.assert_allclose(row.values, by_hand.matrix[token], rtol=1e-5)
        assert row.facts["logit"] == pytest.approx(logits[token], abs=1e-3)
        assert row.facts["logit"] == pytest.approx(vector.parts[0].values @ row.values, abs=1e-3)


@pytest.mark.parametrize("stage", STAGES)
def test_the_table_has_a_row_for_each_part(stage):
    lm = language_model()
    steps = inside(lm, lm.trace(TEXT), stage, 1, 1)
    table, found = table_of(steps), parts(steps)
    assert table["name"].tolist() == [part.name for part in found]
    for row, part in zip(table.to_dict("records"), found, strict=True):
        flat = part.values.ravel().tolist()
        assert row["length"] == pytest.approx(math.sqrt(sum(x * x for x in flat)), rel=1e-5)
        assert row["largest"] == max(flat, key=abs) == flat[row["largest_at"]]


def test_a_stage_that_cannot_be_opened_is_refused_in_words():
    lm = language_model()
    with pytest.raises(ValueError, match="'tokens'; it must be one of embeddings, attention"):
        inside(lm, lm.trace(TEXT), "tokens", 0)


def test_what_is_kept_of_a_stage_does_not_keep_the_trace():
    lm = language_model()
    trace = lm.trace(TEXT)
    whole = [trace[name].numpy() for name in trace]
    for part in parts(inside(lm, trace, "mlp", 0)):
        assert not any(np.shares_memory(part.values, tensor) for tensor in whole)
