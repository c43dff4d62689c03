"""The browser's arithmetic and gptviz.sampling, side by side on random logits."""

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

import gptviz
from gptviz.app import component
from gptviz.generation import next_logits
from gptviz.sampling import SamplingSettings, stages
from gptviz.subjects import sampling
from gptviz.subjects.sampling.analysis import removals

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

APPLY = """({ bytes, seen, asked, settings }) => {
  const raw = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))
  const distribution = new Distribution(new Float32Array(raw.buffer), seen)
  return settings.map((chosen) => {
    const outcome = distribution.apply(chosen)
    const { order, first, kept, entropy, removed } = outcome
    const fates = asked.map((id) => distribution.fate(id, outcome))
    const probabilities = [...outcome.probabilities]
    const effect = distribution.effect(outcome)
    const ids = [...order.subarray(first, first + kept)]
    return { entropy, removed, probabilities, ids, fates, effect }
  })
}"""

SETTINGS = [
    SamplingSettings(),
    SamplingSettings(temperature=0),
    SamplingSettings(temperature=0, top_k=5, top_p=0.5, repetition_penalty=1.7),
    SamplingSettings(temperature=0.01),
    SamplingSettings(temperature=0.2, top_k=10),
    SamplingSettings(temperature=0.73, top_k=1),
    SamplingSettings(temperature=1.37, top_k=40, top_p=0.9, repetition_penalty=1.2),
    SamplingSettings(temperature=2, top_p=0.99),
    SamplingSettings(temperature=1, top_p=0.01),
    SamplingSettings(temperature=1.2, top_p=0.37, repetition_penalty=2),
    SamplingSettings(top_k=1_000_000, repetition_penalty=1.31),
    SamplingSettings(min_p=0.05),
    SamplingSettings(typical_p=0.3),
    SamplingSettings(no_repeat_ngram_size=1),
    SamplingSettings(0.7, 50, 0.95, 1.2, min_p=0.02, typical_p=0.9, no_repeat_ngram_size=2),
]


@pytest.fixture(scope="module")
def module(chromium: "Browser") -> "Page":
    page = chromium.new_page()
    stages_js = component.data_url(Path(sampling.__file__).with_name("stages.js"))
    page.evaluate("async (url) => Object.assign(globalThis, await import(url))", stages_js)
    return page


def in_browser(
    page: "Page",
    logits: Tensor,
    seen: list[int],
    settings: list[SamplingSettings],
    asked: Sequence[int] = (),
) -> list[dict[str, Any]]:
    return page.evaluate(
        APPLY,
        {
            "bytes": base64.b64encode(logits.numpy().tobytes()).decode(),
            "seen": seen,
            "asked": list(asked),
            "settings": [{**vars(chosen), "top_k": chosen.top_k or 0} for chosen in settings],
        },
    )


def test_rare_tokens_that_a_rule_removed_are_named(visit, expect, models: Path):
    lm = gptviz.load(models / "shakespeare")
    page = visit().open("/sampling", prompt="The king", model="shakespeare", top_k=2000)
    logits = next_logits(lm.model, lm.ids("The king"))
    rare = logits.argsort(descending=True)[2000:2004].tolist()
    page.get_by_text("Rule by rule").click()
    examples = page.locator('.rules tr[data-rule="top_k"] code')
    expect(examples).to_have_text(lm.tokenizer.pieces(rare))


def test_the_lines_of_the_added_up_curve_stand_where_the_rules_cut(visit, models: Path):
    lm = gptviz.load(models / "shakespeare")
    rules = {"temperature": 1.3, "top_k": 200, "top_p": 0.8, "repetition_penalty": 1.4}
    page = visit().open("/sampling", prompt="The king", model="shakespeare", **rules)
    page.get_by_text("Rule by rule").click()
    scores = next_logits(lm.model, lm.ids("The king")).double()
    for token in lm.ids("The king"):
        scores[token] *= 1.4 if scores[token] < 0 else 1 / 1.4
    added = (scores / 1.3).topk(200).values.softmax(0).cumsum(0)
    kept = int((added < 0.8).sum()) + 1
    svg = page.locator(".curve svg")
    found = svg.evaluate("""(svg) => {
        const lines = [...svg.querySelectorAll("line.limit")].map((line) => line.x1.baseVal.value)
        return { lines, width: svg.width.baseVal.value }
    }""")
    place = lambda rank: 56 + (found["width"] - 66) * math.log(rank) / math.log(50257)  # noqa: E731
    assert found["lines"] == pytest.approx([place(200), place(kept)], abs=0.01)


def random_logits(V: int, seed: int, scale: float) -> Tensor:
    return torch.randn(V, generator=torch.Generator().manual_seed(seed)) * scale - 1


@pytest.mark.parametrize(
    ("V", "scale"),
    [
        (2, 1.0),
        (1000, 0.0),
        (50257, 3.0),
        pytest.param(27, 3.0, marks=pytest.mark.thorough),
        pytest.param(1000, 4.0, marks=pytest.mark.thorough),
        pytest.param(50257, 0.01, marks=pytest.mark.thorough),
    ],
)
def test_the_browser_keeps_the_tokens_that_python_keeps_with_the_same_probabilities(
    module: "Page", V: int, scale: float
):
    logits = random_logits(V, V, scale)
    last = int(logits.argmax())
    seen = [0, 1, last, *logits.topk(min(V, 9)).indices.tolist()[::2], V - 1, last]
    answers = in_browser(module, logits, seen, SETTINGS)
    for settings, answer in zip(SETTINGS, answers, strict=True):
        found = stages(logits, seen, settings)
        expected = found[-1].probabilities
        assert sorted(answer["ids"]) == (~found[-1].logits.isneginf()).nonzero().flatten().tolist()
        shown = torch.zeros(V, dtype=torch.float64)
        shown[answer["ids"]] = torch.tensor(answer["probabilities"], dtype=torch.float64)
        torch.testing.assert_close(shown, expected.double(), atol=1e-5, rtol=0, msg=str(settings))
        assert answer["entropy"] == pytest.approx(
            float(torch.special.entr(expected.double()).sum()), abs=1e-4
        )
        counts = dict.fromkeys((part["rule"] for part in answer["removed"]), 0)
        masses = dict.fromkeys(counts, 0.0)
        for part in answer["removed"]:
            counts[part["rule"]] += part["to"] - part["from"]
            masses[part["rule"]] += part["mass"]
        assert counts == {stage.name: int(stage.removed.sum()) for stage in found[1:]}
        for removal in removals(found):
            assert masses[removal.rule] == pytest.approx(removal.mass, abs=1e-5)


def test_tokens_that_tie_with_the_last_of_top_k_stay_in_the_browser_too(module: "Page"):
    logits = torch.tensor([1.0, 3.0, 2.0, 2.0, 2.0, 0.0])
    (answer,) = in_browser(module, logits, [], [SamplingSettings(top_k=2)])
    assert answer["ids"] == [1, 2, 3, 4]


def test_a_token_that_the_model_rules_out_is_never_kept(module: "Page"):
    logits = torch.tensor([0.0, -torch.inf, 1.0, -torch.inf])
    settings = [SamplingSettings(), SamplingSettings(top_k=3), SamplingSettings(top_p=0.99)]
    for answer in in_browser(module, logits, [1], settings):
        assert sorted(answer["ids"]) == [0, 2]


@pytest.mark.parametrize(
    "settings",
    [
        SamplingSettings(0.8, 40),
        SamplingSettings(0.7, 500, 0.6, 1.3),
        SamplingSettings(1.2, None, 0.4, 2.0),
        SamplingSettings(1.2, 500, 0.9, 1.3, 0.01, 0.7, 1),
        SamplingSettings(repetition_penalty=1.5),
    ],
    ids=str,
)
def test_what_became_of_a_token_is_what_transformers_does_to_it(
    module: "Page", settings: SamplingSettings
):
    V = 2000
    logits = random_logits(V, 5, 3)
    seen = [3, *logits.topk(30).indices.tolist()[::3], *range(100, 180)]
    asked = [*logits.topk(60).indices.tolist(), 3, *range(100, 120), int(logits.argmin())]
    (answer,) = in_browser(module, logits, seen, [settings], asked)
    scores = logits.unsqueeze(0)
    left, before = [], []
    size, mass, untouched = (
        settings.no_repeat_ngram_size,
        settings.typical_p,
        LogitsProcessorList(),
    )
    for name, processor in (
        ("repetition_penalty", RepetitionPenaltyLogitsProcessor(settings.repetition_penalty)),
        ("no_repeat_ngram_size", NoRepeatNGramLogitsProcessor(size) if size else untouched),
        ("temperature", TemperatureLogitsWarper(settings.temperature)),
        ("top_k", TopKLogitsWarper(settings.top_k or V)),
        ("top_p", TopPLogitsWarper(settings.top_p)),
        ("min_p", MinPLogitsWarper(settings.min_p)),
        ("typical_p", TypicalLogitsWarper(mass) if mass < 1 else untouched),
    ):
        before.append(scores[0])
        scores = processor(torch.tensor([seen]), scores)
        left.append((name, scores[0]))
    penalised = left[0][1]
    nucleus = [name for name, _ in left].index("top_p")
    reached = float(before[nucleus].softmax(-1)[~left[nucleus][1].isneginf()].sum())
    assert {fate["rule"] for fate in answer["fates"]} >= {""}
    for token, fate in zip(asked, answer["fates"], strict=True):
        assert fate["rule"] == next((name for name, x in left if x[token].isneginf()), "")
        among = penalised if fate["rule"] else scores[0]
        if fate["rule"] != "no_repeat_ngram_size":
            # Of all tokens, those that may not come again stand last.
            others = among.masked_fill(left[1][1].isneginf(), -torch.inf) if fate["rule"] else among
            assert fate["rank"] == 1 + int((others > among[token]).sum())
        assert fate["probability"] == pytest.approx(float(scores[0].softmax(-1)[token]), abs=1e-6)
        assert fate["kept"] == int((~scores[0].isneginf()).sum())
        assert fate["reached"] == pytest.approx(reached, abs=1e-5)
        assert fate["logit"] == pytest.approx(float(logits[token]))
        assert fate["score"] == pytest.approx(float(penalised[token]), rel=1e-5)
        assert fate["repeated"] == (token in seen)
    change = penalised.double().softmax(-1) - logits.double().softmax(-1)
    lowered, fell, rose = (int(x.sum()) for x in (penalised < logits, change < 0, change > 0))
    assert answer["effect"] == {"lowered": lowered, "fell": fell, "rose": rose}
    if settings.repetition_penalty > 1:
        assert lowered == len(set(seen))
        assert fell < lowered, "of the scores that fell, some became likelier"


WHY = "([file, fate, settings]) => import(file).then((words) => words.whyInBars(fate, settings))"
MORE_OFF = {"min_p": 0, "typical_p": 1, "no_repeat_ngram_size": 0}
USUAL = {"temperature": 0.8, "top_k": 40, "top_p": 1, "repetition_penalty": 1, **MORE_OFF}
FATE = {"rule": "", "rank": 3, "kept": 40, "reached": 1, "probability": 0.12, "repeated": False}


@pytest.mark.parametrize(
    ("fate", "settings", "words"),
    [
        ({}, {}, "kept: rank 3 of 40, probability 12.0 % after temperature 0.80, top-k 40"),
        ({"rule": "top_k", "rank": 57}, {}, "top-k 40 removed it: it ranks 57th"),
        ({"rule": "top_k", "rank": 1041}, {}, "top-k 40 removed it: it ranks 1,041st"),
        ({"rule": "top_k", "rank": 112}, {}, "top-k 40 removed it: it ranks 112th"),
        (
            {"rule": "top_p", "rank": 13, "kept": 12, "reached": 0.913},
            {"top_p": 0.9},
            "top-p 0.90 removed it: the 12 likelier ones reach 91.3 % without it",
        ),
        (
            {"rule": "top_p", "rank": 2, "kept": 1, "reached": 0.95},
            {"top_p": 0.9},
            "top-p 0.90 removed it: the likelier one reaches 95.0 % without it",
        ),
        (
            {"rule": "temperature", "rank": 2},
            {"temperature": 0},
            "temperature 0 (greedy) removed it: it ranks 2nd, and only the 1st stays",
        ),
        (
            {"rank": 1, "kept": 1, "probability": 1},
            {"temperature": 0},
            "kept: temperature 0 (greedy) always takes the likeliest, which this one is",
        ),
        (
            {"repeated": True, "logit": 3.21, "score": -2.675},
            {"repetition_penalty": 1.2},
            "kept: rank 3 of 40, probability 12.0 % after temperature 0.80, top-k 40, repetition "
            "penalty 1.20. It is in the text already, so repetition penalty 1.20 took its score "
            "from 3.21 to −2.67",
        ),
        (
            {"rule": "typical_p", "rank": 1, "tooLikely": True},
            {"typical_p": 0.5},
            "typical 0.50 removed it: it would surprise less than is to be expected here",
        ),
        (
            {"rule": "min_p", "rank": 9},
            {"min_p": 0.05},
            "min-p 0.05 removed it: the likeliest token that is left is over 20.0 times as likely",
        ),
        (
            {"rule": "no_repeat_ngram_size", "rank": 9},
            {"no_repeat_ngram_size": 3},
            "no-repeat n-grams removed it: the text would say 3 tokens in a row that it has said "
            "before",
        ),
        (
            {"repeated": True},
            {"temperature": 1, "top_k": 0},
            "kept: rank 3 of 40, probability 12.0 %; no rule is on",
        ),
    ],
)
def test_why_a_token_can_be_drawn_or_not_is_said_by_the_name_of_the_rule(
    module: "Page", fate: dict[str, Any], settings: dict[str, float], words: str
):
    file = component.data_url(Path(sampling.__file__).with_name("words.js"))
    told = module.evaluate(WHY, [file, {**FATE, **fate}, {**USUAL, **settings}])
    assert told == words
