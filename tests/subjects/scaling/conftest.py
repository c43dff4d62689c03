"""An experiment as if its models had been trained: no process is started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gptviz.disk import append_row, write_json
from gptviz.jobs.experiments import FILE
from gptviz.runs import METRICS, Run
from gptviz.subjects.scaling.family import family

STEPS = 20


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("To be, or not to be: that is the question. " * 40, encoding="utf-8")
    return path


@pytest.fixture
def train(text: Path, tmp_path: Path) -> Callable[..., list[Run]]:
    """Runs of the first models in a folder, whose losses fall as some power of their sizes."""

    def made(n_done: int, n_queued: int = 0, kind: str = "stopped") -> list[Run]:
        runs = []
        settings = list(family(text, STEPS).items())[: n_done + n_queued]
        for i, (name, config) in enumerate(settings):
            run = Run.create(tmp_path / "models" / f"Scaling, {name}", config)
            about = {"id": "0123456789ab", "name": "Scaling", "variant": name, "number": i}
            write_json(run.folder / FILE, about)
            for step in range(1, STEPS + 1 if i < n_done else 6):
                row = {"step": step, "train_loss": 3.0, "lr": 0.1, "grad_norm": 1.0}
                loss = (1 + 1 / step) * (2.5 - 0.1 * i + 0.02 * (i % 2))
                append_row(
                    run.folder / METRICS, row | ({"val_loss": loss} if step % 5 == 0 else {})
                )
            run.update_status({"state": "done" if i < n_done else kind})
            runs.append(run)
        return runs

    return made
