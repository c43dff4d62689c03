"""The model writes on the overview while a visitor looks on."""

import re

import pytest

from gptviz import load

PROMPT = "The king"
HOW = {"temperature": 0.8, "top_k": 40, "seed": 3}


def picture_of_at_least(page, n_tokens: int):
    more = "|".join(map(str, range(n_tokens, 100)))
    return page.get_by_role("img", name=re.compile(rf"The path of ({more}) tokens"))


@pytest.fixture
def opened(visit):
    visitor = visit()
    page = visitor.open("/", model="shakespeare", prompt=PROMPT, **HOW)
    return visitor, page, page.get_by_label("Your text")


@pytest.fixture(scope="module")
def expected(models) -> str:
    """The text that generate writes."""
    lm = load(models / "shakespeare")
    steps = lm.generate(PROMPT, 60, temperature=0.8, top_k=40, seed=3)
    return PROMPT + lm.tokenizer.decode([step.id for step in steps])


def test_one_token_at_a_press(opened, expect, models, expected: str):
    _, page, box = opened
    lm = load(models / "shakespeare")
    steps = lm.generate(PROMPT, 3, temperature=0.8, top_k=40, seed=3)
    text = PROMPT
    for step in steps:
        page.get_by_role("button", name="Write the next token").click()
        text += lm.tokenizer.decode([step.id])
        expect(box).to_have_value(text)
    assert expected.startswith(text)
    page.get_by_role("img", name=f"The path of {len(lm.ids(PROMPT)) + 3} tokens").wait_for()


def test_it_goes_on_until_it_is_stopped_and_the_picture_follows(opened, expect, expected: str):
    visitor, page, box = opened
    page.get_by_role("button", name="Go on").click()
    picture_of_at_least(page, 6).wait_for()
    picture_of_at_least(page, 10).wait_for()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    visitor.settle()
    written = box.input_value()
    assert expected.startswith(written)
    assert len(written) > len(PROMPT)
    expect(picture_of_at_least(page, 10)).to_be_visible()
    expect(page).to_have_url(re.compile("prompt=The.king.+"))
    page.reload()
    expect(box).to_have_value(written)


@pytest.mark.parametrize("how", ["the box", "another control", "another page"])
def test_whatever_else_one_does_ends_the_writing(opened, expect, how: str):
    visitor, page, box = opened
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Stop").wait_for()
    picture_of_at_least(page, 4).wait_for()
    if how == "the box":
        box.click()
    elif how == "another control":
        page.get_by_text("Show the numbers").first.click()
    else:
        page.get_by_test_id("stSidebar").get_by_role("link", name="Tokens").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
        visitor.settle()
        page.get_by_test_id("stSidebar").get_by_role("link", name="Overview").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    visitor.settle()
    written = box.input_value()
    visitor.settle()
    expect(box).to_have_value(written)
    assert written.startswith(PROMPT)


def test_who_types_goes_on_from_what_was_typed(opened, expect):
    visitor, page, box = opened
    page.get_by_role("button", name="Go on").click()
    picture_of_at_least(page, 5).wait_for()
    box.click()
    box.press("Control+a")
    page.keyboard.type("My love")
    expect(page).to_have_url(re.compile("prompt=My.love"))
    visitor.settle()
    expect(box).to_have_value("My love")


@pytest.mark.parametrize("key", ["", "Enter"])
def test_a_click_on_a_candidate_appends_it(opened, expect, models, key: str):
    _, page, box = opened
    lm = load(models / "shakespeare")
    ids = lm.ids(PROMPT)
    for rank in (2, 0):
        likeliest = lm.trace(ids).logits[-1].argsort(descending=True)
        ids.append(int(likeliest[rank]))
        candidate = page.get_by_role("button", name=re.compile("^append ")).nth(rank)
        candidate.press(key) if key else candidate.click()
        expect(box).to_have_value(lm.tokenizer.decode(ids))
        page.get_by_role("img", name=f"The path of {len(ids)} tokens").wait_for()


def test_a_candidate_that_is_clicked_right_after_typing_comes_after_what_was_typed(opened, expect):
    _, page, box = opened
    candidate = page.get_by_role("button", name=re.compile("^append ")).first
    piece = re.match("append (.+),", candidate.get_attribute("aria-label"))[1]
    box.press("End")
    page.keyboard.type(" is dead")
    candidate.click()
    expect(box).to_have_value(f"{PROMPT} is dead{piece.replace('·', ' ')}")
