"""Lens, attribution, knock-out, patching and circuits beside the same on `transformers`' GPT-2.

What stands on the right side here uses hooks on Hugging Face's modules and nothing of gptviz.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from gptviz import measures
from gptviz.language_model import LanguageModel, load
from gptviz.subjects import attention, residual
from gptviz.subjects.attention.circuits_analysis import circuits
from gptviz.subjects.mlp import analysis as mlp
from gptviz.subjects.patching import analysis as patching
from gptviz.subjects.what_if import analysis as what_if
from gptviz.tokenizers import CharacterTokenizer

SHAPES = {
    "odd": {"vocab_size": 97, "n_positions": 13, "n_layer": 3, "n_head": 3, "n_embd": 15},
    "one layer": {"vocab_size": 61, "n_positions": 9, "n_layer": 1, "n_head": 2, "n_embd": 8},
    "untied": {
        **{"vocab_size": 61, "n_positions": 12, "n_layer": 2, "n_head": 4, "n_embd": 16},
        "tie_word_embeddings": False,
    },
    "as found": {
        **{"vocab_size": 53, "n_positions": 8, "n_layer": 3, "n_head": 5, "n_embd": 10},
        **{"activation_function": "relu", "n_inner": 7, "scale_attn_by_inverse_layer_idx": True},
    },
}


@pytest.fixture(scope="module", params=SHAPES)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LanguageModel, GPT2LMHeadModel]:
    config = GPT2Config(**SHAPES[request.param], bos_token_id=None, eos_token_id=None)
    config._attn_implementation = "eager"
    theirs = GPT2LMHeadModel(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(std=0.3, generator=generator)
    folder = tmp_path_factory.mktemp("model")
    theirs.save_pretrained(folder)
    CharacterTokenizer(chr(200 + i) for i in range(config.vocab_size)).save(folder)
    return load(folder), theirs


@pytest.fixture
def texts(both: tuple[LanguageModel, GPT2LMHeadModel]) -> tuple[list[int], list[int]]:
    config = both[1].config
    generator = torch.Generator().manual_seed(1)
    clean, corrupted = torch.randint(
        config.vocab_size, (2, config.n_positions - 1), generator=generator
    ).tolist()
    return clean, corrupted


@contextmanager
def changed(*changes: tuple[nn.Module, str, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """While it lasts, modules give (or "input": get) something else."""
    with ExitStack() as stack:
        for module, end, change in changes:

            def on_output(_m: nn.Module, _i: object, output: object, change=change) -> object:
                if isinstance(output, tuple):
                    return (change(output[0]), *output[1:])
                return change(output)

            def on_input(_m: nn.Module, inputs: tuple[Tensor, ...], change=change) -> object:
                return (change(inputs[0]), *inputs[1:])

            hook = (
                module.register_forward_pre_hook(on_input)
                if end == "input"
                else module.register_forward_hook(on_output)
            )
            stack.callback(hook.remove)
        yield


def kept(theirs: GPT2LMHeadModel, ids: list[int], *places: tuple[nn.Module, str]) -> list[Tensor]:
    """What modules give, or get, on a text, without a batch dimension."""
    found: list[Tensor] = []

    def keep(x: Tensor) -> Tensor:
        found.append(x[0].clone())
        return x

    with torch.no_grad(), changed(*((module, end, keep) for module, end in places)):
        theirs(torch.tensor([ids]))
    return found


def logits_of(theirs: GPT2LMHeadModel, ids: list[int]) -> Tensor:
    with torch.no_grad():
        return theirs(torch.tensor([ids])).logits[0]


def test_lens(both, texts):
    lm, theirs = both
    ids, body = texts[0], theirs.transformer
    stream = kept(theirs, ids, (body.drop, "output"), *((block, "output") for block in body.h))
    with torch.no_grad():
        expected = torch.stack([theirs.lm_head(body.ln_f(x)).log_softmax(-1) for x in stream])
    trace = lm.trace(ids)
    found = residual.logit_lens(lm, trace)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    drawn = residual.lens(lm, trace)
    assert np.array_equal(drawn.likeliest, expected.argmax(-1).numpy())
    np.testing.assert_allclose(drawn.probability, expected.exp().amax(-1), atol=1e-4)
    apart = (expected[-1].exp() * (expected[-1] - expected)).sum(-1)
    np.testing.assert_allclose(drawn.divergence, apart, atol=2e-4)
    token, position = 5, len(ids) - 2
    way = residual.followed(lm, trace, position, token)
    of_token = expected[:, position]
    ranks = (of_token > of_token[:, token : token + 1]).sum(-1) + 1
    assert way["rank"].tolist() == ranks.tolist()
    np.testing.assert_allclose(way["probability"], of_token[:, token].exp(), atol=1e-4)


def test_surprisal_and_loss(both, texts):
    lm, theirs = both
    ids = texts[0]
    with torch.no_grad():
        loss = float(theirs(torch.tensor([ids]), labels=torch.tensor([ids])).loss)
    expected = -logits_of(theirs, ids)[:-1].log_softmax(-1)[range(len(ids) - 1), ids[1:]]
    trace = lm.trace(ids)
    found = residual.surprisal(lm, trace)
    assert math.isnan(found[0])
    torch.testing.assert_close(found[1:], expected, rtol=1e-4, atol=1e-4)
    told = residual.text_loss(lm, trace)
    assert told.loss == pytest.approx(loss, abs=1e-4)
    assert told.perplexity == pytest.approx(math.exp(loss), rel=1e-3)
    assert told.uniform == pytest.approx(math.log(theirs.config.vocab_size))
    size = sum(len(chr(200 + token).encode()) for token in ids[1:])
    nats = loss * (len(ids) - 1)
    assert told.bits_per_byte == pytest.approx(nats / math.log(2) / size, rel=1e-3)


@pytest.mark.parametrize("against", [None, 11])
def test_attribution(both, texts, against: int | None):
    lm, theirs = both
    ids, body, token, position = texts[0], theirs.transformer, 7, 4
    config = theirs.config
    d = config.n_embd // config.n_head
    # Hooks fire in the order of the network: attention and MLP of block after block.
    order = kept(
        theirs,
        ids,
        *((place, end) for b in body.h for place, end in ((b.attn.c_proj, "input"), (b.mlp, ""))),
    )
    last = kept(theirs, ids, (body.ln_f, "input"))[0][position]
    direction = theirs.lm_head.weight[token].detach().clone()
    if against is not None:
        direction -= theirs.lm_head.weight[against].detach()
    scale = 1 / torch.sqrt(last.var(unbiased=False) + config.layer_norm_epsilon)
    gamma, beta = body.ln_f.weight.detach(), body.ln_f.bias.detach()

    def reaches(part: Tensor) -> float:
        return float(((part - part.mean()) * scale * gamma) @ direction)

    expected = {
        "wte": reaches(body.wte.weight[ids[position]].detach()),
        "wpe": reaches(body.wpe.weight[position].detach()),
        "ln_f.bias": float(beta @ direction),
    }
    for i, block in enumerate(body.h):
        z, mlp_out = order[2 * i][position], order[2 * i + 1][position]
        weight = block.attn.c_proj.weight.detach()  # (in, out)
        for head in range(config.n_head):
            rows = slice(head * d, (head + 1) * d)
            expected[f"h.{i}.attn.z.{head}"] = reaches(z[rows] @ weight[rows])
        expected[f"h.{i}.attn.bias"] = reaches(block.attn.c_proj.bias.detach())
        bias = block.mlp.c_proj.bias.detach()
        expected[f"h.{i}.mlp"] = reaches(mlp_out - bias)
        expected[f"h.{i}.mlp.bias"] = reaches(bias)

    found = residual.attribution(lm, lm.trace(ids), position, token, against)
    assert set(found.index) == set(expected)
    for part, value in expected.items():
        assert found[part] == pytest.approx(value, abs=1e-4), part
    logits = logits_of(theirs, ids)[position]
    whole = logits[token] - (0 if against is None else logits[against])
    assert found.sum() == pytest.approx(float(whole), abs=1e-3)


def without_head(block: nn.Module, head: int, d: int) -> tuple[nn.Module, str, Callable]:
    def silence(z: Tensor) -> Tensor:
        z = z.clone()
        z[..., head * d : (head + 1) * d] = 0
        return z

    return block.attn.c_proj, "input", silence


@pytest.mark.parametrize("measure", ["loss", "kl", "difference", "own"])
def test_knock_out(both, texts, measure: str):
    lm, theirs = both
    ids, config = texts[0], theirs.config
    d = config.n_embd // config.n_head
    usual = logits_of(theirs, ids)

    def loss(logits: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:]))

    def kl(logits: Tensor) -> Tensor:
        p, q = usual[-1].log_softmax(-1), logits[-1].log_softmax(-1)
        return (p.exp() * (p - q)).sum()

    theirs_measure, ours = {
        "loss": (loss, "loss"),
        "kl": (kl, "kl"),
        "difference": (lambda x: x[-1, 3] - x[-1, 9], measures.logit_difference(3, 9)),
        "own": (lambda x: x[2, 4], lambda x: x[2, 4]),
    }[measure]
    expected = torch.zeros(config.n_layer, config.n_head)
    for i, block in enumerate(theirs.transformer.h):
        for head in range(config.n_head):
            with changed(without_head(block, head, d)):
                expected[i, head] = theirs_measure(logits_of(theirs, ids)) - theirs_measure(usual)
    found = what_if.knock_out(lm, ids, ours)
    torch.testing.assert_close(found.float(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("names", ["h.*", "h.*.attn", "h.*.mlp", "h.*.attn.z"])
def test_patching(both, texts, names: str):
    lm, theirs = both
    (clean, corrupted), config = texts, theirs.config
    d, T = config.n_embd // config.n_head, len(texts[0])

    def difference(logits: Tensor) -> Tensor:
        return logits[-1, 3] - logits[-1, 9]

    whole = difference(logits_of(theirs, clean))
    nothing = difference(logits_of(theirs, corrupted))
    heads = names == "h.*.attn.z"
    expected = torch.zeros(config.n_layer, config.n_head if heads else T)
    for i, block in enumerate(theirs.transformer.h):
        module, end = {
            "h.*": (block, "output"),
            "h.*.attn": (block.attn, "output"),
            "h.*.mlp": (block.mlp, "output"),
            "h.*.attn.z": (block.attn.c_proj, "input"),
        }[names]
        [source] = kept(theirs, clean, (module, end))
        for j in range(expected.size(1)):

            def patched(x: Tensor, j: int = j, source: Tensor = source) -> Tensor:
                x = x.clone()
                if heads:
                    x[0, :, j * d : (j + 1) * d] = source[:, j * d : (j + 1) * d]
                else:
                    x[0, j] = source[j]
                return x

            with changed((module, end, patched)):
                expected[i, j] = difference(logits_of(theirs, corrupted))
    expected = (expected - nothing) / (whole - nothing)
    found = patching.patch(lm, clean, corrupted, names, measures.logit_difference(3, 9))
    torch.testing.assert_close(found.float(), expected, rtol=1e-3, atol=1e-3)


def test_circuits(both):
    lm, theirs = both
    config = theirs.config
    C, d = config.n_embd, config.n_embd // config.n_head
    layer, head, token = config.n_layer - 1, config.n_head - 1, 6
    block = theirs.transformer.h[layer]
    with torch.no_grad():
        x = block.ln_1(theirs.transformer.wte.weight)
        q, k, v = (part[:, head * d : (head + 1) * d] for part in block.attn.c_attn(x).split(C, -1))
        shrink = layer + 1 if config.scale_attn_by_inverse_layer_idx else 1
        scores = q[token] @ k.T / math.sqrt(d) / shrink
        out = v[token] @ block.attn.c_proj.weight[head * d : (head + 1) * d]
        out = (out - out.mean()) * theirs.transformer.ln_f.weight
        logits = theirs.lm_head.weight @ out
    found = circuits(lm, layer, head)
    torch.testing.assert_close(found.qk(token), scores, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.ov(token), logits - logits.mean(), rtol=1e-4, atol=1e-4)


def test_value_weighted_attention(both, texts):
    lm, theirs = both
    config, ids = theirs.config, texts[0]
    layer, head = config.n_layer - 1, config.n_head - 1
    C, d = config.n_embd, config.n_embd // config.n_head
    with torch.no_grad():
        out = theirs(torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
        block = theirs.transformer.h[layer]
        v = block.attn.c_attn(block.ln_1(out.hidden_states[layer])).split(C, -1)[2][0]
        part = slice(head * d, (head + 1) * d)
        brought = v[:, part] @ block.attn.c_proj.weight[part]  # (T, C)
        vectors = out.attentions[layer][0, head].unsqueeze(-1) * brought  # (T, T, C)
    trace = lm.trace(ids)
    found = attention.value_weighted(lm, trace, layer, head)
    torch.testing.assert_close(found, vectors.norm(dim=-1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(attention.shares(found).sum(-1), torch.ones(len(ids)))


def test_rollout(both, texts):
    lm, theirs = both
    ids = texts[0]
    with torch.no_grad():
        attentions = theirs(torch.tensor([ids]), output_attentions=True).attentions
    found = attention.rollout(lm.trace(ids))
    expected = np.eye(len(ids))
    for layer, weights in zip(found, attentions, strict=True):
        expected = (weights[0].numpy().mean(0) + np.eye(len(ids))) / 2 @ expected
        np.testing.assert_allclose(layer.numpy(), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(layer.sum(-1), 1, rtol=1e-4)


def test_neuron(both):
    lm, theirs = both
    layer, index = theirs.config.n_layer - 1, 5
    block, body = theirs.transformer.h[layer], theirs.transformer
    with torch.no_grad():
        out = block.mlp.c_proj.weight[index]
        writes = theirs.lm_head.weight @ ((out - out.mean()) * body.ln_f.weight)
        writes -= writes.mean()
        reads = block.ln_2(body.wte.weight) @ block.mlp.c_fc.weight[:, index]
    found = mlp.neuron(lm, layer, index, n=4)
    for table, effects in (
        (found.promoted, writes.topk(4)),
        (found.suppressed, (-writes).topk(4)),
        (found.reads, reads.topk(4)),
    ):
        assert table["id"].tolist() == effects.indices.tolist()
    np.testing.assert_allclose(found.promoted["effect"], writes.topk(4).values, atol=1e-4)
    np.testing.assert_allclose(found.suppressed["effect"], -(-writes).topk(4).values, atol=1e-4)
    np.testing.assert_allclose(found.reads["effect"], reads.topk(4).values, atol=1e-4)


def test_a_change_equals_that_change_in_transformers(both, texts):
    lm, theirs = both
    ids, block = texts[0], theirs.transformer.h[0]
    [stream] = kept(theirs, ids, (block.ln_1, "input"))
    cases = [
        (
            what_if.without_norm(lm.config, "h.0.ln_1"),
            (block.ln_1, "", lambda _: stream[None]),
        ),
        (what_if.scaled("h.0.mlp", 0.5), (block.mlp, "", lambda x: x * 0.5)),
        (
            what_if.averaged("h.0.attn"),
            (block.attn, "", lambda x: x.mean(-2, keepdim=True).expand_as(x)),
        ),
        (what_if.without_positions(), (theirs.transformer.wpe, "", torch.zeros_like)),
    ]
    for edits, change in cases:
        with changed(change):
            expected = logits_of(theirs, ids)
        found = lm.trace(ids, ["logits"], edits).logits
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
