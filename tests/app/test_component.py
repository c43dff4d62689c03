"""The files of the browser's pictures: how they import each other, and what is sent to them."""

import base64
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from gptviz.app import component

PACKAGE = Path(component.__file__).parents[1]
DOM = PACKAGE / "app" / "dom.js"
NAMES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.js"))
DEFINITION = r"(?:async )?(?:function\*?|class|const|let|var) (\w+)"


def modules(text: str) -> list[str]:
    """A bundled text, and those of all that it imports."""
    inner = re.findall(r'from "data:text/javascript;base64,([^"]+)"', text)
    return [text, *(m for one in inner for m in modules(base64.b64decode(one).decode()))]


def test_all_that_a_module_imports_comes_with_it(tmp_path: Path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "dom.js").write_text("export const one = 1, two = 2 // für alle\n", "utf-8")
    (tmp_path / "middle.js").write_text('export { one } from "./kit/dom.js"\n')
    main = tmp_path / "kit" / "main.js"
    main.write_text('import {\n  one,\n} from "../middle.js"\nimport { two } from "./dom.js"\n')
    texts = modules(component.bundled(main))
    assert len(texts) == 4
    assert not any('from "."' in text for text in texts)
    assert texts[2] == texts[3], "whoever imports a file gets the same address, so the same module"
    assert texts[2].startswith("export const one = 1, two = 2 // für alle\n")


def test_a_script_that_imports_what_is_not_there_is_refused(tmp_path: Path):
    script = tmp_path / "main.js"
    script.write_text('import { one } from "./none.js"\n')
    with pytest.raises(FileNotFoundError, match=r"none\.js"):
        component.bundled(script)


@pytest.mark.parametrize("name", NAMES)
def test_no_import_is_left_that_a_browser_cannot_follow(name: str):
    for text in modules(component.bundled(PACKAGE / name)):
        assert not re.search(r"""\bfrom\s*["'](?!data:)|\bimport\s*\(?["'`](?!data:)""", text)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "app/dom.js"])
def test_what_dom_js_offers_is_defined_nowhere_else(name: str):
    offered = set(re.findall(rf"(?m)^export {DEFINITION}", DOM.read_text(encoding="utf-8")))
    assert {"element", "vector", "words", "write", "place", "unpacked"} <= offered
    script = (PACKAGE / name).read_text(encoding="utf-8")
    assert not offered & set(re.findall(rf"(?m)^(?:export )?{DEFINITION}", script))


def test_a_packed_message_is_a_length_a_header_and_numbers_each_in_its_own_type():
    message = component.pack({"a": 1}, np.array([1, 255], np.uint8), np.array([[2.0]], ">f4"))
    assert message == struct.pack("<I8s2Bf", 8, b'{"a": 1}', 1, 255, 2.0)
