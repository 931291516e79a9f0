"""Which addresses a webhook may reach: every way that a private one may be dressed up, and a resolver that lies."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.notifiers.addresses import check_url, refused, vetted
from bot.ports import Permanent

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "0.0.0.0", "0.1.2.3", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.1.2.3",
    "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "100::1", "3fff::1", "5f00::1",
    "nonsense", "", "127.1", "0x7f000001", "2130706433",
]  # fmt: skip
PUBLIC = [
    "93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::1.1.1.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_however_written(address: str) -> None:
    assert refused(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert refused(address) == ""


@given(st.ip_addresses(v=4))
@settings(max_examples=300, deadline=None)
def test_what_is_wrapped_is_judged_as_it_is(address: ipaddress.IPv4Address) -> None:
    assert bool(refused(f"64:ff9b::{address}")) == bool(refused(str(address))), "a network without IPv4 needs these"
    for dressed in (f"::ffff:{address}", f"::{address}"):
        assert refused(dressed), "no honest name leads to one of these"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/in",
        "https://127.0.0.1/in",
        "https://[::1]/in",
        "https://[::ffff:10.0.0.1]/in",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/in",
        "https://localhost./in",
        "https://printer/in",
        "https://db.internal/in",
        "https://127.1/in",
        "https://0x7f.0.0.1/in",
        "https://2130706433/in",
        "https://017700000001/in",
        "https://user:pass@hooks.example/in",
        "https://hooks.example/in#part",
        "https://hooks.example:0/in",
        "https://hooks.example:99999/in",
        "https://hooks.example/a b",
        "https://hooks.example\\@127.0.0.1/",
        "https://hooks.example/\r\nX-Evil: 1",
        "https:///in",
        "ftp://hooks.example/in",
        "file:///etc/passwd",
        "gopher://hooks.example",
        "hooks.example/in",
        "https://[::1",
        "",
    ],
)
def test_an_address_that_will_not_do_is_refused_in_one_line(url: str) -> None:
    fault = check_url(url)
    assert fault and "\n" not in fault and fault.endswith(".")


def test_a_plain_public_address_may_be_registered() -> None:
    assert check_url("https://hooks.example/in?team=1") == ""
    assert check_url("https://hooks.example:8443/") == ""
    assert check_url("http://127.0.0.1:9000/in", allow_private=True) == ""
    assert check_url("ftp://127.0.0.1/in", allow_private=True), "allowing private allows no other scheme"


async def answers(*addresses: str) -> str:
    async def resolver(host: str, port: int) -> list[str]:
        return list(addresses)

    return await vetted("hooks.example", 443, resolver, False)


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("93.184.216.34", "10.0.0.1"),
        ("10.0.0.1", "93.184.216.34"),
        ("::ffff:127.0.0.1",),
        ("fe80::1%2",),
    ],
)
def test_one_bad_address_is_reason_enough(addresses: tuple[str, ...]) -> None:
    with pytest.raises(Permanent, match=r"hooks\.example"):
        asyncio.run(answers(*addresses))


def test_the_first_of_good_ones_is_taken() -> None:
    assert asyncio.run(answers("93.184.216.34", "1.1.1.1")) == "93.184.216.34"


def test_a_name_without_address_is_tried_again_later() -> None:
    with pytest.raises(OSError, match="no address"):
        asyncio.run(answers())

    async def gone(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(OSError, match="not known"):
        asyncio.run(vetted("hooks.example", 443, gone, False))
