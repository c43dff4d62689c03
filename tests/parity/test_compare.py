"""Two sides compared: next-token divergence, lens and patterns as transformers alone gives them."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, rel_entr, softmax
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from gptviz.language_model import LanguageModel, load
from gptviz.subjects import compare
from gptviz.tokenizers import CharacterTokenizer

V = 61
SHAPES = (
    {"n_positions": 13, "n_layer": 3, "n_head": 3, "n_embd": 15},
    {"n_positions": 16, "n_layer": 2, "n_head": 4, "n_embd": 16, "tie_word_embeddings": False},
)
Side = tuple[LanguageModel, GPT2LMHeadModel, list[int]]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> list[Side]:
    """Two random models of one vocabulary and two texts of eleven tokens."""
    found = []
    for seed, shape in enumerate(SHAPES):
        config = GPT2Config(vocab_size=V, **shape, bos_token_id=None, eos_token_id=None)
        config._attn_implementation = "eager"
        theirs = GPT2LMHeadModel(config).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter.normal_(std=0.3, generator=generator)
        folder = tmp_path_factory.mktemp("model")
        theirs.save_pretrained(folder)
        CharacterTokenizer(chr(200 + i) for i in range(V)).save(folder)
        ids = torch.randint(V, (11,), generator=generator).tolist()
        found.append((load(folder), theirs, ids))
    return found


def ours(sides: list[Side]) -> tuple:
    (one, _, ids), (two, _, others) = sides
    return one, one.trace(ids), two, two.trace(others)


def theirs(side: Side) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Logits (T, V), the lens' logits (n_layer + 1, T, V), and patterns (H, T, T) by layer."""
    _, model, ids = side
    stream: list[Tensor] = []
    hooks = [
        module.register_forward_hook(
            lambda _m, _i, out: stream.append(out[0] if isinstance(out, tuple) else out)
        )
        for module in (model.transformer.drop, *model.transformer.h)
    ]
    with torch.no_grad():
        out = model(torch.tensor([ids]), output_attentions=True)
        for hook in hooks:
            hook.remove()
        rows = [x.reshape(len(ids), -1) for x in stream]
        lens = torch.stack([model.lm_head(model.transformer.ln_f(x)) for x in rows])
    return out.logits[0].numpy(), lens.numpy(), [a[0].numpy() for a in out.attentions]


def test_next_token_divergence(sides):
    found = compare.next_tokens(*ours(sides))
    p, q = (softmax(theirs(side)[0][-1].astype(np.float64)) for side in sides)
    assert found.total_variation == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-5)
    assert found.kl == pytest.approx(rel_entr(p, q).sum(), abs=1e-4)
    pieces = [chr(200 + i) for i in range(V)]
    order = np.argsort(-np.abs(q - p))
    shown = found.differing
    np.testing.assert_allclose(shown["difference"], (q - p)[order[:10]], atol=1e-5)
    for table in (found.likeliest, shown):
        for row in table.itertuples():
            i = pieces.index(row.token)
            assert (row.left, row.right) == pytest.approx((p[i], q[i]), abs=1e-5)
    assert set(found.likeliest["token"]) == {pieces[i] for x in (p, q) for i in np.argsort(-x)[:6]}


def test_lens_difference(sides):
    one, two = (theirs(side)[1].astype(np.float64) for side in sides)
    expected = np.abs(softmax(one[:3], -1) - softmax(two[:3], -1)).sum(-1) / 2
    found = compare.lens_distances(*ours(sides))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    table = compare.distance_table(*ours(sides))
    np.testing.assert_allclose(table["total_variation"], expected.ravel(), atol=1e-4)
    row, at = 1, (4, 7)
    cell = compare.lens_cell(*ours(sides), row, at)
    p, q = softmax(one[row, 4]), softmax(two[row, 7])
    kl = (p * (log_softmax(one[row, 4]) - log_softmax(two[row, 7]))).sum()
    assert cell.kl == pytest.approx(kl, abs=1e-4)
    largest = np.sort(np.abs(q - p))[::-1][:10]
    np.testing.assert_allclose(cell.differing["difference"].abs(), largest, atol=1e-5)
    way = compare.lens_way(*ours(sides), at)
    for side, values, i in (("left", one, 4), ("right", two, 7)):
        likeliest = values[:, i].argmax(-1)
        tokens = way[side].tolist()[: len(values)]
        assert tokens == [chr(200 + token) for token in likeliest]
        np.testing.assert_allclose(
            way[f"{side}_probability"][: len(values)], softmax(values[:, i], -1).max(-1), atol=1e-4
        )
    np.testing.assert_allclose(
        way["total_variation"][:3],
        np.abs(softmax(one[:3, 4], -1) - softmax(two[:3, 7], -1)).sum(-1) / 2,
        atol=1e-4,
    )


def test_attention_difference(sides):
    left, right = (theirs(side)[2] for side in sides)
    _, trace, _, other = ours(sides)
    found = compare.pattern_difference(trace, other, 1, 2)
    np.testing.assert_allclose(found, right[1][2] - left[1][2], atol=1e-5)
    distances = compare.head_distances(trace, other)
    expected = [
        [np.abs(right[layer][head] - left[layer][head]).max() for head in range(3)]
        for layer in range(2)
    ]
    np.testing.assert_allclose(distances, expected, atol=1e-5)


def test_neighbours(sides):
    (one, theirs_one, _), (two, theirs_two, _) = sides
    token = 17
    found = compare.neighbours(one, two, chr(200 + token), n=5)
    nearest = []
    for side, model in (("left", theirs_one), ("right", theirs_two)):
        wte = model.transformer.wte.weight.detach().numpy().astype(np.float64)
        cosines = wte @ wte[token] / np.linalg.norm(wte, axis=1) / np.linalg.norm(wte[token])
        cosines[token] = -np.inf
        order = np.argsort(-cosines)
        nearest.append({chr(200 + i) for i in order[:5]})
        for row in found.table.itertuples():
            i = ord(row.token) - 200
            assert getattr(row, side) == pytest.approx(cosines[i], abs=1e-5)
            assert order[getattr(row, f"{side}_rank") - 1] == i
    assert set(found.table["token"]) == nearest[0] | nearest[1]
    assert found.shared == len(nearest[0] & nearest[1])
