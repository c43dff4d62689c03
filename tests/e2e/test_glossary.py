"""A word leads to its entry, and the fine print opens by itself."""

from gptviz.app.glossary import TERMS


def test_a_marked_word_has_its_sentence_and_leads_to_its_entry(visit, expect):
    visitor = visit()
    page = visitor.open("/layer_norms", model="tiny", prompt="To be")
    link = page.locator("a[href*='glossary#residual-stream']").first
    expect(link).to_have_attribute("title", TERMS["residual stream"].sentence)
    with visitor.context.expect_page() as opened:
        link.click()
    heading = opened.value.get_by_role("heading", name="Residual stream")
    # Once the page has its style: it moves what stands above the heading.
    expect(opened.value.locator(".stMain h1")).to_have_css("font-size", "26.6px")
    expect(heading).to_be_in_viewport()
    assert opened.value.url.endswith("/glossary#residual-stream")


def test_every_heading_of_the_glossary_has_the_address_that_links_use(visit):
    page = visit().open("/glossary")
    found = page.locator(".stMain h2").evaluate_all("all => all.map((one) => one.id)")
    assert found == [term.anchor for term in TERMS.values()]


def test_more_opens_without_asking_the_server(visit, expect):
    visitor = visit()
    page = visitor.open("/tokens", model="tiny", prompt="To be")
    more = page.locator("summary", has_text="More").first
    fine = page.locator("details code", has_text="ids").first
    expect(fine).to_be_hidden()
    asked = len(visitor.asked)
    more.focus()
    page.keyboard.press("Enter")
    expect(fine).to_be_visible()
    assert len(visitor.asked) == asked
