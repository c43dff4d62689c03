"""A small random model of odd shape, and pages that read a text in it.

`read` opens a page and collects, by its place, whatever holds a number. `Page.holds` compares each
place with what transformers and numpy alone give (reference.py), and fails at a place of which
nothing is expected: a new number needs a new account.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import torch
from pandas.io.formats.style import Styler
from reference import COUNTS, LETTERS, SHAPE, TEXT, Reference, of_letters
from shown import Page, collected
from streamlit.testing.v1 import AppTest
from transformers import GPT2Config, GPT2LMHeadModel

from gptviz.app.pages import PAGES
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

ROOT = Path(__file__).parents[2]


Saved = tuple[Path, dict[str, GPT2LMHeadModel]]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A folder of models that transformers saved, and these in double precision by their names.

    "odd" and "other" read letters, "words" GPT-2's tokens.
    """
    root, models = tmp_path_factory.mktemp("models"), {}
    shapes = {"odd": {}, "other": {"n_layer": 2}, "words": {"vocab_size": 50257, "n_layer": 1}}
    for seed, (name, more) in enumerate(shapes.items()):
        config = GPT2Config(**SHAPE | more, bos_token_id=None, eos_token_id=None)
        config._attn_implementation = "eager"
        theirs = GPT2LMHeadModel(config).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter.normal_(std=0.4, generator=generator)
        theirs.save_pretrained(root / name)
        models[name] = theirs.double()
    for name in ("odd", "other"):
        CharacterTokenizer(LETTERS).save(root / name)
    GPT2Tokenizer().save(root / "words")
    np.savez(root / "odd" / "token_counts.npz", counts=COUNTS)
    return root, models


@pytest.fixture(scope="session")
def ref(saved: Saved) -> Reference:
    """The text in the model of letters."""
    return of_letters(saved[1]["odd"], TEXT)


@pytest.fixture(scope="session")
def other(saved: Saved) -> Reference:
    """Another text, of as many letters, in another model."""
    return of_letters(saved[1]["other"], "a sea. a be")


@pytest.fixture
def read(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Page]:
    """Open a page with the text and the numbers behind these pictures, and press buttons."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(saved[0]))
    tables: dict[str, pd.DataFrame] = {}  # by their keys, which AppTest does not tell
    draw = st.dataframe

    def noted(frame: pd.DataFrame | Styler, *, key: str, **more: object) -> object:
        tables[key] = frame if isinstance(frame, pd.DataFrame) else frame.data
        return draw(frame, key=key, **more)

    monkeypatch.setattr(st, "dataframe", noted)

    def opened(
        page: str, numbers: Iterable[str] = (), press: Iterable[str] = (), **query: object
    ) -> Page:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if PAGES[page].file != "app.py":
            app.switch_page(PAGES[page].file)
        for key, value in {"model": "odd", "prompt": TEXT, **query}.items():
            app.query_params[key] = str(value)
        for key in numbers:
            app.session_state[f"{key}_numbers"] = True
        app.run()
        for label in press:
            tables.clear()
            next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
        return collected(app, tables)

    return opened
