"""Behind a proxy, and beside pages of other sites."""

import shutil
import socket
import subprocess
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

# As nginx does it unless it is told otherwise, gptviz sees its inner address as Host.
NGINX = """
daemon off;
pid {folder}/pid;
error_log stderr crit;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location {path} {{
      proxy_pass {inner};
      {websockets}
    }}
  }}
}}
"""
WEBSOCKETS = """
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
"""


@pytest.fixture
def proxy(tmp_path):
    """Start nginx before a server; what it calls itself, as a server that can be visited."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        pytest.skip("there is no nginx; install it, as in `apt-get install nginx-light`")

    @contextmanager
    def started(server, path="/", websockets=WEBSOCKETS):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        inner = server.url.removesuffix(path) if path != "/" else server.url
        text = NGINX.format(
            folder=tmp_path, port=port, path=path, inner=inner, websockets=websockets
        )
        settings = tmp_path / "nginx.conf"
        settings.write_text(text)
        process = subprocess.Popen([program, "-e", "stderr", "-c", str(settings)])
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert process.poll() is None
            outer = f"http://localhost:{port}{path.removesuffix('/')}"
            yield SimpleNamespace(url=outer, printed=server.printed)
        finally:
            process.terminate()
            process.wait()

    return started


def test_a_page_that_a_proxy_cuts_off_says_why_and_so_does_the_terminal(
    proxy, fresh_server, chromium, expect
):
    for settings, words in (
        (WEBSOCKETS, "gptviz --allow-host localhost"),
        ("proxy_set_header Host $http_host;", "let it pass websockets on"),
    ):
        with proxy(fresh_server, websockets=settings) as outside:
            page = chromium.new_page()
            page.goto(outside.url)
            expect(page.get_by_role("alert")).to_contain_text(words)
            page.close()
    refused, cut_off = fresh_server.printed[1:]
    assert refused.endswith("start it with: gptviz --allow-host localhost\n")
    assert cut_off.startswith("gptviz: A proxy passes no websockets on")


def test_a_proxy_with_a_name_and_a_path_shows_every_page(
    proxy, gptviz, start_server, visit, expect
):
    options = ["--allow-host", "localhost", "--base-path", "gptviz"]
    with start_server([*gptviz, "--port", "0", *options]) as server:
        assert server.url.endswith("/gptviz/")
        with proxy(server, path="/gptviz/") as outside:
            visitor = visit(outside)
            page = visitor.open("/attention", layer=1)
            expect(page.get_by_role("heading", level=1)).to_have_text("Attention")
            page.get_by_test_id("stSidebar").get_by_role("link", name="Tokens").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
            assert page.url.startswith(f"{outside.url}/tokens?")
            page.reload()
            expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
            visitor.settle()
            page.goto("about:blank")  # before the proxy ends


def test_a_page_of_another_site_cannot_show_this_one_in_a_frame(server, chromium):
    page = chromium.new_page()
    with page.expect_event("requestfailed") as failed:
        page.set_content(f'<iframe src="{server.url}/training"></iframe>')
    assert failed.value.failure == "net::ERR_BLOCKED_BY_RESPONSE"
    page.close()
