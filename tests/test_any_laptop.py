"""gptviz on a system that has nothing but what Windows has, too; see tests/any_laptop."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

ROOT = Path(__file__).parents[1]
TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for open files in /proc")


def on_a_laptop(code: str, folder: Path, *arguments: object) -> str:
    """Run code in a Python that refuses what Windows refuses; what it prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "tests" / "any_laptop"), str(ROOT))),
        "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONIOENCODING": "cp1252",  # of a console in the west
        "OMP_NUM_THREADS": "1",
        "GPTVIZ_CHECKPOINTS": str(folder),
    }
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="cp1252",
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


IMPORT = """
import ast, importlib, pkgutil, sys
from pathlib import Path
import gptviz

names = [found.name for found in pkgutil.walk_packages(gptviz.__path__, "gptviz.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
root = Path(sys.argv[1])
for page in (root / "app.py", *sorted((root / "pages").glob("*.py"))):
    tree = ast.parse(page.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    exec(compile(tree, str(page), "exec"), {"__name__": f"pages.{page.stem}"})
for name in ("fcntl", "pwd", "grp", "resource", "termios"):
    try:
        exec(f"import {name}")
    except ModuleNotFoundError:
        continue
    raise AssertionError(f"{name} is not blocked")
print(len(names))
"""


def test_every_module_is_imported_without_what_only_posix_has(tmp_path: Path):
    assert int(on_a_laptop(IMPORT, tmp_path, ROOT)) > 100


PAGES = """
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest

app = AppTest.from_file(str(Path(sys.argv[1]) / "app.py"), default_timeout=200)
for name in ("app.py", "pages/training.py"):
    app.switch_page(name).run()
    assert not app.exception, app.exception
    print(name, len(app.main.markdown) > 0)
"""


def test_the_overview_and_the_training_page_open(tmp_path: Path, finished_run: Path):
    del tmp_path
    told = on_a_laptop(PAGES, finished_run.parent, ROOT)
    assert told.split() == ["app.py", "True", "pages/training.py", "True"]


RUN = """
import sys, time
from pathlib import Path
from gptviz import checkpoints
from gptviz.cli import main
from gptviz import jobs
from gptviz.jobs import slot
from gptviz.runs import Run

def wait_until(condition):
    deadline = time.monotonic() + 200
    while not condition():
        told = (run.folder / "log.txt").read_text(encoding="utf-8")
        assert time.monotonic() < deadline, (jobs.state(run), run.status, told)
        assert jobs.state(run) not in ("failed", "crashed"), (run.status, told)
        time.sleep(0.02)

root = Path(sys.argv[1])
run = jobs.start(Run(root / "settings").config, "안녕 con", root)
assert jobs.state(run) in ("queued", "running")
wait_until(lambda: len(run.metrics) >= 25)
jobs.set_learning_rate(run, 0.002)
jobs.stop(run)
wait_until(lambda: jobs.state(run) == "stopped" and not run.is_held)
stopped_at = run.status["last_step"]
jobs.resume(run)
wait_until(lambda: len(run.metrics) >= stopped_at + 25)
assert main(["runs"]) == 0
jobs.pause(run)
wait_until(lambda: jobs.state(run) == "paused" and not run.is_held)
model, _ = checkpoints.read(run.checkpoint(run.checkpoints[0]))  # no new one takes it away now
assert run.metrics[-1]["step"] == run.status["last_step"] == len(run.metrics)
assert run.rates[0]["learning_rate"] == 0.002
assert run.checkpoints and len(run.checkpoints) <= 2
assert [path.name for path in (slot.folder() / "queue").iterdir()] == []
jobs.delete(run)
print("deleted", not run.folder.exists(), sorted(path.name for path in root.iterdir()))
"""


def test_a_run_is_started_stopped_resumed_paused_and_deleted(tmp_path: Path):
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    model = GPTConfig(len(set(TEXT)), 8, 1, 2, 8, *[0.1] * 3)
    config = TrainingConfig(
        model=model,
        data=str(text),
        tokenizer="char",
        batch_size=4,
        steps=10**6,
        eval_interval=10,
        precision="float32",
        sample_interval=10,
        snapshots=8,
    )
    Run.create(tmp_path / "settings", config)
    told = on_a_laptop(RUN, tmp_path, tmp_path)
    assert r"\uc548\ub155 con" in told, "a console without these letters spells them out"
    assert told.splitlines()[-1] == "deleted True ['settings', 'text.txt']"


PREPARE = """
import sys
from pathlib import Path
from gptviz.cli import main
from gptviz.training import data

text, folder = map(Path, sys.argv[1:])
folder.mkdir()
assert main(["prepare", str(text), str(folder), "--tokenizer", "char"]) == 0
prepared = data.open_prepared(folder)
print(data.count(prepared.ids, prepared.tokenizer.vocab_size).sum())
"""


def test_a_text_is_prepared_into_an_empty_folder_and_counted(tmp_path: Path):
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    told = on_a_laptop(PREPARE, tmp_path, text, tmp_path / "prepared")
    assert told.splitlines()[-1] == str(len(TEXT))
