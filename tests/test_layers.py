"""Which part of the code may import which, by file name; and how long a file may be."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [ROOT / "app.py", *sorted(ROOT.glob("pages/*.py")), *sorted(ROOT.glob("gptviz/**/*.py"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in CODE]
# The longest that a file may be, in lines, by the beginning of its path.
LONGEST = {"gptviz/model.py": 220, "pages/": 60, "app.py": 60, "": 250}
# The network reads like the paper, by itself: all that these files may import of gptviz.
OF_THE_NETWORK = {
    "gptviz/setting.py": ("gptviz.quoting.",),
    "gptviz/shape.py": ("gptviz.setting.",),
    "gptviz/config.py": ("gptviz.shape.", "gptviz.setting", "gptviz.quoting."),
    "gptviz/cache.py": ("gptviz.config.",),
    "gptviz/layers.py": ("gptviz.config.",),
    "gptviz/model.py": ("gptviz.config.", "gptviz.cache.", "gptviz.layers."),
}

# What the command that starts the app may import of it.
OF_THE_SERVER = tuple(f"gptviz.app.{name}." for name in ("server", "hosts", "limits", "processes"))


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


def subject(name: str) -> str:
    """The subject of a file or a module; empty for one that is of none."""
    parts = name.removesuffix(".py").replace("/", ".").split(".")
    return parts[2] if parts[:2] == ["gptviz", "subjects"] and len(parts) > 3 else ""


def is_numbers(name: str) -> bool:
    """Whether a module of a subject is its numbers, which others may import."""
    return name.endswith("analysis") or ".analysis." in name or "_analysis." in name


@pytest.mark.parametrize("here", NAMES)
def test_imports_point_down_only(here: str):
    in_notebook = here == "gptviz/show.py"  # the app's pictures of all subjects, without a server
    is_page = here == "app.py" or here.startswith("pages/")
    in_kit = here.startswith("gptviz/app/")
    own = subject(here)
    for module in imported(ROOT / here):
        root = module.partition(".")[0]
        assert root not in ("pages", "transformers"), f"{here} imports {module}"
        if root == "streamlit":
            shows = is_page or in_kit or (own and not is_numbers(here) and "figures" not in here)
            assert shows, f"{here} computes, so it knows no Streamlit"
        if root == "plotly":
            assert in_kit or (own and here.endswith("figures.py")), f"{here} imports {module}"
        if root == "uvicorn":
            serves = ("gptviz/app/server.py", "gptviz/app/outbox.py")
            assert here in serves, f"{here} imports {module}"
        if module.startswith("gptviz.app."):
            of_server = f"{module}.".startswith(OF_THE_SERVER)
            starts = here == "gptviz/cli/app.py" and of_server
            assert is_page or in_kit or own or starts or in_notebook, f"{here} imports {module}"
        other = subject(module)
        if other and other != own:
            drawn = in_notebook and "figures" in module
            assert is_page or is_numbers(module) or drawn, f"{here} imports {module}"
            assert not in_kit, f"{here} is for all subjects, and imports {module}"
        if here in OF_THE_NETWORK and module.startswith("gptviz"):
            assert module.startswith(OF_THE_NETWORK[here]), f"{here} is read by itself"


@pytest.mark.parametrize("here", NAMES)
def test_no_file_is_longer_than_can_be_read_at_once(here: str):
    longest = next(n for start, n in LONGEST.items() if here.startswith(start))
    count = len((ROOT / here).read_text(encoding="utf-8").splitlines())
    assert count <= longest, f"{here} has {count} lines; at most {longest}"


@pytest.mark.parametrize("page", sorted(ROOT.glob("pages/*.py")), ids=lambda path: path.stem)
def test_a_page_has_a_subject_of_its_name(page: Path):
    assert (ROOT / "gptviz" / "subjects" / page.stem).is_dir()


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
