"""What surrounds every page, where something is missing or broken."""

from pathlib import Path
from urllib.parse import parse_qs

import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptviz import checkpoints
from gptviz.app.pages import LABS, PAGES
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

LETTERS = CharacterTokenizer.from_text(
    " \n:,.'!?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


def save_tiny(folder: Path, n_layer: int = 2, block_size: int = 64) -> None:
    config = GPTConfig(LETTERS.vocab_size, block_size, n_layer, n_head=2, n_embd=8)
    checkpoints.save(folder, GPT(config, torch.Generator().manual_seed(0)), LETTERS)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    return tmp_path


def said(app: AppTest) -> str:
    assert not app.exception
    return app.error[0].value.replace("\\", "")


@pytest.mark.usefixtures("root")
def test_no_model_at_all_ends_in_a_sentence_with_the_way_out(open_app):
    assert "There is no model in" in said(open_app())
    assert "gptviz train" in said(open_app())


def test_a_broken_model_ends_in_a_sentence_and_another_can_be_chosen(open_app, root: Path):
    save_tiny(root / "broken")
    save_tiny(root / "whole")
    weights = root / "broken" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    app = open_app(model="broken")
    assert "model.safetensors" in said(app)
    app.selectbox(key="model").set_value("whole").run()
    assert not app.error
    assert not app.exception


def test_a_model_with_fewer_layers_and_a_shorter_context_takes_over_the_choices(
    open_app, root: Path
):
    save_tiny(root / "deep", n_layer=6)
    save_tiny(root / "shallow", n_layer=1, block_size=16)
    app = open_app(model="deep", layer=5, prompt="To be or not to be that is")
    app.switch_page("pages/attention.py").run()
    assert not app.exception
    app.selectbox(key="model").set_value("shallow").run()
    assert not app.error
    assert not app.exception
    assert "only the last 16 tokens are read" in " ".join(c.value for c in app.main.caption)


def test_a_checkpoint_that_changes_on_disk_is_shown_anew(open_app, root: Path):
    save_tiny(root / "growing", n_layer=1)
    before = open_app(model="growing")
    save_tiny(root / "growing", n_layer=3)
    after = open_app(model="growing")
    facts = [app.sidebar.caption[0].value for app in (before, after)]
    assert "layers 1 ·" in facts[0]
    assert "layers 3 ·" in facts[1]


def test_the_sidebar_names_the_model_its_parameters_and_the_device(open_app, root: Path):
    save_tiny(root / "tiny")
    app = open_app()
    assert app.selectbox(key="model").value == "tiny"
    parameters = checkpoints.read(root / "tiny")[0].n_parameters
    assert f"{parameters:,} parameters" in app.sidebar.caption[0].value
    assert "CPU" in app.sidebar.caption[0].value


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_page_has_its_title_its_sentence_and_a_link_to_each_other(open_app, root: Path, page):
    save_tiny(root / "tiny")
    app = open_app(page.name)
    assert app.title[0].value == page.title
    assert page.sentence in [element.value for element in app.markdown]
    links = [element.proto.label for element in app.sidebar if element.type == "page_link"]
    drawn = [other for other in PAGES.values() if other.group in ("", page.group)]
    assert links == [other.title for other in drawn]


def test_the_labs_stand_in_a_group_that_is_open_while_one_of_them_is_read(open_app, root: Path):
    save_tiny(root / "tiny")
    labs = [page.title for page in PAGES.values() if page.group == LABS]
    app = open_app("loss")
    assert links_of(app, LABS) == labs
    app = open_app("tokens")
    assert links_of(app, LABS) == [], "what nobody sees is not sent with each answer"
    app.session_state["labs_on_tokens"] = True
    assert links_of(app.run(), LABS) == labs


def links_of(app: AppTest, name: str) -> list[str]:
    group = next(element for element in app.sidebar.expander if element.label == name)
    return [element.proto.label for element in group if element.type == "page_link"]


@pytest.mark.parametrize(
    "page", [page for page in PAGES.values() if page.top == "path" or page.name == "overview"]
)
def test_a_model_that_computes_what_is_no_number_is_told_in_place_of_its_path(
    open_app, root: Path, page
):
    save_tiny(root / "torn")
    model, tokenizer = checkpoints.read(root / "torn")
    model.h[1].mlp.c_proj.bias.data[0] = torch.nan
    checkpoints.save(root / "torn", model, tokenizer)
    app = open_app(page.name, model="torn", prompt="To be")
    assert "its path cannot be drawn" in said(app)
    assert not [e for e in app.main if e.type == "bidi_component" and e.key.startswith("path_")]


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [("layer_norms", "norm", "h.0.ln_1"), ("embeddings", "stage", "h.0")],
)
def test_a_choice_of_one_page_comes_along_to_another_and_back(
    open_app, root: Path, file, key, value
):
    save_tiny(root / "tiny")
    app = open_app(file, **{key: value})
    app.switch_page("pages/tokens.py").run()
    assert not app.exception
    links = [element.proto for element in app.sidebar if element.type == "page_link"]
    assert all(parse_qs(link.query_string)[key] == [value] for link in links)
    assert dict(app.query_params)[key] in (value, [value])
    app.switch_page(f"pages/{file}.py").run()
    assert app.session_state[key] == value


@pytest.mark.parametrize(("chosen", "carried"), [("2", ["2"]), ("4", None)])
def test_the_last_token_is_no_choice_that_links_carry(open_app, root: Path, chosen, carried):
    save_tiny(root / "tiny")
    app = open_app("mlp", prompt="To be", position=chosen)
    app.run()  # in the first one, the links come before the control
    links = [element.proto for element in app.sidebar if element.type == "page_link"]
    assert all(parse_qs(link.query_string).get("position") == carried for link in links)
