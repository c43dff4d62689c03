"""What a stranger finds: the README's promises, the files at the top, what a wheel needs."""

import re
import shlex
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from gptviz.app.pages import PAGES
from gptviz.cli import parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
AT_THE_TOP = {
    "LICENSE",
    "README.md",
    "app.py",
    "checkpoints",
    "gptviz",
    "pages",
    "pyproject.toml",
    "tests",
}


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    command = ["git", "ls-files", "-z"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip("this is no clone, so nobody knows which files are part of the project")
    return result.stdout.split("\0")[:-1]


def commands(readme: str) -> list[str]:
    """The lines of the README that are set as commands."""
    return [line.strip() for line in re.findall(r"(?m)^ {4,}(\S.*)$", without_blocks(readme))]


def without_blocks(readme: str) -> str:
    return re.sub(r"(?ms)^```.*?^```", "", readme)


def test_the_two_commands_install_and_start_what_pyproject_names():
    assert commands(README)[:2] == ["pip install -e .", "gptviz"]
    module, _, function = PROJECT["project"]["scripts"]["gptviz"].partition(":")
    assert callable(getattr(import_module(module), function))


def test_every_gptviz_command_in_the_readme_can_be_parsed():
    quoted = re.findall(r"`(gptviz [^`]+)`", README)
    told = [line for line in [*commands(README), *quoted] if line.startswith("gptviz")]
    assert len(told) > 4
    for line in told:
        if not line.endswith("--help"):
            parser().parse_args(shlex.split(line)[1:])


def test_the_readme_leads_through_every_page():
    tour = re.findall(r"(?m)^\| \*\*(.+?)\*\* \|", README)
    assert tour == [page.title for page in PAGES.values()]


def test_the_readme_s_python_runs_and_prints_what_it_says(python):
    code = re.search(r"(?ms)^```python\n(.*?)^```", README)[1]
    assert len([line for line in code.splitlines() if line]) <= 11, "ten lines after the import"
    printed = python(code).splitlines()
    assert printed[0] == "['The', '·king', '·and', '·the']"
    assert printed[1] == "torch.Size([8, 4, 4])"


def test_every_path_in_the_readme_s_tree_exists():
    tree = re.search(r"(?ms)^```\n(app\.py.*?)^```", README)[1]
    folders = [ROOT]  # by how far a line is indented
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        path = folders[depth] / name
        folders[depth + 1 :] = [path]
        assert path.is_dir() if name.endswith("/") else path.is_file(), path


def test_every_link_in_the_readme_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_the_screenshot_is_light_enough_for_a_slow_line():
    assert (ROOT / ".github" / "overview.png").stat().st_size < 400_000


def test_nothing_lies_at_the_top_that_does_not_belong_there(tracked):
    top = {path.split("/")[0] for path in tracked}
    assert {name for name in top if not name.startswith(".")} == AT_THE_TOP


@pytest.mark.usefixtures("tracked")
@pytest.mark.parametrize(
    ("path", "is_part"),
    [
        ("checkpoints/story/metrics.jsonl", True),
        ("checkpoints/story/snapshots/step-000001/model.safetensors", True),
        ("checkpoints/gallery/one-head/samples.jsonl", True),
        ("checkpoints/tales/model.safetensors", True),
        ("checkpoints/my-run/metrics.jsonl", False),
        ("checkpoints/.texts/mine.txt", False),
    ],
)
def test_what_ships_is_part_of_the_project_and_the_runs_of_a_learner_are_not(
    path: str, is_part: bool
):
    command = ["git", "check-ignore", "--quiet", "--no-index", path]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == int(is_part)


@pytest.mark.usefixtures("tracked")
def test_git_ignores_nothing_that_the_code_reads():
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "--"]
    shipped = [f"checkpoints/{name}" for name in ("gallery", "shakespeare", "story", "tales")]
    folders = ["gptviz/data", "gptviz/app", "gptviz/subjects", *shipped]
    ignored = subprocess.run(
        [*command, *folders], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [path for path in ignored if "__pycache__" not in path] == []


def test_no_file_is_heavier_than_a_clone_should_carry(tracked):
    heavy = [path for path in tracked if (ROOT / path).stat().st_size > 60 * 2**20]
    assert not heavy
