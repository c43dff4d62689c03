"""What a visitor sees and does. The `visit` fixture also watches requests, console and errors."""

import re

import pytest

from gptviz.tokenizers import GPT2Tokenizer
from gptviz.ui.pages import PAGES

PATHS = {name: "/" if name == "overview" else f"/{name}" for name in PAGES}
WITH_PROMPT = [name for name in PAGES if name != "training"]


def slider(page, label):
    return page.get_by_role("slider", name=label)


def pieces(text):
    tokenizer = GPT2Tokenizer()
    return tokenizer.pieces(tokenizer.encode(text))


def type_prompt(page, text):
    box = page.get_by_label("Your text")
    box.fill(text)
    box.press("Control+Enter")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_finished_without_another_host_or_an_error(visit, name, expect):
    page = visit().open(PATHS[name])
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[name].title)
    assert page.title() == f"{PAGES[name].title} · gptviz"


def test_the_first_request_of_a_fresh_server_may_be_a_deep_link(fresh_server, visit, expect):
    page = visit(fresh_server).open("/attention", layer=4, head=3, prompt="The king")
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(page.get_by_label("Your text")).to_have_value("The king")
    expect(slider(page, "Layer")).to_have_value("4")
    expect(slider(page, "Head")).to_have_value("3")


def test_choices_from_the_url_come_along_to_the_next_page(visit, expect):
    page = visit().open("/attention", layer=4, head=3, prompt="The king")
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
    expect(page.get_by_label("Your text")).to_have_value("The king")
    expect(page).to_have_url(re.compile("prompt=The.king"))
    sidebar.get_by_role("link", name="Attention").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(slider(page, "Layer")).to_have_value("4")
    expect(slider(page, "Head")).to_have_value("3")


def test_two_visitors_see_each_their_own_tokens(visit):
    one, two = visit(), visit()
    one.open()
    two.open()
    type_prompt(one.page, "thunder")
    type_prompt(two.page, "whisper")
    for visitor, text in ((one, "thunder"), (two, "whisper")):
        for position, piece in enumerate(pieces(text)):
            visitor.page.get_by_role("button", name=f"choose token {position}, {piece}").wait_for()


def test_a_click_on_a_head_chooses_it(visit, expect):
    page = visit().open("/attention", model="shakespeare")
    page.get_by_role("button", name="L2 H3").click()
    expect(slider(page, "Layer")).to_have_value("2")
    expect(slider(page, "Head")).to_have_value("3")
    expect(page.get_by_role("button", name="L2 H3")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("h.2.attn.pattern[3]").first).to_be_visible()
    expect(page).to_have_url(re.compile("layer=2&head=3"))


def test_a_smaller_model_brings_a_high_layer_and_head_into_range(visit, expect):
    page = visit().open("/attention", model="shakespeare", layer=5, head=7)
    expect(slider(page, "Layer")).to_have_value("5")
    page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    page.get_by_role("option", name="tiny").click()
    expect(slider(page, "Layer")).to_have_value("1")
    expect(slider(page, "Head")).to_have_value("1")
    expect(page).to_have_url(re.compile("model=tiny"))


def test_a_reload_keeps_every_choice(visit, expect):
    visitor = visit()
    page = visitor.open("/attention")
    type_prompt(page, "to be or not")
    expect(page).to_have_url(re.compile("prompt=to"))
    slider(page, "Layer").press("ArrowRight")
    expect(page).to_have_url(re.compile("layer=1"))
    page.reload()
    expect(page.get_by_label("Your text")).to_have_value("to be or not")
    expect(slider(page, "Layer")).to_have_value("1")


@pytest.mark.parametrize("name", WITH_PROMPT)
def test_every_page_shows_any_prompt_to_the_letter(visit, name, expect):
    visitor = visit()
    page = visitor.open(PATHS[name], model="shakespeare")
    for prompt in (
        "<script>alert(1)</script><b>fat</b>",
        "**fat** _slanted_ [fat](here) $x^2$ :red[fat] # fat",
        "👩‍👩‍👧 한국어 \u202eabc \0",
        " \n\t ",
        "word " * 100,
    ):
        type_prompt(page, prompt)
        page.get_by_role("img", name=f"The path of {len(pieces(prompt))} tokens").wait_for()
        visitor.settle()
        expect(page.get_by_test_id("stAlert")).to_have_count(0)
        expect(page.locator("b, strong, em, .katex, a[href=here]", has_text="fat")).to_have_count(0)
        expect(page.get_by_label("Your text")).to_have_value(prompt)


@pytest.mark.parametrize("name", WITH_PROMPT)
def test_every_page_refuses_in_words_a_prompt_that_it_cannot_read(visit, name, expect):
    page = visit().open(PATHS[name], model="shakespeare")
    problem = page.get_by_test_id("stAlert")
    type_prompt(page, "")
    expect(problem).to_contain_text("The prompt is empty")
    type_prompt(page, "word " * 2000)
    expect(problem).to_contain_text("shorten it by 1745")
    type_prompt(page, "w" * 30_000)
    expect(problem).to_contain_text("30,000 characters are too many")
    type_prompt(page, "The king")
    expect(problem).to_have_count(0)
