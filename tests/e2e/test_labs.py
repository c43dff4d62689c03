"""What only a browser knows of the labs: how much of a phone their charts have to themselves."""

import pytest

PHONE = {"width": 390, "height": 844}
MOST = 0.3  # of a chart's height for its legend
CHARTS = (
    ("build_up", "shapes"),
    ("scaling", "size"),
    ("scaling", "compute"),
    ("byte_pairs", "size"),
    ("byte_pairs", "merges"),
    ("byte_pairs", "letters"),
    ("debugging", "shapes"),
    ("debugging", "gradients"),
)
# Each label that is not whole within its chart, and each legend with the share that it takes.
MEASURE = """() => {
  const charts = [...document.querySelectorAll(".js-plotly-plot")]
  const cut = charts.flatMap((chart) => {
    const own = chart.getBoundingClientRect()
    return [...chart.querySelectorAll("text")]
      .filter((text) => text.textContent.trim())
      .map((text) => [text.textContent, text.getBoundingClientRect()])
      .filter(([, box]) => box.left < own.left - 1 || box.right > own.right + 1)
      .map(([words]) => words)
  })
  const legends = charts
    .map((chart) => [chart, chart.querySelector(".legend")])
    .filter(([, legend]) => legend)
    .map(([chart, legend]) =>
      legend.getBoundingClientRect().height / chart.getBoundingClientRect().height)
  return { count: charts.length, cut, legends }
}"""


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "tab"), CHARTS)
def test_on_a_phone_labels_are_whole_and_legends_leave_room(visit, name: str, tab: str):
    visitor = visit(viewport=PHONE)
    page = visitor.open(f"/{name}", model="tiny", tab=tab)
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    found = page.evaluate(MEASURE)
    assert found["count"]
    assert not found["cut"]
    assert all(share <= MOST for share in found["legends"]), found["legends"]


@pytest.mark.thorough
def test_a_table_that_is_wider_than_a_phone_scrolls_by_itself(visit):
    page = visit(viewport=PHONE).open("/scaling", tab="limits")
    page.get_by_role("table").wait_for()
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth - innerWidth") <= 0
