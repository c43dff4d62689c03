"""What holds in every lab: readers share what is the same, and long work can be stopped."""

import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gptviz import GPT, jobs
from gptviz.app import choices, look
from gptviz.app.pages import LABS, PAGES
from gptviz.subjects.downhill import gpt_analysis
from gptviz.subjects.schedules import analysis as schedules

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "checkpoints" / jobs.GALLERY
PROMPT = "The king and the queen"
# What a quiet core does in well under a second. All is counted, for a busy machine is slow.
MOST_OPERATIONS = 5e9  # of products of matrices
MOST_CALLS = 400_000  # of functions, by those of an analysis
MOST_RUNS = 2  # of a model, which may be as large as GPT-2: the text's own, and one more
ANALYSIS = re.compile(r"gptviz.subjects.\w+.\w*analysis\.py$")
IMPORT = "<frozen importlib._bootstrap>"
# The settings of a tab with which it has most to do, by its page and its slug; and seeds that no
# other test has, where a test trains for fewer steps than the page does.
LARGEST: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("one_layer", "numbers"): {"layer_numbers": ";".join(["1 2 3 4 5 6 7 8"] * 6)},
    ("one_layer", "deep"): {"layer_width": 768},
    ("shortcuts", "network"): {"depth": 24, "net_width": 64},
    ("shortcuts", "powers"): {"passed_layers": 96},
    ("shortcuts", "gpt"): {"blocks": 24},
    ("loss", "logits"): {"logits": " ".join(map(str, range(12)))},
    ("downhill", "adam"): {"gradients": " ".join(map(str, range(1, 9)))},
    ("downhill", "gpt"): {"course_seed": 1501},
    ("schedules", "runs"): {"schedule_seed": 1502},
    ("dropout", "numbers"): {"drop_numbers": ";".join(["1 2 3 4 5 6 7 8"] * 6)},
    ("root_d", "random"): {"d": 1024},
    ("scaling", "size"): {"law": "floor"},
    ("scaling", "compute"): {"law": "floor", "counted_compute": "counted"},
}
ALWAYS: Mapping[str, Mapping[str, object]] = {"byte_pairs": {"learn_from": "tale"}}


def tabs_of(page: str) -> list[str]:
    story = (ROOT / PAGES[page].file).read_text(encoding="utf-8")
    return re.findall(r'"([\w-]+)": Tab\(', story)


PLACES = [
    (page.name, tab)
    for page in PAGES.values()
    if page.group == LABS or page.name == "anatomy"
    for tab in tabs_of(page.name)
]


class Operations(TorchDispatchMode):
    """How many operations products of matrices take; nobody counts the calls of the counting."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        profile = sys.getprofile()
        sys.setprofile(None)
        try:
            with self:
                found = func.decompose(*args, **kwargs or {})
            if found is NotImplemented:
                found = func(*args, **kwargs or {})
                if counted := flop_registry.get(func._overloadpacket):
                    self.count += counted(*args, **kwargs or {}, out_val=found)
            return found
        finally:
            sys.setprofile(profile)


@dataclass
class Effort:
    """What is done where a reader waits for it, and what is computed at all."""

    calls: int = 0
    operations: int = 0
    runs: int = 0
    reader: int = 0  # the thread of whoever waits
    noted: list[tuple[int, str]] = field(default_factory=list)  # what was computed, in any thread

    @property
    def computed(self) -> list[str]:
        """What was computed for the reader, or was begun in a thread of its own."""
        return [what for thread, what in self.noted if thread == self.reader]

    def note(self, what: str) -> None:
        """Something is computed here."""
        self.noted.append((threading.get_ident(), what))

    def counted(self, draw: Callable[..., None]) -> Callable[..., None]:
        """The same, and counted; what runs in threads of its own is not."""

        def drawn(*arguments: Any, **more: Any) -> None:
            # The function of an analysis that is under way, and within it what is imported once.
            asked: FrameType | None = None
            imports: FrameType | None = None

            def count(frame: FrameType, event: str, _: object) -> None:
                nonlocal asked, imports
                if event == "call":
                    file = frame.f_code.co_filename
                    asked = asked or (frame if ANALYSIS.search(file) else None)
                    imports = imports or (frame if file == IMPORT else None)
                if asked and not imports:
                    self.calls += event in ("call", "c_call")
                if event == "return":
                    asked = None if frame is asked else asked
                    imports = None if frame is imports else imports

            self.reader = threading.get_ident()
            with Operations() as operations:
                sys.setprofile(count)
                try:
                    draw(*arguments, **more)
                finally:
                    sys.setprofile(None)
                    self.operations += operations.count

        return drawn


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> Iterator[Effort]:
    found, keep, waiting = Effort(), look._keep, look.waiting

    def kept(cache: Any, key: Any, value: object) -> None:
        found.note(str(key))
        keep(cache, key, value)

    def waited(key: Any, compute: Any) -> Any:
        found.note(str(key))
        return waiting(key, compute)

    def run(module: object, _: object) -> None:
        found.note(type(module).__name__)
        found.runs += isinstance(module, GPT) and threading.get_ident() == found.reader

    monkeypatch.setattr(look, "_keep", kept)
    monkeypatch.setattr(look, "waiting", waited)
    monkeypatch.setattr(choices, "tabs", found.counted(choices.tabs))
    hook = register_module_forward_pre_hook(run)
    yield found
    hook.remove()


@pytest.fixture
def models(
    tmp_path: Path, save_random: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_random(tmp_path / "small")
    (tmp_path / jobs.GALLERY).symlink_to(SHIPPED)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt_analysis, "STEPS", 3)
    monkeypatch.setattr(schedules, "STEPS", 20)


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(("page", "tab"), PLACES)
def test_a_lab_computes_once_for_all_and_what_takes_long_can_be_stopped(
    open_app: Callable[..., AppTest], effort: Effort, page: str, tab: str
):
    chosen = {**ALWAYS.get(page, {}), **LARGEST.get((page, tab), {})}

    def opened() -> None:
        assert not open_app(page, model="small", prompt=PROMPT, tab=tab, **chosen).error

    opened()
    assert effort.operations < MOST_OPERATIONS
    assert effort.calls < MOST_CALLS
    assert effort.runs <= MOST_RUNS
    effort.noted.clear()
    opened()
    assert effort.computed == [], "a second reader computes nothing"


def test_what_a_reader_waits_for_is_counted_and_what_is_shared_is_noted(effort: Effort):
    def draw() -> None:
        _ = torch.empty(7, 5, device="meta") @ torch.empty(5, 3, device="meta")
        look.look(schedules.six, 0.15, 0.15)

    for _ in range(2):
        effort.counted(draw)()
    assert effort.operations == 2 * (2 * 7 * 5 * 3)
    assert effort.calls > 6 * schedules.STEPS
    assert len(effort.computed) == 1, "once for both"
