"""Which addresses a webhook may reach: looked up at the moment of sending; what was vetted is what is connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from bot.ports import Permanent

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> the addresses that it has at this moment, as text. Raises OSError when it has none."""

_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")
_NEVER = tuple(
    ipaddress.ip_network(n)
    for n in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "fec0::/10", "2001:db8::/32", "3fff::/20",
        "100::/64", "2001:2::/48", "2001:10::/28", "5f00::/16",
    )
)  # fmt: skip


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's own look-up."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def refused(text: str) -> str:
    """Why an address is not to be reached; "" when it is a public one. What is wrapped in IPv6 is judged as IPv4."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "is no address"
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return refused(str(inner)) or ("wraps another address" if address not in _NAT64[0] else "")
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return "is no host's address"
    if address.is_loopback or address.is_link_local or address.is_private or any(address in n for n in _NEVER):
        return "is private"
    return "" if address.is_global else "is not public"


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in net for net in _NAT64) or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def check_url(url: str, *, allow_private: bool = False) -> str:
    """What is wrong with a webhook's address, in one line; "" when it may be registered. Looks nothing up."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "The address cannot be read: write https://host/path."
    if any(c.isspace() or ord(c) < 0x21 or c == "\\" for c in url):
        return "The address has a space or a control character in it: write https://host/path."
    if parts.scheme not in {"https", "http"} or not host:
        return "The address must begin with https:// and name a host."
    if parts.scheme == "http" and not allow_private:
        return "The address must begin with https://: what is signed should also be sealed."
    if parts.username is not None or parts.password is not None:
        return "The address must hold no user name or password: the signature says who sends."
    if parts.fragment:
        return "The address must end before the #."
    if port == 0:
        return "The address names port 0: leave the port out, or name a real one."
    if allow_private:
        return ""
    try:
        why = refused(str(ipaddress.ip_address(host.strip("[]"))))
    except ValueError:
        why = "is private" if _local_name(host) else ""
    return f"The host {host} {why}: webhooks go to public addresses only." if why else ""


def _local_name(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal", ".home.arpa", ".lan")):
        return True
    if "." not in name:
        return True
    return all(part.isdigit() or part.startswith("0x") for part in name.split("."))  # 127.1, 0x7f.1: read as addresses


async def vetted(host: str, port: int, resolver: Resolver, allow_private: bool) -> str:
    """The address to connect to, looked up now. Raises Permanent when any of the host's addresses is not public.

    One bad address among good ones is reason enough: the next look-up might choose it.
    """
    found = list(dict.fromkeys(await resolver(host.strip("[]"), port)))
    if not found:
        raise OSError(f"the host {host} has no address")
    if not allow_private:
        for address in found:
            if why := refused(address):
                raise Permanent(f"the host {host} leads to {address}, which {why}")
    return found[0]
