"""Who may import whom: no two modules need each other."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gptviz"


def name_of(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    """Whether this is `if TYPE_CHECKING:`, which only a type checker runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All that may run, in functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and is_type_checking(node):
            yield from nodes(ast.Module(node.orelse, []))
        else:
            yield node
            yield from nodes(node)


def imports(package: Path) -> dict[str, set[str]]:
    """The modules of the package that each of its modules imports, at its top or later."""
    paths = {name_of(path, package): path for path in package.rglob("*.py")}
    found: dict[str, set[str]] = {name: set() for name in paths}
    for name, path in paths.items():
        for node in nodes(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path} has a relative import; write the whole name"
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                wanted = {module if module in paths else str(node.module) for module in inner}
            else:
                continue
            found[name] |= wanted & paths.keys()
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle in a graph, from a module back to itself; none if it has none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_needs_itself_in_the_end():
    assert circle(imports(PACKAGE)) == []


@pytest.mark.parametrize(
    ("in_b", "expected"),
    [
        ("import p.a", True),
        ("from p import a", True),
        ("def f():\n    from p.a import g", True),
        ("if TYPE_CHECKING:\n    import p.a", False),
        ("if typing.TYPE_CHECKING:\n    import p.c\nelse:\n    import p.a", True),
        ("import p.c", False),
    ],
)
def test_a_circle_is_found_wherever_it_is_closed(tmp_path, in_b, expected):
    package = tmp_path / "p"
    package.mkdir()
    for name, text in (("__init__", ""), ("a", "from p.b import x"), ("b", in_b), ("c", "")):
        (package / f"{name}.py").write_text(text)
    assert (set(circle(imports(package))) == {"p.a", "p.b"}) is expected


def test_training_needs_of_the_subjects_only_their_numbers_and_nothing_of_the_app():
    for name, wanted in imports(PACKAGE).items():
        if name.startswith("gptviz.training"):
            assert not {module for module in wanted if module.startswith("gptviz.app")}, name
            subjects = {module for module in wanted if module.startswith("gptviz.subjects")}
            assert all(module.endswith("analysis") for module in subjects), (name, subjects)
