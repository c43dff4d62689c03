"""Do it by hand in a browser: with the keyboard alone, from step to step."""

import re

import gptviz
from gptviz.subjects import by_hand


def test_whoever_types_results_and_enter_comes_to_the_model_s_own_number(visit, models, expect):
    trace = gptviz.load(models / "tiny").trace("the cat")
    made = by_hand.attention_cell(trace, 1, 1, 5, 3)
    page = visit().open(
        "/by_hand", model="tiny", prompt="the cat", layer=1, head=1, position=5, exercise=3
    )
    page.get_by_label("Your result of step 1 of 4").focus()
    page.keyboard.type("much")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="That is no number")).to_be_visible()
    page.keyboard.press("ControlOrMeta+A")
    for i, step in enumerate(made.steps, start=1):
        box = page.get_by_label(f"Your result of step {i} of 4")
        expect(box).to_be_focused()
        expect(box).to_have_value("much" if i == 1 else "")
        page.keyboard.type(step.shown)
        page.keyboard.press("Enter")
    expect(page.get_by_text(f"has {by_hand.written(made.steps[-1].own)}.")).to_be_visible()
    page.get_by_role("button", name="Another one").click()
    expect(page).to_have_url(re.compile("exercise=4"))
    expect(page.get_by_label("Your result of step 1 of 4")).to_have_value("")
