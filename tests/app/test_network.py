"""What a class types and photographs to come to this machine."""

import ipaddress
import re
import socket
from collections import namedtuple

import numpy as np
import pytest
import zxingcpp

from gptviz.app import listening, network, server

Owned = namedtuple("Owned", "family address")
State = namedtuple("State", "isup")


@pytest.fixture
def interfaces(monkeypatch):
    """Give the machine these networks: by its name, whether one is up, and the addresses in it."""

    def given(**found):
        states = {name: State(is_up) for name, (is_up, _) in found.items()}
        owned = {
            name: [
                Owned(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in addresses
            ]
            for name, (_, addresses) in found.items()
        }
        monkeypatch.setattr(network.psutil, "net_if_stats", lambda: states)
        monkeypatch.setattr(network.psutil, "net_if_addrs", lambda: owned)

    return given


def test_the_addresses_are_those_of_this_machine():
    found = network.addresses()
    for address in found:
        assert not ipaddress.ip_address(address).is_loopback
        with socket.create_server((address, 0)):  # only a machine's own can be listened on
            pass
    if network._on_the_way_out():
        assert found[0] == network._on_the_way_out()


def test_the_way_out_comes_first_and_what_leads_nowhere_is_left_out(interfaces, monkeypatch):
    interfaces(
        lo=(True, ["127.0.0.1", "::1"]),
        eth0=(True, ["10.0.0.2", "fe80::1", "169.254.3.4"]),
        wlan0=(True, ["192.168.1.7"]),
        eth1=(False, ["10.0.0.3"]),
        docker0=(True, ["172.17.0.1"]),
    )
    monkeypatch.setattr(network, "_on_the_way_out", lambda: "192.168.1.7")
    assert network.addresses() == ["192.168.1.7", "10.0.0.2"]


def test_a_network_without_a_way_out_is_one_too(interfaces, monkeypatch):
    class Nowhere(socket.socket):
        def connect(self, *_: object) -> None:
            raise OSError("Network is unreachable")

    interfaces(ap0=(True, ["192.168.4.1"]))
    monkeypatch.setattr(network.socket, "socket", Nowhere)
    assert network.addresses() == ["192.168.4.1"]
    interfaces()
    assert network.addresses() == []


@pytest.mark.parametrize(
    ("host", "base", "urls"),
    [
        ("0.0.0.0", "", ["http://10.0.0.2:8501", "http://10.0.0.3:8501"]),
        ("::", "/gptviz", ["http://10.0.0.2:8501/gptviz/", "http://10.0.0.3:8501/gptviz/"]),
        ("10.0.0.3", "", ["http://10.0.0.3:8501"]),
        ("fd00::2", "", ["http://[fd00::2]:8501"]),
        ("teacher.local", "", ["http://teacher.local:8501"]),
    ],
)
def test_what_others_type(monkeypatch, host, base, urls):
    monkeypatch.setattr(network, "addresses", lambda: ["10.0.0.2", "10.0.0.3"])
    assert network.urls(host, 8501, base) == urls


@pytest.mark.parametrize("in_colour", [False, True])
def test_a_camera_reads_the_terminal(in_colour):
    url = "http://192.168.1.7:8501/gptviz/"
    drawn = network.qr_in_a_terminal(url, in_colour)
    assert (network.WHITE_ON_BLACK in drawn) == in_colour
    lines = re.sub(r"\033\[[\d;]*m", "", drawn).splitlines()
    halves = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
    rows = [[halves[sign][half] for sign in line] for line in lines for half in (0, 1)]
    picture = np.kron(np.array(rows), np.ones((4, 4))).astype(np.uint8) * 255
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [url]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_class_is_told_where_to_come_and_a_file_gets_no_picture(monkeypatch, capsys, is_terminal):
    monkeypatch.setattr(server, "_look_into_the_first_model", lambda: None)
    monkeypatch.setattr(server.sys.stdout, "isatty", lambda: is_terminal, raising=False)
    server.warm_up("http://127.0.0.1:1", ["http://10.0.0.2:1", "http://10.0.0.3:1"])
    ready, others, *drawn = capsys.readouterr().out.splitlines()
    assert ready == "gptviz is ready: http://127.0.0.1:1 (Ctrl-C ends it)"
    assert others == "Others in the same network open: http://10.0.0.2:1 or http://10.0.0.3:1"
    assert bool(drawn) == is_terminal


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_server_on_all_addresses_of_version_6_is_on_those_of_version_4_too():
    with listening.listen("::", 0) as listener:
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])).close()
