"""A logit as a product of two vectors, and what a second matrix costs, beside NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.subjects import sharing


def untied(lm: LanguageModel) -> LanguageModel:
    config = replace(lm.config, tie_weights=False)
    model = GPT(config, torch.Generator().manual_seed(0))
    return LanguageModel(model, lm.tokenizer, "untied", "untied")


@pytest.mark.parametrize("is_tied", [True, False])
def test_the_products_of_two_vectors_sum_to_the_logit(tiny_lm, is_tied):
    lm = tiny_lm if is_tied else untied(tiny_lm)
    trace = lm.trace("the king")
    found = sharing.logit(lm, trace, 5, 7)
    name = "wte.weight" if is_tied else "lm_head.weight"
    row = lm.model.get_parameter(name)[7].detach().double().numpy()
    output = trace["ln_f"][5].double().numpy()
    assert found.total == pytest.approx(output @ row)
    assert found.recorded == pytest.approx(found.total, abs=1e-5)
    table = found.table.sort_values("dimension")
    assert table["product"].to_numpy() == pytest.approx(output * row)
    assert np.abs(found.table["product"]).is_monotonic_decreasing
    lengths = np.linalg.norm(output), np.linalg.norm(row)
    assert found.lengths == pytest.approx(lengths)
    assert found.cosine == pytest.approx(output @ row / np.prod(lengths))
    assert (found.to_embedding == pytest.approx(1)) is is_tied


def test_the_likeliest_tokens_come_first(tiny_lm):
    trace = tiny_lm.trace("the king")
    table = sharing.likeliest(tiny_lm, trace, 2, n=4)
    assert table["id"].tolist() == np.argsort(-trace.logits[2].numpy())[:4].tolist()


def test_a_matrix_of_its_own_costs_a_number_for_each_of_its_entries():
    table = sharing.costs(GPTConfig()).set_index("matrix")
    assert table["parameters"].tolist() == [124_439_808, 163_037_184]
    assert table["V × C"].tolist() == [0, 50_257 * 768]
    assert table.loc["its own", "MiB"] == pytest.approx(4 * 163_037_184 / 2**20)
    assert table["training MiB"].to_numpy() == pytest.approx(4 * table["MiB"].to_numpy())
