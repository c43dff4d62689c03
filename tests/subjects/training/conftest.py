"""The training page, entered through the app, and the runs that it finds and begins."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import jobs
from gptviz.jobs import pace as measure
from gptviz.jobs.pace import Pace
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training.config import TrainingConfig

TEXT = "the king and the queen speak to the fool. " * 60


@pytest.fixture(scope="session")
def config() -> Callable[[Path], TrainingConfig]:
    """The settings of a run of 30 steps, on a text that is put into a folder."""

    def settings(folder: Path) -> TrainingConfig:
        text = folder / "text.txt"
        text.write_text(TEXT, encoding="utf-8")
        vocab_size = CharacterTokenizer.from_text(TEXT).vocab_size
        model = GPTConfig(vocab_size, block_size=16, n_layer=1, n_head=2, n_embd=8)
        return TrainingConfig(
            model,
            str(text),
            tokenizer="char",
            batch_size=4,
            steps=30,
            warmup_steps=5,
            eval_interval=10,
            eval_windows=4,
            precision="float32",
            sample_interval=10,
            sample_tokens=20,
            snapshots=3,
        )

    return settings


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, config: Callable[[Path], TrainingConfig]
) -> Path:
    """A folder of models with one run of 30 steps; only read."""
    root = tmp_path_factory.mktemp("trained")
    work(Run.create(root / "My first run", config(root)))
    return root


@pytest.fixture(autouse=True)
def _pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes a tenth of a second, and nobody measures it."""
    monkeypatch.setattr(measure, "known", lambda config: Pace(0.1, 10**9))


@pytest.fixture
def root(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(trained))
    return trained


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Run]:
    """Runs that the page has started; nothing trains them. Runs lie in a folder of their own."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    found: list[Run] = []
    monkeypatch.setattr(jobs, "launch", found.append)
    return found


@pytest.fixture
def foreign(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose settings another version wrote, beside `My first run`."""
    models = tmp_path / "models"
    shutil.copytree(root, models)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))
    run = Run(shutil.copytree(models / "My first run", models / "Foreign"))
    settings = {**run.settings, "a_setting_of_tomorrow": 1}
    (run.folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return run


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """Open the page at an address with that query."""
    return partial(open_app, "training")


@pytest.fixture
def press() -> Callable[[AppTest, str], AppTest]:
    """Press the button with that label."""

    def pressed(app: AppTest, label: str) -> AppTest:
        (button,) = (b for b in app.button if b.label == label)
        button.click().run()
        assert not app.exception
        return app

    return pressed


@pytest.fixture
def in_address() -> Callable[[AppTest], str]:
    """The run that the page's address names."""

    def run_of(app: AppTest) -> str:
        value = app.query_params["run"]
        return value if isinstance(value, str) else value[0]

    return run_of


@pytest.fixture
def words() -> Callable[[AppTest], str]:
    """What the page says, but for its controls."""

    def words_of(app: AppTest) -> str:
        progress = [bar.proto.text for bar in app.main.get("progress")]
        said = [element.value for element in [*app.main.markdown, *app.main.caption]]
        return " ".join([*progress, *said]).replace("\\", "")

    return words_of


@pytest.fixture
def figures() -> Callable[[AppTest], list[dict]]:
    """The page's charts, as they are sent to the browser."""

    def figures_of(app: AppTest) -> list[dict]:
        return [json.loads(chart.proto.spec) for chart in app.main.get("plotly_chart")]

    return figures_of
