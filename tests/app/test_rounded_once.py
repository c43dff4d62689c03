"""A number is rounded once, where it is shown; tests/every_number holds each against the right one.

What Plotly, a browser or a table rounds comes to them whole, so nothing on the way rounds to
decimals. To whole numbers is another thing: colours, pixels and steps are such.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2] / "gptviz"
SHOWS = [*(ROOT / "app").rglob("*.py"), *(ROOT / "subjects").rglob("*.py"), ROOT / "show.py"]
MEANT = {"dice.py"}  # a place of a slider that an address names


def rounds_to_decimals(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in ("round", "around"):
        return False
    # round(x, 2) and np.round(x, 2), but x.round(2)
    of_module = isinstance(node.func, ast.Name) or getattr(node.func.value, "id", "") == "np"
    return len(node.args) > of_module or bool(node.keywords)


def test_nothing_rounds_to_decimals_what_is_rounded_where_it_is_shown():
    found = [
        f"{path.relative_to(ROOT)}, line {node.lineno}"
        for path in SHOWS
        if path.name not in MEANT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if rounds_to_decimals(node)
    ]
    assert not found


def test_no_script_writes_a_number_that_it_has_rounded_and_rounds_again():
    twice = re.compile(r"Number\([^()]*\.to(?:Fixed|Precision)\(\d+\)\)\.to")
    found = [path.name for path in ROOT.rglob("*.js") if twice.search(path.read_text("utf-8"))]
    assert not found


def test_what_rounds_to_decimals_is_found():
    for code in ("round(x, 2)", "np.round(x, 3)", "x.round(2)", "np.around(x, decimals=1)"):
        assert rounds_to_decimals(ast.parse(code, mode="eval").body), code
    for code in ("round(x)", "np.round(x * 255)", "x.round()", "f(x, 2)"):
        assert not rounds_to_decimals(ast.parse(code, mode="eval").body), code
