"""The sampling page, entered through the app, with models that know letters."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptviz import checkpoints
from gptviz.app import dice
from gptviz.generation import Step
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

PROMPT = "To be, or not to be"


@pytest.fixture(scope="session")
def letters() -> CharacterTokenizer:
    return CharacterTokenizer.from_text(
        " \n:,.'!?*<b>$ABCDEFGHIJKLMNOPQRSTUVWXYZ_acdefghijklmnopqrstuvwxyz"
    )


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, letters: CharacterTokenizer) -> Path:
    """A folder with four models.

    `roomy` has twice as many ids as its tokenizer. `torn` is NaN at positions from 30 on,
    `void` at all of them.
    """
    root = tmp_path_factory.mktemp("models")
    config = GPTConfig(letters.vocab_size, block_size=256, n_layer=2, n_head=2, n_embd=8)
    checkpoints.save(root / "letters", GPT(config, torch.Generator().manual_seed(0)), letters)
    roomy = replace(config, vocab_size=2 * letters.vocab_size)
    checkpoints.save(root / "roomy", GPT(roomy, torch.Generator().manual_seed(0)), letters)
    torn = GPT(config, torch.Generator().manual_seed(0))
    torn.wpe.weight.data[30:] = torch.nan
    checkpoints.save(root / "torn", torn, letters)
    torn.wpe.weight.data[:] = torch.nan
    checkpoints.save(root / "void", torn, letters)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def checked() -> Callable[[AppTest], AppTest]:
    """A page that has not failed."""

    def check(app: AppTest) -> AppTest:
        assert not app.exception
        assert not app.error
        return app

    return check


@pytest.fixture
def open_sampling(
    open_app: Callable[..., AppTest], checked: Callable[[AppTest], AppTest]
) -> Callable[..., AppTest]:
    """Open the page at an address with that query."""

    def opened(**query: object) -> AppTest:
        return checked(open_app("sampling", **{"prompt": PROMPT, **query}))

    return opened


@pytest.fixture
def choose(checked: Callable[[AppTest], AppTest]) -> Callable[..., AppTest]:
    """Let go of sliders: the page with these settings, and those of before for the rest."""

    def chosen(app: AppTest, **rules: float) -> AppTest:
        before = dice.plain(app.session_state["dice"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dice.st, "session_state", app.session_state)
            dice.choose({**before, **rules})
        return checked(app.run())

    return chosen


@pytest.fixture
def press(checked: Callable[[AppTest], AppTest]) -> Callable[..., AppTest]:
    """Press the button with that label, or the first whose label starts so."""

    def pressed(app: AppTest, label: str, starts: bool = False) -> AppTest:
        matches: Callable[[str], bool] = (
            (lambda text: text.startswith(label)) if starts else (lambda text: text == label)
        )
        return checked(next(b for b in app.button if matches(b.label)).click().run())

    return pressed


@pytest.fixture
def component() -> Callable[[AppTest, str], Any]:
    """What is sent to the component with that key."""

    def sent(app: AppTest, key: str) -> Any:
        return next(e for e in app.main if e.type == "bidi_component" and e.key == key).proto

    return sent


@pytest.fixture
def texts() -> Callable[[AppTest], list[dict[str, Any]]]:
    """What is known of the text of the first view: what the page sends of it, in order."""

    def sent(app: AppTest) -> list[dict[str, Any]]:
        protos = [e.proto for e in app.main if e.type == "bidi_component"]
        name = "gptviz_sampling_text"
        return [json.loads(proto.json) for proto in protos if proto.component_name == name]

    return sent


@pytest.fixture
def chips(component: Callable[[AppTest, str], Any]) -> Callable[..., list[str]]:
    """The tokens that the page shows in a row."""

    def shown(app: AppTest, key: str = "text", row: int = 0) -> list[str]:
        rows = json.loads(component(app, key).json)["rows"]
        return [chip["piece"] for chip in rows[row]["chips"]]

    return shown


@pytest.fixture
def pieces() -> Callable[[Iterable[Step]], list[str]]:
    """The tokens of a generation."""
    return lambda steps: [step.token for step in steps]
