"""The text box: the page follows the typing, and never overwrites it."""

import re
from collections.abc import Callable

import pytest

from gptviz.app.examples import EXAMPLES
from gptviz.app.prompt.reading import LONGEST_TEXT
from gptviz.tokenizers import GPT2Tokenizer

GPT2 = GPT2Tokenizer()


@pytest.fixture
def opened(visit) -> Callable:
    def come(path: str = "/", **query: str):
        visitor = visit()
        page = visitor.open(path, **{"model": "shakespeare", "prompt": "The king", **query})
        return visitor, page, page.get_by_label("Your text")

    return come


def picture(page, text: str):
    return page.get_by_role("img", name=f"The path of {len(GPT2.encode(text))} tokens")


def typed_into(page) -> str:
    """What has the focus, looked for inside the pictures, too."""
    return page.evaluate(
        """() => {
          let found = document.activeElement
          while (found.shadowRoot?.activeElement) found = found.shadowRoot.activeElement
          return found.tagName
        }"""
    )


@pytest.mark.parametrize("path", ["/", "/attention"])
def test_the_picture_follows_the_typing_without_any_key(opened, expect, path: str):
    visitor, page, box = opened(path)
    box.press("End")
    page.keyboard.type(" and the queen")
    picture(page, "The king and the queen").wait_for()
    visitor.settle()
    expect(box).to_have_value("The king and the queen")
    assert typed_into(page) == "TEXTAREA"
    expect(page).to_have_url(re.compile(r"prompt=The\+king\+and\+the\+queen"))
    page.keyboard.type(" and I")
    picture(page, "The king and the queen and I").wait_for()
    for _ in range(9):  # what was typed can still be taken back, in a browser's own steps
        if box.input_value() != "The king":
            page.keyboard.press("Control+z")
    picture(page, "The king").wait_for()
    expect(box).to_have_value("The king")


def test_letters_in_the_midst_of_the_text_stay_where_they_were_typed(opened, expect):
    _, page, box = opened(prompt="The  king")
    box.press("Home")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    text = "old and very weary and nearly blind"
    page.keyboard.type(text, delay=60)  # some answers come while the next letters are typed
    picture(page, f"The {text} king").wait_for()
    expect(box).to_have_value(f"The {text} king")
    assert box.evaluate("box => box.selectionStart") == 4 + len(text)


def test_enter_reads_at_once_and_with_shift_it_is_a_new_line(opened, expect):
    visitor, page, box = opened()
    box.press("End")
    page.keyboard.type(" is")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("dead")
    page.keyboard.press("Enter")
    picture(page, "The king is\ndead").wait_for()
    visitor.settle()
    expect(box).to_have_value("The king is\ndead")
    expect(page).to_have_url(re.compile("prompt=The.king.is%0Adead"))


def test_enter_that_ends_the_putting_together_of_a_letter_is_no_other_enter(opened, expect):
    visitor, _, box = opened()
    box.evaluate(
        """box => box.dispatchEvent(new KeyboardEvent("keydown", {
          key: "Enter", isComposing: true, bubbles: true, cancelable: true }))
          || (box.value = "it was kept from the keyboard")"""
    )
    visitor.settle()
    expect(box).to_have_value("The king")


def test_half_a_surrogate_pair_is_replaced_and_the_page_lives_on(opened, expect):
    _, page, box = opened()
    box.press("End")
    box.evaluate(
        """box => {
          box.setRangeText("\\ud83d!", box.value.length, box.value.length, "end")
          box.dispatchEvent(new Event("input", { bubbles: true }))
        }"""
    )
    picture(page, "The king\ufffd!").wait_for()
    expect(box).to_have_value("The king\ufffd!")
    page.keyboard.type(" dead")
    picture(page, "The king\ufffd! dead").wait_for()


def test_half_a_surrogate_pair_in_a_box_of_streamlit_s_own_is_replaced_too(visit, expect):
    page = visit().open("/byte_pairs", tab="letters")
    box = page.get_by_label("A text to cut")
    box.evaluate(
        """box => {
          const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")
          set.call(box, "cat\ud83d")
          box.dispatchEvent(new Event("input", { bubbles: true }))
        }"""
    )
    box.press("Enter")
    expect(box).to_have_value("cat\ufffd")
    expect(page.get_by_text("of these 4 letters")).to_be_visible()


def test_an_empty_text_leaves_the_last_picture_and_says_so(opened, expect):
    _, page, box = opened(prompt="The king and the queen")
    box.fill("")
    expect(page.get_by_text("The box is empty.")).to_be_visible()
    expect(picture(page, "The king and the queen")).to_be_visible()
    assert box.get_attribute("placeholder") == "Type a text for the model to read"
    expect(page).to_have_url(re.compile(r"prompt=(&|$)"))
    page.reload()
    expect(page.get_by_text("The box is empty.")).to_be_visible()
    expect(picture(page, EXAMPLES[0].text)).to_be_visible()
    expect(box).to_have_value("")


def test_of_a_book_that_is_pasted_the_end_is_read_and_a_reload_finds_it(opened, expect):
    visitor, page, box = opened()
    book = "Ein Märchen für Ὅμηρος und 임금님. " * 4000
    box.evaluate(
        """(box, text) => {
          box.value = text
          box.dispatchEvent(new Event("input", { bubbles: true }))
        }""",
        book,
    )
    expect(page.get_by_text("only the last 256 tokens are read")).to_be_visible()
    expect(page.get_by_text("More than")).to_be_visible()
    visitor.settle()
    assert len(box.input_value()) == len(book), "the box keeps what was put into it"
    page.reload()
    page.get_by_role("img", name="The path of 256 tokens").wait_for()
    expect(box).to_have_value(book[-LONGEST_TEXT:])


@pytest.mark.thorough
def test_the_box_is_low_until_one_types_in_it(opened):
    _, page, box = opened(prompt="\n".join(map(str, range(30))))
    height = lambda: box.bounding_box()["height"]  # noqa: E731
    assert height() <= 70
    box.click()
    assert 100 <= height() <= 200
    page.get_by_role("heading", level=1).click()
    assert height() <= 70


def test_an_example_comes_into_the_box_right_after_typing(opened, expect):
    _, page, box = opened()
    box.press("End")
    page.keyboard.type(" is")
    page.get_by_text(EXAMPLES[2].name, exact=True).click()
    expect(box).to_have_value(EXAMPLES[2].text)
    picture(page, EXAMPLES[2].text).wait_for()
    box.press("End")
    page.keyboard.type(" her")
    picture(page, f"{EXAMPLES[2].text} her").wait_for()
    expect(box).to_have_value(f"{EXAMPLES[2].text} her")


@pytest.mark.thorough
def test_typing_makes_no_steps_of_the_way_back(opened, expect):
    visitor, page, box = opened("/tokens")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    visitor.settle()
    box.press("End")
    for word in (" and", " the", " queen"):
        page.keyboard.type(word)
        expect(page).to_have_url(re.compile(f"prompt=.*{word.strip()}($|&)"))
        visitor.settle()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")


def test_a_long_text_of_one_s_own_asks_for_no_two_keys_at_once(visit, expect):
    page = visit().open("/byte_pairs", learn_from="own", tab="unknown")
    area = page.get_by_label("Your text, read when you click beside it")
    area.press_sequentially("aa ab aab")
    expect(page.get_by_text(re.compile("Ctrl|⌘"))).not_to_be_visible()
    page.get_by_role("heading", level=1).click()
    expect(page).to_have_url(re.compile(r"own_text=aa.ab.aab"))


def test_an_unknown_model_of_the_address_is_told(visit, expect):
    page = visit().open("/", model="no-such-model")
    expect(page.get_by_test_id("stAlert")).to_contain_text("There is no model “no-such-model” here")
    expect(page.get_by_role("img", name="The path of")).to_be_visible()
