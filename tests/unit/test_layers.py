"""Which part of the code may import which: pages → ui, figures → core, and never upwards."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [ROOT / "app.py", *sorted(ROOT.glob("pages/*.py")), *sorted(ROOT.glob("gptviz/**/*.py"))]
# Who may import it: the beginnings of paths.
ONLY = {
    "streamlit": ("app.py", "pages/", "gptviz/ui/"),
    "uvicorn": ("gptviz/ui/server.py",),
    "plotly": ("gptviz/figures/",),
    "pages": (),
    "transformers": (),
}
# The network reads like the paper, by itself: all that these files may import of gptviz.
OF_THE_NETWORK = {
    "gptviz/config.py": (),
    "gptviz/cache.py": ("gptviz.config.",),
    "gptviz/layers.py": ("gptviz.config.",),
    "gptviz/model.py": ("gptviz.config.", "gptviz.cache.", "gptviz.layers."),
}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports when it runs; what only a type checker reads is no import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unread = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in unread:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write imports from the top, as in gptviz.model"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_down_only(path):
    here = path.relative_to(ROOT).as_posix()
    for module in imported(path):
        for owned, allowed in ONLY.items():
            if module == owned or module.startswith(f"{owned}."):
                assert here.startswith(allowed), f"{here} imports {module}"
        if here.startswith("gptviz/") and not here.startswith("gptviz/ui/"):
            below = here == "gptviz/cli/app.py" and module.startswith("gptviz.ui.server")
            assert below or not module.startswith("gptviz.ui"), f"{here} imports {module}"
            if not here.startswith("gptviz/figures/"):
                assert not module.startswith("gptviz.figures"), f"{here} imports {module}"
        if here in OF_THE_NETWORK and module.startswith("gptviz"):
            assert module.startswith(OF_THE_NETWORK[here]), f"{here} is read by itself"


def test_no_file_names_a_folder_of_one_machine():
    pattern = r"(^|[^a-zA-Z0-9_.-])/(home|root|tmp|work|Users)/[a-zA-Z0-9_]"
    command = ["git", "grep", "-nIE", pattern, "--", ":!gptviz/data", ":!checkpoints"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout + found.stderr


@pytest.mark.parametrize(
    "command",
    [
        "import gptviz",
        "import gptviz.config",
        "import gptviz.cli",
        "import gptviz.training.prepare",
    ],
)
def test_what_answers_at_once_does_not_wait_for_pytorch(command, python):
    assert python(f"{command}, sys; print('torch' in sys.modules)") == "False\n"


@pytest.mark.parametrize(("wished", "found"), [(None, "1"), ("0", "0")])
def test_large_pages_are_asked_for_before_pytorch_reads_the_setting(
    wished, found, python, monkeypatch
):
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE")
    if wished is not None:
        monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", wished)
    line = "import gptviz, os; print(os.environ['THP_MEM_ALLOC_ENABLE'])"
    assert python(line) == f"{found}\n"
