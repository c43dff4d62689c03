"""What several servers behind nginx are told, and what is refused."""

import sys
from pathlib import Path

import pytest

from gptviz import cli
from gptviz.app import processes


def test_nginx_sends_a_word_to_the_first_server_and_browsers_to_all():
    told = processes.configuration(Path("x"), "0.0.0.0", 8501, [4001, 4002])
    assert "listen 0.0.0.0:8501;" in told
    assert 'map $arg_teacher $servers { "" $kept; default process_0; }' in told
    assert "upstream process_0 { server 127.0.0.1:4001; }" in told
    assert "upstream process_1 { server 127.0.0.1:4002; }" in told
    servers = "server 127.0.0.1:4001; server 127.0.0.1:4002;"
    assert f"upstream all {{ least_conn; {servers} }}" in told
    assert "listen [::]:8501;" in processes.configuration(Path("x"), "::", 8501, [1])


def test_without_nginx_a_sentence_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert cli.main(["--processes", "2", "--port", "0"]) == 1
    assert "install it, as in `apt-get install nginx-light`" in capsys.readouterr().err


def test_on_windows_a_sentence_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "win32")
    assert cli.main(["--processes", "2", "--port", "0"]) == 1
    assert "on Windows start gptviz without it" in capsys.readouterr().err


@pytest.mark.parametrize("n", ["0", "17", "two", "-1", "²", "1" * 5000])
def test_a_number_of_processes_that_means_nothing_is_refused(n, capsys):
    with pytest.raises(SystemExit) as refused:
        cli.main([f"--processes={n}"])
    assert refused.value.code == 2
    assert "it must lie between 1 and 16" in capsys.readouterr().err
