"""What the picture of the path is given, compared with a run of the model."""

import base64
import json
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import GPT, GPTConfig, LanguageModel, inside
from gptviz.app.pages import PAGES
from gptviz.app.path.numbers import lanes_sent
from gptviz.app.path.opened import STEPS
from gptviz.tokenizers import CharacterTokenizer

PROMPT = "The king and the queen"


def sent(app: AppTest, size: str = "large") -> dict[str, Any]:
    """What the browser got."""
    found = [e for e in app.main if e.type == "bidi_component" and e.key == f"path_{size}"]
    proto = found[0].proto
    return json.loads(proto.json or proto.mixed.json)


def address(app: AppTest) -> dict[str, str]:
    query = dict(app.query_params)
    return {key: value[0] if isinstance(value, list) else value for key, value in query.items()}


@pytest.fixture(scope="module")
def trace() -> gptviz.activations.Trace:
    return gptviz.load("tales").trace(PROMPT)


def test_nothing_is_open_unless_it_is_asked_for_or_does_not_exist(open_app):
    assert sent(open_app(prompt=PROMPT))["open"] is None
    for slug in ("tokens", "no-such-stage", ""):
        app = open_app(prompt=PROMPT, open=slug)
        assert sent(app)["open"] is None
        assert "open" not in address(app)


def test_a_block_is_open_with_the_numbers_of_the_chosen_token(open_app, trace):
    app = open_app(prompt=PROMPT, open="attention", layer=3, position=2)
    data = sent(app)
    opened = data["open"]
    assert (opened["stage"], opened["layer"], opened["layers"]) == ("attention", 3, 6)
    parts = {part["name"]: part for step in opened["steps"] for part in step["parts"]}
    for name in ("h.3.ln_1", "h.3.attn.q", "h.3.attn.z", "h.3.mlp.act", "h.3", "h.2"):
        expected = trace[name][..., 2, :].reshape(-1)
        assert parts[name]["length"] == pytest.approx(expected.norm().item(), rel=1e-3)
        levels = np.frombuffer(base64.b64decode(parts[name]["cells"]), np.int8)
        share = (expected / expected.abs().max() * 127).round().int()
        assert np.abs(levels - share.numpy()).max() <= 1
        assert levels[parts[name]["largestAt"]] == np.sign(parts[name]["largest"]) * 127
    for head in range(8):
        found = parts[f"h.3.attn.pattern[{head}]"]["weights"]
        np.testing.assert_allclose(found, trace["h.3.attn.pattern"][head, 2], atol=6e-4)
    assert address(app)["open"] == "attention"
    assert address(app)["layer"] == "3"


@pytest.mark.parametrize("layer", ["99", "-1", "banana", "1.5", "9" * 40])
def test_a_layer_that_the_model_has_not_opens_the_first(open_app, layer):
    opened = sent(open_app(prompt=PROMPT, open="mlp", layer=layer))["open"]
    assert opened["layer"] == 0


def test_the_code_of_each_open_stage_makes_its_numbers(open_app, assert_codes_make_the_numbers):
    for stage in ("embeddings", "mlp", "norm", "logits"):
        app = open_app(prompt=PROMPT, open=stage, position=1, layer=1)
        assert [step["title"] for step in sent(app)["open"]["steps"]]
        assert_codes_make_the_numbers({"inside", "path"})


def test_ribbons_are_the_lengths_of_the_stream_in_both_halves_of_a_block(open_app, trace):
    data = sent(open_app(prompt=PROMPT))
    for i in range(6):
        middle, after = (
            trace[f"h.{i}{part}"].square().sum(-1).sqrt() for part in (".resid_mid", "")
        )
        np.testing.assert_allclose(data["middle"][i], middle, atol=1e-3)
        np.testing.assert_allclose(data["stream"][i + 1], after, atol=1e-3)


def test_candidates_come_with_their_ids_and_can_be_appended(open_app, trace):
    data = sent(open_app(prompt=PROMPT))
    best = torch.softmax(trace["logits"][-1].double(), -1).topk(10)
    assert [row["id"] for row in data["top"]] == best.indices.tolist()
    np.testing.assert_allclose([row["probability"] for row in data["top"]], best.values, rtol=1e-4)
    assert data["canAppend"] is True
    assert "top" not in sent(open_app("attention", prompt=PROMPT), "small")


@pytest.mark.parametrize(
    ("count", "position", "expected"),
    [
        (1, 0, range(1)),
        (12, 3, range(12)),
        (150, 149, range(138, 150)),
        (150, 0, range(12)),
        (150, 60, range(51, 63)),
        (150, 148, range(138, 150)),
    ],
)
def test_the_tokens_around_the_chosen_one_are_sent(count, position, expected):
    assert lanes_sent(count, position) == list(expected)


@pytest.mark.parametrize("page", [name for name, page in PAGES.items() if page.top == "path"])
def test_every_page_frames_its_own_stage_and_leads_to_the_others(open_app, page):
    stages = {stage["slug"]: stage for stage in sent(open_app(page), "small")["stages"]}
    here = {slug for slug, stage in stages.items() if stage["here"]}
    assert here == {
        "tokens": {"tokens"},
        "embeddings": {"embeddings"},
        "attention": {"attention"},
        "layer_norms": {"norm"},
        "mlp": {"mlp"},
        "sampling": {"logits", "probabilities"},
    }.get(page, set())
    assert not any(stage["opens"] for stage in stages.values())
    linked = {slug for slug, stage in stages.items() if stage["href"]}
    assert linked == set(stages) - here


@pytest.mark.parametrize(
    ("norm", "residual"), [("pre", True), ("post", True), ("none", True), ("pre", False)]
)
def test_every_step_that_a_stage_can_have_is_told_in_words(norm, residual):
    config = GPTConfig(40, 16, n_layer=2, n_head=2, n_embd=8, norm=norm, residual=residual)
    tokenizer = CharacterTokenizer(chr(ord("A") + i) for i in range(40))
    lm = LanguageModel(GPT(config), tokenizer, "tiny", "tiny")
    for stage in inside.STAGES:
        for step in inside.inside(lm, lm.trace("GPT"), stage, 1, 1):
            assert step.kind in STEPS


def test_every_step_has_words_of_its_own():
    titles = [title for title, _ in STEPS.values()]
    assert len(set(titles)) == len(titles)
    assert all(about.endswith(".") for _, about in STEPS.values())
