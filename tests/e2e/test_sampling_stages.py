"""The browser's arithmetic and gptviz.sampling, side by side on random logits."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

import gptviz
from gptviz.generation import next_logits
from gptviz.sampling import SamplingSettings, stages
from gptviz.ui.components.sampling_explorer import STAGES_JS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

APPLY = """({ bytes, seen, settings }) => {
  const raw = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))
  const distribution = new Distribution(new Float32Array(raw.buffer), seen)
  return settings.map((chosen) => {
    const { order, kept, ...outcome } = distribution.apply(chosen)
    const probabilities = [...outcome.probabilities]
    return { ...outcome, plain: null, probabilities, ids: [...order.subarray(0, kept)] }
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
]


@pytest.fixture(scope="module")
def module(chromium: "Browser") -> "Page":
    page = chromium.new_page()
    page.add_script_tag(content=STAGES_JS.replace("export ", "") + "\nglobalThis.ready = true")
    page.wait_for_function("globalThis.ready")
    return page


def in_browser(
    page: "Page", logits: Tensor, seen: list[int], settings: list[SamplingSettings]
) -> list[dict[str, Any]]:
    return page.evaluate(
        APPLY,
        {
            "bytes": base64.b64encode(logits.numpy().tobytes()).decode(),
            "seen": seen,
            "settings": [{**vars(chosen), "top_k": chosen.top_k or 0} for chosen in settings],
        },
    )


def test_rare_tokens_that_a_rule_removed_are_named(visit, expect, models: Path):
    lm = gptviz.load(models / "shakespeare")
    page = visit().open("/sampling", prompt="The king", model="shakespeare", top_k=2000)
    logits = next_logits(lm.model, lm.ids("The king"))
    rare = logits.argsort(descending=True)[2000:2004].tolist()
    examples = page.locator('.rules tr[data-rule="top_k"] code')
    expect(examples).to_have_text(lm.tokenizer.pieces(rare))


def random_logits(V: int, seed: int, scale: float) -> Tensor:
    return torch.randn(V, generator=torch.Generator().manual_seed(seed)) * scale - 1


@pytest.mark.parametrize(
    ("V", "scale"), [(2, 1.0), (27, 3.0), (1000, 0.0), (1000, 4.0), (50257, 0.01), (50257, 3.0)]
)
def test_the_browser_keeps_the_tokens_that_python_keeps_with_the_same_probabilities(
    module: "Page", V: int, scale: float
):
    logits = random_logits(V, V, scale)
    seen = [0, 1, *logits.topk(min(V, 9)).indices.tolist()[::2], V - 1]
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
        counts = {part["rule"]: part["to"] - part["from"] for part in answer["removed"]}
        assert counts == {stage.name: int(stage.removed.sum()) for stage in found[1:]}


def test_tokens_that_tie_with_the_last_of_top_k_stay_in_the_browser_too(module: "Page"):
    logits = torch.tensor([1.0, 3.0, 2.0, 2.0, 2.0, 0.0])
    (answer,) = in_browser(module, logits, [], [SamplingSettings(top_k=2)])
    assert answer["ids"] == [1, 2, 3, 4]


def test_a_token_that_the_model_rules_out_is_never_kept(module: "Page"):
    logits = torch.tensor([0.0, -torch.inf, 1.0, -torch.inf])
    settings = [SamplingSettings(), SamplingSettings(top_k=3), SamplingSettings(top_p=0.99)]
    for answer in in_browser(module, logits, [1], settings):
        assert sorted(answer["ids"]) == [0, 2]
