"""Tiny random models, for which laws hold as for trained ones; and a Python of its own."""

import functools
import gc
import os
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tiktoken
import torch

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.jobs.worker import work
from gptviz.runs import Run
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer
from gptviz.tokenizers.gpt2 import PATTERN
from gptviz.training.config import TrainingConfig

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from gptviz.app.code import Code

ROOT = Path(__file__).parents[1]

# Models of these sizes gain nothing from a second thread; on a busy machine two of them spend
# their time waiting for each other, and the tests take ten times as long.
torch.set_num_threads(1)


def pytest_xdist_auto_num_workers() -> int:
    """Half as many workers again as cores, and at most four: a browser's tests mostly wait."""
    return min(4, (os.cpu_count() or 1) * 3 // 2)


@pytest.fixture(scope="session")
def tiny_lm() -> LanguageModel:
    """Two layers of two heads that read letters, digits, signs and spaces; shared, so only read."""
    tokenizer = CharacterTokenizer(sorted(set(string.printable)))
    config = GPTConfig(tokenizer.vocab_size, block_size=64, n_layer=2, n_head=2, n_embd=8)
    model = GPT(config, torch.Generator().manual_seed(0))
    return LanguageModel(model, tokenizer, "tiny", "tiny")


@pytest.fixture(scope="session")
def tiktoken_alone() -> tiktoken.Encoding:
    """GPT-2's vocabulary in tiktoken's hands."""
    tokenizer = GPT2Tokenizer()
    ranks = {tokenizer.token_bytes(token): token for token in range(tokenizer.end_of_text)}
    return tiktoken.Encoding("GPT-2", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that took place: 30 steps, six snapshots, four samples; only read."""
    folder = tmp_path_factory.mktemp("finished")
    text = "the king and the queen speak to the fool. " * 60
    (folder / "text.txt").write_text(text, encoding="utf-8")
    vocab_size = CharacterTokenizer.from_text(text).vocab_size
    config = TrainingConfig(
        GPTConfig(vocab_size, block_size=16, n_layer=2, n_head=2, n_embd=8),
        str(folder / "text.txt"),
        tokenizer="char",
        batch_size=4,
        steps=30,
        learning_rate=0.02,
        min_learning_rate=0.01,
        warmup_steps=5,
        eval_interval=10,
        eval_windows=4,
        precision="float32",
        sample_interval=10,
        sample_tokens=20,
        snapshots=6,
    )
    work(Run.create(folder / "run", config))
    return folder / "run"


@pytest.fixture(autouse=True, scope="session")
def own_part_of_the_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Programs that the tests start take one thread, and wait for no other worker's training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("GPTVIZ_SLOT", str(tmp_path_factory.mktemp("slot")))
        yield


@pytest.fixture(autouse=True, scope="session")
def packages_looked_through_once() -> Iterator[None]:
    """AppTest asks all installed packages for components at each run, which takes 0.14 seconds."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def own_slot(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's training waits for nobody else's on this machine."""
    monkeypatch.setenv("GPTVIZ_SLOT", str(tmp_path_factory.mktemp("slot")))


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Python's collector rests: what leaves the memory does so by counting references alone."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """Run code in a process of its own, in an empty folder; what it prints."""

    def run(code: str, **environment: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def open_app() -> Callable[..., "AppTest"]:
    """Open a page by its name in Streamlit's AppTest, entered through the app as a browser does."""
    from streamlit.testing.v1 import AppTest

    from gptviz.app.pages import PAGES

    def opened(page: str = "overview", **query: object) -> "AppTest":
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        if PAGES[page].file != "app.py":
            app.switch_page(PAGES[page].file)
        for key, value in query.items():
            app.query_params[key] = value if isinstance(value, list) else str(value)
        app.run()
        assert not app.exception
        return app

    return opened


def assert_same_figures(made: Any, shown: Any) -> None:
    """Two figures of Plotly are alike in all that is drawn, up to rounding."""
    if isinstance(shown, dict) or hasattr(shown, "to_plotly_json"):
        made, shown = (
            one if isinstance(one, dict) else one.to_plotly_json() for one in (made, shown)
        )
        # What this is only tells the browser when to forget how a reader has zoomed.
        assert made.keys() - {"uirevision"} == shown.keys() - {"uirevision"}
        for key in made.keys() & shown.keys():
            assert_same_figures(made[key], shown[key])
    elif isinstance(shown, np.ndarray) and shown.dtype.kind in "fc":
        np.testing.assert_allclose(made, shown, rtol=1e-4, atol=1e-5)
    elif isinstance(shown, list | tuple) and not isinstance(made, str):
        assert len(made) == len(shown)
        for one, other in zip(made, shown, strict=True):
            assert_same_figures(one, other)
    elif isinstance(shown, float):
        assert made == pytest.approx(shown, rel=1e-4, abs=1e-5, nan_ok=True)
    else:
        np.testing.assert_array_equal(made, shown)


@pytest.fixture
def assert_codes_make_the_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[set[str]], None]:
    """Run the code of every picture drawn so far; these must be among the pictures.

    It has to make the table that is shown and, where it draws a chart, the same figure.
    """
    import pandas as pd

    from gptviz.app import show

    drawn: dict[str, tuple[pd.DataFrame, Code]] = {}
    figures: dict[str, Any] = {}
    numbers, chart, charts = show.numbers, show.chart, show.charts

    def noted_chart(figure: Any, *, key: str, **more: Any) -> None:
        figures[key] = figure
        chart(figure, key=key, **more)

    def noted_charts(several: Any, *, key: str, **more: Any) -> None:
        figures[key] = several
        charts(several, key=key, **more)

    def noted(frame: pd.DataFrame, key: str, code: "Code") -> None:
        drawn[key] = (frame() if callable(frame) else frame), code
        numbers(frame, key, code)

    def check(keys: set[str]) -> None:
        assert drawn.keys() >= keys
        for key, (frame, code) in drawn.items():
            found: dict[str, Any] = {}
            exec(code.text, found)
            frame = frame() if callable(frame) else frame  # some are made only when opened
            pd.testing.assert_frame_equal(found["table"], frame, rtol=1e-4, atol=1e-5)
            made = found.get("figure", found.get("figures_by_title"))
            if key in figures and made is not None:  # tests/app/test_pictures.py says which draw
                assert_same_figures(made, figures[key])

    monkeypatch.setattr(show, "chart", noted_chart)
    monkeypatch.setattr(show, "charts", noted_charts)
    monkeypatch.setattr(show, "numbers", noted)
    return check
