"""The way back through the pages keeps what is chosen."""

import re


def test_the_model_stays_chosen_on_the_way_back_from_page_to_page(visit, expect):
    page = visit().open("/attention", model="tiny", layer=1, head=1)
    sidebar = page.get_by_test_id("stSidebar")
    way = ["Attention", "Tokens", "Overview", "MLP"]
    for title in way[1:]:
        sidebar.get_by_role("link", name=title).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page).to_have_url(re.compile("model=tiny"))
    for title in reversed(way[:-1]):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(sidebar).to_contain_text("layers 2 ·")
        expect(page).to_have_url(re.compile("model=tiny"))
    expect(page).to_have_url(re.compile(r"layer=1\b"))
