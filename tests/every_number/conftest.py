"""Pages that read a text in a small random model of odd shape.

`read` opens a page and collects, by its place, whatever holds a number. `Page.holds` compares each
place with what transformers and numpy alone give (the accounts), and fails at a place of which
nothing is expected: a new number needs a new account.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import pandas as pd
import pytest
import streamlit as st
import tiktoken
from accounts import experiments, failures, health
from accounts.common import Models, Read, saved
from accounts.experiments import Tried
from accounts.learnt import Learnt, trained
from accounts.reference import TEXT
from accounts.shown import HEADS, Page, collected
from pandas.io.formats.style import Styler
from streamlit.testing.v1 import AppTest

from gptviz.app.pages import PAGES
from gptviz.jobs import pace

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, tiktoken_alone: tiktoken.Encoding) -> Models:
    return saved(tmp_path_factory.mktemp("models"), tiktoken_alone)


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    return trained(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def judged(learnt: Learnt, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Learnt]:
    return health.judged(learnt, tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    return experiments.tried(tmp_path_factory.mktemp("tried"))


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return failures.gallery(tmp_path_factory.mktemp("shipped"))


@pytest.fixture
def read(models: Models, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Open a page with the text and the numbers behind these pictures, and press buttons."""
    return reader(monkeypatch, models.root, model="odd", prompt=TEXT)


@pytest.fixture
def read_run(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Open the page Training with a run, or with a folder of them of which none is chosen.

    It shows the numbers of the form above, too. How long a step takes here is never found out: a
    page would say it as soon as it is. a_step says what it took, in seconds.
    """
    monkeypatch.setattr(pace, "pace", not_measured)

    def opened(
        folder: Path,
        numbers: Iterable[str] = (),
        chosen: Mapping[str, object] = MappingProxyType({}),
        a_step: float | None = None,
        **more: object,
    ) -> Page:
        known = None if a_step is None else pace.Pace(a_step, 0)
        monkeypatch.setattr(pace, "known", lambda config: known)
        is_run = (folder / "config.json").is_file()
        read = reader(monkeypatch, folder.parent if is_run else folder)
        run = {"run": folder.name if is_run else None, **chosen}
        return read("training", [*numbers, "first_tokens"], chosen=run, **more)

    return opened


def not_measured(*settings: object) -> NoReturn:  # noqa: ARG001
    raise pace.BrokenOffError("a test needs no time")


def reader(monkeypatch: pytest.MonkeyPatch, root: Path, **about: str) -> Read:
    """How to open a page that looks into a folder of models and runs."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(root))
    tables: dict[str, pd.DataFrame] = {}  # by their keys, which AppTest does not tell
    draw = st.dataframe

    def noted(frame: pd.DataFrame | Styler, *, key: str, **more: object) -> object:
        table = frame if isinstance(frame, pd.DataFrame) else frame.data
        titles = more.get("column_config") or {}
        tables[key] = table.copy(deep=False)
        heads = [titles[name] for name in table if isinstance(titles.get(name), str)]
        tables[key].attrs = {HEADS: heads}
        return draw(frame, key=key, **more)

    monkeypatch.setattr(st, "dataframe", noted)

    def opened(
        page: str,
        numbers: Iterable[str] = (),
        press: Iterable[str] = (),
        switched: Iterable[str] = (),
        chosen: Mapping[str, object] = MappingProxyType({}),
        **query: object,
    ) -> Page:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if PAGES[page].file != "app.py":
            app.switch_page(PAGES[page].file)
        for key, value in {**about, **query}.items():
            app.query_params[key] = str(value)
        for key in numbers:
            app.session_state[f"{key}_numbers"] = True
        for key, value in {**dict.fromkeys(switched, True), **chosen}.items():
            app.session_state[key] = value
        app.run()
        for label in press:
            tables.clear()
            next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
        page = collected(app, tables)
        for box in app.number_input:
            if box.key in query:  # which says what stands in it
                assert page.shown.pop(box.key) == [query[box.key]]
        return page

    return opened
