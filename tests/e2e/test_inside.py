"""What only a browser can prove of stream and MLP: boards of cells, clicks, the keyboard."""

import re

import pytest

from gptviz import load

PROMPT = "The king and the queen"


def board(page, name):
    return page.get_by_role("group", name=re.compile(name))


def widths(page):
    return page.evaluate("[document.documentElement.scrollWidth, innerWidth]")


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 390),
        pytest.param("light", 1440, marks=pytest.mark.thorough),
        pytest.param("dark", 1024, marks=pytest.mark.thorough),
    ],
)
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/residual", {"tab": "surprise"}),
        ("/residual", {"tab": "lens"}),
        ("/residual", {"tab": "parts"}),
        ("/mlp", {"tab": "units"}),
    ],
)
def test_no_page_is_wider_than_the_screen(visit, scheme, width, path, query):
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = visitor.open(path, model="shakespeare", prompt=PROMPT * 3, **query)
    inner, outer = widths(page)
    assert inner <= outer


def test_a_click_on_a_cell_of_the_lens_shows_its_likeliest_and_stands_in_the_address(
    visit, models, expect
):
    page = visit().open("/residual", model="shakespeare", prompt=PROMPT, tab="lens")
    cells = board(page, "after each layer").get_by_role("button")
    lm = load(models / "shakespeare")
    trace = lm.trace(PROMPT)
    T = len(trace.ids)
    expect(cells).to_have_count(7 * T)
    p = lm.model.unembed(lm.model.ln_f(trace["h.2"][1])).softmax(-1)
    (piece,) = lm.tokenizer.pieces([int(p.argmax())])
    cell = cells.nth(3 * T + 1)
    expect(cell).to_have_text(piece)
    cell.hover()
    expect(page.locator(".tip", has_text="L2, after 1 ·king")).to_be_visible()
    cell.click()
    expect(cell).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("The ten likeliest in row “L2”")).to_be_visible()
    expect(page).to_have_url(
        re.compile(r"position=1\b.*lens_stage=h\.2|lens_stage=h\.2.*position=1\b")
    )
    page.reload()
    expect(page.get_by_text("The ten likeliest in row “L2”")).to_be_visible()
    expect(page.locator(".line .chosen")).to_have_attribute("data-position", "1")


@pytest.mark.thorough
def test_the_keyboard_goes_from_cell_to_cell_and_chooses(visit, expect):
    page = visit().open(
        "/residual", model="shakespeare", prompt=PROMPT, tab="lens", lens_stage="embed", position=1
    )
    cells = board(page, "after each layer").get_by_role("button")
    count = len(load("shakespeare").tokenizer.encode(PROMPT))
    expect(cells).to_have_count(7 * count)
    cells.nth(1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(cells.nth(count + 2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(cells.nth(count + 2)).to_have_attribute("aria-pressed", "true")
    expect(cells.nth(count + 2)).to_be_focused()


def test_a_surprising_token_is_chosen_for_the_other_pages_too(visit, expect):
    page = visit().open("/residual", model="shakespeare", prompt=PROMPT)
    page.get_by_role("button", name=re.compile("^1: ·king, .*nats")).hover()
    expect(page.get_by_role("tooltip")).to_contain_text("expected")
    page.get_by_role("button", name=re.compile("^1: ·king, .*nats")).click()
    expect(page.get_by_text("in place of token 1, “·king”")).to_be_visible()
    page.get_by_role("link", name="Attention", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(page).to_have_url(re.compile(r"position=1\b"))


def test_a_click_on_a_head_s_part_opens_that_head(visit, expect):
    page = visit().open("/residual", model="shakespeare", prompt=PROMPT, tab="parts")
    cells = board(page, "each head adds").get_by_role("button")
    expect(cells).to_have_count(48)
    cells.nth(8 * 2 + 3).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
    expect(page).to_have_url(re.compile(r"layer=2\b"))
    expect(page).to_have_url(re.compile(r"head=3\b"))
    expect(page.get_by_label("Your text")).to_have_value(PROMPT)


def test_a_click_on_an_active_neuron_opens_it(visit, models, expect):
    page = visit().open("/mlp", model="shakespeare", prompt=PROMPT, layer=1, position=2)
    act = load(models / "shakespeare").trace(PROMPT)["h.1.mlp.act"][2].abs()
    second = int(act.topk(2).indices[1])
    board(page, "most active").get_by_role("button").nth(1).click()
    expect(
        page.get_by_text(re.compile(f"neuron {second} fires most|Neuron {second} stays"))
    ).to_be_visible()
    expect(page.get_by_role("tab", name="One neuron")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile(f"neuron={second}"))
    page.reload()
    expect(
        page.get_by_text(re.compile(f"neuron {second} fires most|Neuron {second} stays"))
    ).to_be_visible()


@pytest.mark.thorough
def test_a_cell_of_active_units_chooses_its_layer_and_its_token(visit, expect):
    page = visit().open("/mlp", model="shakespeare", prompt=PROMPT, tab="active")
    board(page, "active units").get_by_role("button", name=re.compile("^L3 at 1 ·king")).click()
    expect(page.get_by_role("slider", name="Layer")).to_have_value("3")
    expect(page.locator(".line .chosen")).to_have_attribute("data-position", "1")


@pytest.mark.thorough
def test_the_mlp_in_the_path_leads_to_its_page(visit, expect):
    page = visit().open("/attention", model="shakespeare", prompt=PROMPT)
    page.locator("a.stage", has_text="MLP").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("MLP")
