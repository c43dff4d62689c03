"""Tiny random models, for which laws hold as for trained ones; and a Python of its own."""

import gc
import os
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from gptviz import GPT, GPTConfig, LanguageModel
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training.config import TrainingConfig
from gptviz.training.runs import Run
from gptviz.training.worker import work

ROOT = Path(__file__).parents[1]

# Models of these sizes gain nothing from a second thread; on a busy machine two of them spend
# their time waiting for each other, and the tests take ten times as long.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_lm() -> LanguageModel:
    """Two layers of two heads that read letters, digits, signs and spaces; shared, so only read."""
    tokenizer = CharacterTokenizer(sorted(set(string.printable)))
    config = GPTConfig(tokenizer.vocab_size, block_size=64, n_layer=2, n_head=2, n_embd=8)
    model = GPT(config, torch.Generator().manual_seed(0))
    return LanguageModel(model, tokenizer, "tiny", "tiny")


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPTVIZ_SLOT", str(folder / "slot"))
        work(Run.create(folder / "run", config, "My *first* run"))
    return folder / "run"


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
