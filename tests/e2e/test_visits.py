"""What a visitor sees and does. The `visit` fixture also watches requests, console and errors."""

import re
import string

import pytest

from gptviz.app.pages import PAGES
from gptviz.tokenizers import GPT2Tokenizer

PATHS = {name: "/" if name == "overview" else f"/{name}" for name in PAGES}
SHOWN_TO_THE_LETTER = (
    "<script>alert(1)</script><b>fat</b> **fat** _slanted_ [fat](here) $x^2$ :red[fat] # fat",
    "👩‍👩‍👧 한국어 \u202eabc \0",
    " \n\t ",
    "word " * 100,
)
READ_IN_PART = {
    "": "The box is empty",
    "word " * 2000: "1,745 tokens before them are left out",
    "w" * 30_000: "More than",
}


def alerts(name, prompt):
    """How many there are on a page, of a text that the model on its left can read."""
    cannot_write = not set(prompt) <= set(string.printable)  # the small model, on the right
    return int(name == "patching" or (name == "compare" and cannot_write))  # of unequal lengths


def open_head(page):
    return page.locator(".heads [aria-pressed=true]")


def pieces(text):
    tokenizer = GPT2Tokenizer()
    return tokenizer.pieces(tokenizer.encode(text))


def type_prompt(page, text):
    box = page.get_by_label("Your text")
    box.fill(text)
    box.press("Enter")


@pytest.mark.parametrize(
    "name",
    [
        name
        if name in ("overview", "attention", "patching", "training", "glossary")
        else pytest.param(name, marks=pytest.mark.thorough)
        for name in PAGES
    ],
)
def test_every_page_is_finished_without_another_host_or_an_error_whatever_the_prompt(
    visit, name, expect
):
    visitor = visit()
    beside = {"other_model": "tiny"} if name == "compare" else {}
    page = visitor.open(PATHS[name], model="shakespeare", **beside)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[name].title)
    assert page.title() == f"{PAGES[name].title} · gptviz"
    if PAGES[name].top == "nothing":  # it reads no prompt
        return
    problem = page.get_by_test_id("stAlert")
    for prompt in SHOWN_TO_THE_LETTER:
        type_prompt(page, prompt)
        if PAGES[name].top == "path" or name == "overview":
            page.get_by_role("img", name=f"The path of {len(pieces(prompt))} tokens").wait_for()
        visitor.settle()
        expect(problem).to_have_count(alerts(name, prompt))
        expect(page.locator("b, strong, em, .katex, a[href=here]", has_text="fat")).to_have_count(0)
        expect(page.get_by_label("Your text")).to_have_value(prompt)
    for prompt, words in READ_IN_PART.items():
        type_prompt(page, prompt)
        expect(page.get_by_text(words)).to_be_visible()
        expect(problem).to_have_count(alerts(name, prompt))


def test_what_somebody_puts_into_a_link_becomes_no_link_and_no_picture(visit, expect):
    wanted = "https://a.example www.a.example a@a.example :streamlit:"
    page = visit().open("/", model=wanted)
    problem = page.get_by_test_id("stAlert")
    expect(problem).to_contain_text("There is no model")
    expect(problem.locator("a, img[src^='data:']")).to_have_count(0)
    assert problem.inner_text().replace("\u2060", "").count(wanted) == 1


def test_the_first_request_of_a_fresh_server_may_be_a_deep_link(fresh_server, visit, expect):
    page = visit(fresh_server).open("/attention", layer=4, head=3, prompt="The king")
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(page.get_by_label("Your text")).to_have_value("The king")
    expect(open_head(page)).to_have_accessible_name("L4 H3")


def test_choices_from_the_url_come_along_to_the_next_page(visit, expect):
    page = visit().open("/attention", layer=4, head=3, prompt="The king")
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
    expect(page.get_by_label("Your text")).to_have_value("The king")
    expect(page).to_have_url(re.compile("prompt=The.king"))
    sidebar.get_by_role("link", name="Attention").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(open_head(page)).to_have_accessible_name("L4 H3")


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
    expect(open_head(page)).to_have_accessible_name("L2 H3")
    expect(page.get_by_text("h.2.attn.pattern[3]").first).to_be_attached()
    expect(page).to_have_url(re.compile("layer=2&head=3"))


def test_a_smaller_model_brings_a_high_layer_and_head_into_range(visit, expect):
    page = visit().open("/attention", model="shakespeare", layer=5, head=7)
    expect(open_head(page)).to_have_accessible_name("L5 H7")
    page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    page.get_by_role("option", name="tiny").click()
    expect(open_head(page)).to_have_accessible_name("L1 H1")
    expect(page).to_have_url(re.compile("model=tiny"))


def test_a_reload_keeps_every_choice(visit, expect):
    visitor = visit()
    page = visitor.open("/attention")
    type_prompt(page, "to be or not")
    expect(page).to_have_url(re.compile("prompt=to"))
    page.get_by_role("button", name="L1 H2").click()
    expect(page).to_have_url(re.compile("layer=1&head=2"))
    page.reload()
    expect(page.get_by_label("Your text")).to_have_value("to be or not")
    expect(open_head(page)).to_have_accessible_name("L1 H2")
