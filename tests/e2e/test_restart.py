"""A server that is killed and started again while browsers have its pages open."""

import re
import signal
from urllib.parse import urlsplit

SETTINGS = {"temperature": "1.20", "top_k": "100", "top_p": "off", "repetition_penalty": "off"}


def test_a_restarted_server_gives_every_open_browser_its_page_back_with_its_choices(
    start_server, gptviz, visit, expect
):
    with start_server() as server:
        one, two = visit(server), visit(server)
        attention = one.open("/attention", model="shakespeare", head=3)
        box = attention.get_by_label("Your text")
        box.fill("The king is dead")
        box.press("Enter")
        attention.get_by_role("button", name="L1 H3").click()
        attention.get_by_role("tab", name="Mean").click()
        attention.get_by_text("Maximum", exact=True).click()
        expect(attention).to_have_url(re.compile("over_heads=maximum"))

        sampling = two.open("/sampling", model="shakespeare", seed=12)
        sampling.get_by_role("button", name="creative", exact=True).click()
        sampling.get_by_role("tab", name="Two settings").click()
        second = sampling.get_by_role("spinbutton", name="temperature of B")
        second.fill("1.25")
        second.press("Enter")
        expect(sampling).to_have_url(re.compile(r"b_temperature=1\.25"))
        for visitor in (one, two):
            visitor.settle()
        before = [attention.url, sampling.url]

        for visitor in (one, two):
            visitor.may_find_no_server = True
        server.stop(signal.SIGKILL)
        for page in (attention, sampling):
            page.locator('[data-test-connection-state="CONNECTED"]').wait_for(state="detached")

    same_port = [*gptviz, "--port", str(urlsplit(server.url).port)]
    with start_server(same_port):
        for visitor in (one, two):
            visitor.settle()
        assert [attention.url, sampling.url] == before
        expect(attention.get_by_label("Your text")).to_have_value("The king is dead")
        expect(attention.locator(".heads [aria-pressed=true]")).to_have_accessible_name("L1 H3")
        expect(attention.get_by_text("maximum over heads of h.1.attn.pattern")).to_be_attached()
        for name, value in SETTINGS.items():
            slider = sampling.locator(f'.explorer input[data-name="{name}"]')
            expect(slider).to_have_attribute("aria-valuetext", value)
        expect(sampling.get_by_role("spinbutton", name="Seed of the dice")).to_have_value("12")
        expect(second).to_have_value("1.25")
