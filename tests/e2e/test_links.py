"""The links to all pages, by mouse and keyboard."""

import re


def test_a_link_leads_on_without_loading_all_anew_and_the_way_back_is_a_page_a_step(visit, expect):
    page = visit().open("/attention", layer=2, head=1)
    page.evaluate("globalThis.isStillHere = true")
    links = page.get_by_role("navigation", name="Pages")
    expect(links.locator("[aria-current=page]")).to_have_text("Attention")
    links.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
    expect(page).to_have_url(re.compile(r"/tokens\?.*layer=2"))
    expect(links.locator("[aria-current=page]")).to_have_text("Tokens")
    links.get_by_text("Labs", exact=True).click()
    links.get_by_role("link", name="Dropout").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dropout")
    expect(links.get_by_role("link", name="Scaling")).to_be_visible()  # the labs stay open
    for title in ("Tokens", "Attention"):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page).to_have_url(re.compile("layer=2"))
    links.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page).to_have_url(re.compile(r"^http://[^/]+/\?.*layer=2"))
    assert page.evaluate("globalThis.isStillHere")


def test_a_link_can_be_opened_beside_and_chosen_with_the_keyboard(visit, expect):
    page = visit().open("/tokens", prompt="The king & I")
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="MLP")
    with page.context.expect_page() as opened:
        link.click(modifiers=["ControlOrMeta"])
    beside = opened.value
    expect(beside.get_by_role("heading", level=1)).to_have_text("MLP")
    expect(beside.get_by_label("Your text")).to_have_value("The king & I")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("MLP")


def test_the_open_labs_stay_open_while_the_page_is_drawn_again(visit, expect):
    page = visit().open("/attention")
    links = page.get_by_role("navigation", name="Pages")
    links.get_by_text("Labs", exact=True).click()
    page.get_by_label("Your text").fill("The king")
    expect(links.get_by_role("link", name="Tokens")).to_have_attribute(
        "href", re.compile("prompt=The.king")
    )
    expect(links.get_by_role("link", name="Scaling")).to_be_visible()
