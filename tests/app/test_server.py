"""The server's settings and its refusals; tests/e2e starts it."""

import errno
import json
import logging
import os
import re
import socket

import pytest

from gptviz import checkpoints
from gptviz.app import listening, server, streamlit_quirks
from gptviz.app.theme import PALETTES
from gptviz.cli import main


def test_a_click_is_sent_without_waiting_for_the_one_before():
    with listening.listen("127.0.0.1", 0) as listener, socket.socket() as browser:
        browser.connect(listener.getsockname())
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_refused(port):
    with pytest.raises(ValueError, match=rf"port {port} does not exist; choose one .* --port"):
        listening.listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "another program uses it; choose another, as in: gptviz --port 8502"),
        (errno.EACCES, "the system keeps it for itself; choose one above 1023 with --port"),
        (errno.EADDRNOTAVAIL, "no address of this machine; leave out --host"),
    ],
)
def test_an_address_that_cannot_be_used_names_the_way_out(monkeypatch, number, words):
    def refuse(*_, **__):
        raise OSError(number, "no")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(OSError, match="cannot listen on port 8501 of 127") as caught:
        listening.listen("127.0.0.1", 8501)
    assert words in str(caught.value)


def test_a_name_that_is_no_host_is_refused_in_one_sentence():
    with pytest.raises(OSError, match="leave out --host to use 127"):
        listening.listen("256.256.256.256", 0)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8501"),
        ("0.0.0.0", "http://127.0.0.1:8501"),
        ("::1", "http://[::1]:8501"),
        ("::", "http://[::1]:8501"),
        ("my-laptop", "http://my-laptop:8501"),
    ],
)
def test_the_address_is_one_that_a_browser_on_this_machine_can_open(host, url):
    assert listening.address(host, 8501) == url


def test_no_browser_opens_where_it_could_show_no_window(monkeypatch):
    monkeypatch.setattr(server.sys, "platform", "linux")
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    assert not server.has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert server.has_display()


def test_a_wheel_without_pages_says_how_to_get_them(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(server, "APP", tmp_path / "app.py")
    assert main(["--no-browser"]) == 1
    assert "install gptviz from a clone: pip install -e ." in capsys.readouterr().err


def test_verbose_shows_in_the_terminal_what_was_chosen_for_this_machine(monkeypatch, capsys):
    log = logging.getLogger("gptviz")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    monkeypatch.setattr(server, "serve", lambda *_, **__: log.info("PyTorch multiplies") or 0)
    for arguments, told in ((["app"], ""), (["app", "--verbose"], "gptviz: PyTorch multiplies\n")):
        assert main(arguments) == 0
        assert capsys.readouterr().err == told


SETTINGS = {
    "browser.gatherUsageStats": False,  # nothing is told to anyone
    "client.showErrorDetails": "none",  # a traceback stays in the terminal
    "client.showErrorLinks": False,  # these lead to another site
    "client.showSidebarNavigation": False,
    "client.toolbarMode": "minimal",
    "runner.fastReruns": False,  # no two runs of a session at one time
    "runner.postScriptGC": False,
    "server.allowedHosts": ["127.0.0.1", "localhost", "::1"],
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "theme.codeFont": "monospace",
    "theme.font": "sans-serif",
}


def read_settings(python, host: str, asked: list[str], **more) -> dict:
    code = (
        "import json; from gptviz.app import server; from streamlit import config;"
        f"server.app({host!r}, **{more!r});"
        f"print(json.dumps({{name: config.get_option(name) for name in {asked!r}}}))"
    )
    return json.loads(python(code, HOME="."))


def test_the_settings_hold_from_any_folder(python):
    assert read_settings(python, "127.0.0.1", list(SETTINGS)) == SETTINGS


def test_whoever_opens_the_app_to_a_network_chooses_its_name(python):
    assert read_settings(python, "0.0.0.0", ["server.allowedHosts"]) == {"server.allowedHosts": []}


def test_a_proxy_has_a_name_and_a_path_of_its_own(python):
    asked = ["server.allowedHosts", "server.baseUrlPath"]
    found = read_settings(python, "127.0.0.1", asked, names=["school.example"], base="/gptviz")
    allowed = [*SETTINGS["server.allowedHosts"], "school.example"]
    assert found == {"server.allowedHosts": allowed, "server.baseUrlPath": "/gptviz"}


WARM_UP = (
    "import gc, torch, weakref;"
    "from gptviz import language_model; from gptviz.app import server;"
    "from gptviz.app.look import model;"
    "server.warm_up('http://here');"
)


def test_the_address_is_printed_when_the_first_model_is_in_memory(python, tmp_path, tiny_lm):
    checkpoints.save(tmp_path / "models" / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    code = f"{WARM_UP} language_model.load = None; print(model('tiny').name)"
    printed = python(code, GPTVIZ_CHECKPOINTS=str(tmp_path / "models"))
    assert printed == "gptviz is ready: http://here (Ctrl-C ends it)\ntiny\n"


def test_half_of_the_processor_is_left_to_the_browsers_and_collections_skip_what_stays(python):
    code = (
        "import torch; cores = torch.get_num_threads();"
        f"{WARM_UP} print(cores, torch.get_num_threads(), gc.get_freeze_count() > 0)"
    )
    every_core = {"OMP_NUM_THREADS": str(os.cpu_count())}
    printed = python(code, GPTVIZ_CHECKPOINTS="none", **every_core).splitlines()[-1]
    cores, threads, frozen = printed.split()
    assert int(threads) == max(1, int(cores) // 2)
    assert frozen == "True"


def test_the_first_model_leaves_the_memory_when_others_take_its_place(python, tmp_path, tiny_lm):
    for name in "abcd":
        checkpoints.save(tmp_path / "models" / name, tiny_lm.model, tiny_lm.tokenizer)
    code = (
        f"{WARM_UP} gc.disable(); layer = weakref.ref(model('a').model.h[0].mlp.c_fc);"
        "print(layer() is None, *(model(name).name for name in 'bcd'), layer() is None)"
    )
    printed = python(code, GPTVIZ_CHECKPOINTS=str(tmp_path / "models")).splitlines()[-1]
    assert printed == "False b c d True"


def test_a_first_model_that_is_broken_is_told_and_the_server_goes_on(python, tmp_path, tiny_lm):
    checkpoints.save(tmp_path / "models" / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    weights = tmp_path / "models" / "tiny" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    code = f"import sys; sys.stderr = sys.stdout; {WARM_UP}"
    broken, ready = python(code, GPTVIZ_CHECKPOINTS=str(tmp_path / "models")).splitlines()
    assert re.fullmatch(r"gptviz: .*model\.safetensors.*", broken)
    assert ready == "gptviz is ready: http://here (Ctrl-C ends it)"


def test_the_page_of_the_app_tells_streamlit_where_its_server_is_before_it_starts():
    text = streamlit_quirks.page_of_the_app(["attention", "tokens"])
    assert '<script data-pages="attention|tokens">' in text
    assert text.index("data-pages") < text.index("<script type=")
    assert "</script" not in streamlit_quirks.SCRIPT.read_text(encoding="utf-8")


def test_the_first_moment_of_a_page_has_the_colours_of_its_theme():
    script = streamlit_quirks.SCRIPT.read_text(encoding="utf-8")
    for scheme, palette in PALETTES.items():
        assert f'{scheme}: "{palette.background}"' in script
