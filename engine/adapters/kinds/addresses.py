"""Which addresses an `http` task may reach: public ones, however they are spelled or wrapped, and what the settings allow.

Python 3.11's `is_global` says yes to NAT64 and 6to4 forms of private addresses, to multicast and to metadata services
(RELIABILITY B7): so addresses are unwrapped first, and a list of our own is held against what is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from engine.errors import Misconfigured

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_DENIED_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata at 100.100.100.200
        "168.63.129.16/32",  # a cloud's own services on every virtual machine
        "192.0.0.0/24",  # special purpose, and a cloud's metadata at 192.0.0.192
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/3",  # multicast and reserved
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
"""All that was ever assigned as global unicast; unique local, site local, link local and multicast lie outside."""
_DENIED_6 = tuple(IPv6Network(text) for text in ("2001:db8::/32", "3fff::/20"))
_EMBEDDING = tuple(
    IPv6Network(text)
    for text in (
        "::/96",  # IPv4-compatible (RFC 4291)
        "::ffff:0:0/96",  # IPv4-mapped (RFC 4291)
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 7915)
        "64:ff9b::/96",  # NAT64 (RFC 6052)
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier that ends in an IPv4 address (RFC 5214)."""
_PORTS = frozenset({80, 443})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the settings allow beyond public addresses on ports 80 and 443."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = _PORTS

    @classmethod
    def read(cls, allow: str, ports: str) -> Policy:
        """Read the comma-separated settings `http_allow` and `http_ports`. Raises Misconfigured."""
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in _entries(allow):
            try:
                networks.append(ip_network(entry))
            except ValueError:
                if "/" in entry:
                    raise Misconfigured("HEADRACE_HTTP_ALLOW", f"{entry!r} is no network") from None
                hosts.add(entry.lower().rstrip("."))
        try:
            extra = frozenset(int(port) for port in _entries(ports))
        except ValueError:
            raise Misconfigured("HEADRACE_HTTP_PORTS", f"{ports!r} is no list of numbers") from None
        return cls(hosts=frozenset(hosts), networks=tuple(networks), ports=_PORTS | extra)

    def allows_host(self, host: str) -> bool:
        """Whether a name may be reached whatever its addresses are."""
        return host.lower().rstrip(".") in self.hosts

    def allows(self, address: str) -> bool:
        """Whether a connection to this address may be opened."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        meant = tuple(_meant(found))
        if any(each in network for each in meant for network in self.networks):
            return True
        return all(_public(each) for each in meant)


def _meant(address: Address) -> Iterator[Address]:
    """The address, or the IPv4 address that packets to it may end at: a wrapping one counts as what it wraps."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.scope_id:
        yield IPv6Address("fe80::")  # an address with a zone is link-local, whatever it says
        return
    if any(address in network for network in _EMBEDDING):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
        return
    if address.sixtofour:
        yield address.sixtofour
        return
    if address.teredo:
        yield from address.teredo
        return
    yield address
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _DENIED_4)
    return address.is_global and address in _GLOBAL_6 and not any(address in network for network in _DENIED_6)


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]
