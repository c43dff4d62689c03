"""What a notebook shows: a real one is executed, in a kernel of its own."""

import base64
import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

import gptviz
from gptviz import LanguageModel, checkpoints, show
from gptviz.app.theme import PALETTES
from gptviz.notebook import Html

ROOT = Path(__file__).parents[1]
TEXT = "one two <b> one </script> & two"
SETUP = "import gptviz\nlm = gptviz.load('tiny')\ntrace = lm.trace({text!r})"
CELLS = {
    "repr": "print(lm); print(repr(trace))",
    "lm": "lm",
    "trace": "trace",
    "path": "gptviz.show.path(trace)",
    "heatmap": "gptviz.show.heatmap(trace, layer=1, head=0)",
    "lines": "gptviz.show.lines(trace, layer=1, head=1)",
    "heads": "gptviz.show.heads(trace)",
    "tokens": "gptviz.show.tokens(trace)",
    "sampling": "gptviz.show.sampling(trace, temperature=0.8, top_k=5)",
    "server": "import sys; print('streamlit' in sys.modules)",
}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory, tiny_lm: LanguageModel) -> dict[str, Any]:
    """The output of each cell of a notebook that has run: by MIME type, or printed."""
    folder = tmp_path_factory.mktemp("notebook")
    checkpoints.save(folder / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    cells = [SETUP.format(text=TEXT), *CELLS.values()]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        patch.setenv("GPTVIZ_CHECKPOINTS", str(folder))
        patch.setenv("IPYTHONDIR", str(folder))
        NotebookClient(book, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    found = {}
    for name, cell in zip(CELLS, book.cells[1:], strict=True):
        (output,) = cell.outputs
        found[name] = output["data"] if "data" in output else output["text"]
    return found


def html(notebook: dict[str, Any], name: str) -> str:
    return notebook[name]["text/html"]


def sent(text: str) -> dict[str, Any]:
    """What the script of a picture is given."""
    found = re.search(r'^show\("gptviz-\w+", draw, (.+)\)</script>$', text, re.MULTILINE)
    assert found
    return json.loads(found[1])


def unpacked(message: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The header and the body of what is sent to a canvas."""
    data = base64.b64decode(message["packed"])
    end = 4 + int.from_bytes(data[:4], "little")
    return json.loads(data[4:end]), data[end:]


def modules(text: str) -> Iterator[str]:
    """A text, and those of all scripts in it."""
    yield text
    for inner in re.findall(r"base64,([A-Za-z0-9+/=]+)", text):
        yield from modules(base64.b64decode(inner).decode())


class Titles(HTMLParser):
    """The text of an HTML and the titles that show when it is pointed at."""

    def __init__(self, text: str):
        super().__init__()
        self.titles: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.titles += [value or "" for name, value in attrs if name == "title"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_model_and_a_trace_are_each_a_line(notebook, tiny_lm):
    model, trace = notebook["repr"].splitlines()
    n = sum(p.numel() for p in tiny_lm.model.parameters())
    assert model.startswith("LanguageModel 'tiny': 2 layers × 2 heads × width 8, ")
    assert f"{n:,} parameters" in model
    assert trace.startswith("Trace of 31 tokens (o n e · t w o ·")
    assert f"{n:,} parameters" in html(notebook, "lm")


@pytest.mark.parametrize("name", ["trace", "tokens"])
def test_tokens_are_chips_whatever_they_hold(notebook, tiny_lm, name):
    ids = tiny_lm.tokenizer.encode(TEXT)
    found = Titles(html(notebook, name))
    assert found.titles == [f"position {i}, id {token}" for i, token in enumerate(ids)]
    assert "".join(found.words).endswith(TEXT.replace(" ", "·"))


@pytest.mark.parametrize("name", [name for name in CELLS if name not in ("repr", "server")])
def test_nothing_is_asked_of_the_network(notebook, name):
    text = html(notebook, name)
    addresses = re.findall(r"(?:https?:)?//[\w-]+(?:\.[\w-]+)+", "".join(modules(text)))
    assert set(addresses) <= {"http://www.w3.org"}
    assert "</script>" not in text.removesuffix("</script>"), "a token must not end the script"


def test_no_server_is_loaded(notebook):
    assert notebook["server"] == "False\n"


def test_the_square_holds_the_weights_of_the_head(notebook, tiny_lm):
    header, body = unpacked(sent(html(notebook, "heatmap")))
    pattern = tiny_lm.trace(TEXT)["h.1.attn.pattern"][0].numpy()
    weights = np.frombuffer(body, "<f4", offset=768)
    np.testing.assert_allclose(weights, pattern[np.tril_indices(len(pattern))], rtol=1e-5)
    assert header["tokens"] == list(TEXT.replace(" ", "·"))


def test_the_lines_hold_the_weights_of_the_head(notebook, tiny_lm):
    data = sent(html(notebook, "lines"))["data"]
    pattern = tiny_lm.trace(TEXT)["h.1.attn.pattern"][1]
    for query, row in enumerate(data["weights"]):
        assert row == pytest.approx(pattern[query, : query + 1].tolist(), abs=1e-4)


def test_the_heads_hold_the_weights_of_all(notebook, tiny_lm):
    header, body = unpacked(sent(html(notebook, "heads")))
    T = header["size"]
    pixels = np.frombuffer(body, np.uint8, offset=768).reshape(2 * T, 2 * T) / 255
    pattern = tiny_lm.trace(TEXT)["h.1.attn.pattern"][0].numpy()
    assert np.abs(pixels[T:, :T] - pattern).max() <= 0.5 / 255 + 1e-3


def test_the_path_holds_the_lengths_of_the_vectors_and_the_likeliest_tokens(notebook, tiny_lm):
    data = sent(html(notebook, "path"))["data"]
    trace = tiny_lm.trace(TEXT)
    last = len(trace.ids) - 1
    lengths = [float(trace[name][last].norm()) for name in ("embed", "h.0", "h.1")]
    assert [row[data["chosen"]] for row in data["stream"]] == pytest.approx(lengths, abs=1e-3)
    assert data["positions"][data["chosen"]] == last
    likeliest = trace.logits[-1].softmax(-1).topk(10)
    assert [one["id"] for one in data["top"]] == likeliest.indices.tolist()
    assert [one["probability"] for one in data["top"]] == pytest.approx(likeliest.values.tolist())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_attention_and_mlp_have_their_colours_of_the_app(tiny_lm, scheme):
    text = show.path(tiny_lm.trace("abc"), scheme=scheme).html
    for name in ("attn", "mlp"):
        assert f"--gptviz-{name}: {getattr(PALETTES[scheme], name)};" in text


def test_sampling_tells_what_each_rule_leaves(notebook, tiny_lm):
    logits = tiny_lm.trace(TEXT).logits[-1].double()
    likeliest = logits.argsort(descending=True)[:10].tolist()
    scaled = (logits / 0.8).softmax(-1)
    kept = logits.topk(5).indices
    after = (logits[kept] / 0.8).softmax(-1)
    titles = Titles(html(notebook, "sampling")).titles
    rows = [titles[i : i + 6] for i in range(0, len(titles), 6)]
    assert [row[0] for row in rows] == [f"id {token}" for token in likeliest]
    for token, row in zip(likeliest, rows, strict=True):
        assert row[1] == f"model: {logits.softmax(-1)[token]:.6f}"
        assert row[3] == f"temperature: {scaled[token]:.6f}"
        rank = kept.tolist().index(token) if token in kept else None
        left = "removed" if rank is None else f"{after[rank]:.6f}"
        assert row[4:] == [f"top-k: {left}", f"top-p: {left}"]


def test_a_head_that_is_not_named_is_the_one_that_opens_in_the_app(tiny_lm):
    trace = tiny_lm.trace("abcabcabc")
    rows = torch.stack([trace[f"h.{i}.attn.pattern"][:, -1, 1:-2].amax(-1) for i in (0, 1)])
    layer, head = divmod(int(rows.argmax()), 2)
    for picture in (show.heatmap, show.lines):
        assert picture(trace).html == picture(trace, layer, head).html
        assert f"h.{layer}.attn.pattern[{head}]" in picture(trace).words
    assert unpacked(sent(show.heads(trace).html))[0]["chosen"] == [layer, head]


@pytest.mark.parametrize("text", ["a", "ab", "a" * 64])
def test_every_picture_draws_the_shortest_and_the_longest_text(tiny_lm, text):
    trace = tiny_lm.trace(text)
    for picture in (show.heatmap, show.lines, show.heads, show.tokens, show.sampling, show.path):
        assert isinstance(picture(trace), Html)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layer": 2}, "layer is 2; this model has 2, counted from 0"),
        ({"head": -1}, "head is -1; this model has 2, counted from 0"),
        ({"token": 3}, "token is 3; this text has 3, counted from 0"),
    ],
)
@pytest.mark.parametrize("picture", [show.heatmap, show.lines])
def test_what_is_not_there_is_refused_in_words(tiny_lm, picture, settings, words):
    with pytest.raises(ValueError, match=words):
        picture(tiny_lm.trace("abc"), **settings)


def test_a_model_whose_weights_are_broken_has_no_path(tiny_lm):
    trace = tiny_lm.trace("abc", edits={"embed": lambda x: x * float("nan")})
    with pytest.raises(ValueError, match="its weights are broken"):
        show.path(trace)
    with pytest.raises(ValueError, match="token is 3; this text has 3"):
        show.path(tiny_lm.trace("abc"), token=3)


def test_any_pattern_of_a_text_is_drawn_as_a_head_s_is(tiny_lm):
    trace = tiny_lm.trace("abcd")
    pattern = trace["h.1.attn.pattern"].mean(0)
    header, body = unpacked(sent(show.square(pattern, trace.tokens, token=1).html))
    weights = np.frombuffer(body, "<f4", offset=768)
    np.testing.assert_allclose(weights, pattern.numpy()[np.tril_indices(4)], rtol=1e-5)
    assert (header["chosen"], header["tokens"]) == (1, list("abcd"))
    data = sent(show.lines_of(pattern, trace.tokens).html)["data"]
    assert data["weights"][3] == pytest.approx(pattern[3].tolist(), abs=1e-4)
    with pytest.raises(ValueError, match="token is 4; this text has 4"):
        show.square(pattern, trace.tokens, token=4)


def test_cells_hold_their_numbers_and_texts():
    values = np.array([[0.0, 0.5], [1.0, np.nan]])
    header, body = unpacked(sent(show.cells(values, ["L0", "L1"], ["a", "b"], "wxyz").html))
    np.testing.assert_array_equal(np.frombuffer(body[:16], "<f4").reshape(2, 2), values)
    assert (header["rows"], header["columns"]) == (["L0", "L1"], ["a", "b"])
    assert header["texts"] == list("wxyz")
    signed = show.cells(values, ["L0", "L1"], ["a", "b"], low=-2, high=2, scale="diverging")
    assert unpacked(sent(signed.html))[0]["ends"] == ["-2", "2"]
    with pytest.raises(ValueError, match="rows"):
        show.cells(values, ["L0"], ["a", "b"])


def test_settings_that_mean_nothing_are_refused_in_words(tiny_lm):
    trace = tiny_lm.trace("abc")
    with pytest.raises(ValueError, match="temperature is -1; it must be 0 or above"):
        show.sampling(trace, temperature=-1)
    with pytest.raises(ValueError, match="at least 1 token"):
        show.sampling(trace, n=0)


def test_in_a_terminal_a_picture_is_a_line(tiny_lm):
    assert repr(gptviz.show.tokens(tiny_lm.trace("abc"))) == "<3 tokens; a notebook shows it>"


def test_the_readme_s_pictures_come_in_three_lines():
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("**In a notebook**")[2]
    drawn, chart = re.findall(r"(?ms)^```python\n(.*?)^```", section)[:2]
    made: dict[str, Any] = {"gptviz": gptviz}
    for code in (drawn, chart):
        *before, last = filter(None, code.splitlines())
        assert len(before) == 2
        exec("\n".join(before), made)
        assert hasattr(eval(last, made), "_repr_html_")
