"""Which hosts may be reached by HTTP, decided on the address that is connected to, not on the name that was written.

A destination's address comes from a file or from a service's answer, and the machine that delivers stands where other
services trust it. So a name is resolved once, every address that it has is checked, and exactly these are connected to:
a second look-up could give another answer (rebinding). Loopback and private addresses are refused unless whoever runs
the program lists the host in ALERTING_PRIVATE_HOSTS; link-local ones (a cloud's metadata) and what else is nobody's
service are refused always.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from alerting_pipeline.domain.ports import Undelivered

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_INSIDE = [
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1", "fc00::/7")
]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Hosts:
    """Names as they stand in addresses, each with or without `:port`.

    `public`: only these (none: any); `private`: these may be inside, and may be asked without encryption.
    """

    public: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()

    def is_private(self, host: str, port: int) -> bool:
        """May this host be inside?"""
        return not self.private.isdisjoint((host, f"{host}:{port}"))

    def is_listed(self, host: str, port: int) -> bool:
        """Is it a host that may be named at all?"""
        return not self.public or not self.public.isdisjoint((host, f"{host}:{port}")) or self.is_private(host, port)


@dataclass(frozen=True, slots=True)
class Target:
    """A web address that may be asked: nothing has been resolved yet."""

    url: str
    host: str
    port: int


def target_of(url: str, hosts: Hosts) -> Target:
    """Read an address. Raises Undelivered, for good, naming the host alone: the rest of an address may be a secret."""
    try:
        parts = urlsplit(url)
        host, port = _name(parts.hostname or ""), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _refused("the address can't be read; write https://host/path") from None
    if parts.scheme not in _PORTS or not host or any(not 32 < ord(sign) < 127 for sign in url):
        raise _refused("the address is not one of the web; write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise _refused(f"the address of {host} holds a user or a password; name them by their variables")
    if not hosts.is_listed(host, port):
        raise _refused(f"{host} is not among ALERTING_HTTP_HOSTS; whoever runs this program may add it")
    if parts.scheme == "http" and not hosts.is_private(host, port):
        raise _refused(f"{host} would be asked without encryption; write https://")
    return Target(url, host, port)


def addresses(host: str, port: int, hosts: Hosts, resolve: Resolve, within: float) -> list[str]:
    """The addresses to connect to, in order. Raises Undelivered: for good where one of them may not be reached."""
    host = _name(host)
    literal = _literal(host)
    names = [host] if literal is not None else _resolved(host, port, resolve, within)
    may_be_inside = hosts.is_private(host, port)
    for name in names:
        address = ipaddress.ip_address(name.partition("%")[0])
        if not (is_public(address) or (may_be_inside and is_inside(address))):
            raise _refused(
                f"{host} leads to {address}, which is not a public address; "
                "whoever runs this program may list the host in ALERTING_PRIVATE_HOSTS"
            )
    return [name.partition("%")[0] for name in names]


def is_public(address: Address) -> bool:
    """Is it one that anybody could reach, with no other address hidden in it?"""
    hidden = _embedded(address)
    if hidden is not None:
        return address.is_global and is_public(hidden)
    is_odd = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not is_odd


def is_inside(address: Address) -> bool:
    """Is it loopback, or of a private network?"""
    return any(address in network for network in _INSIDE)


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the operating system answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _name(host: str) -> str:
    """A host as it is compared: without the brackets of IPv6 and the last dot."""
    return host.strip("[]").rstrip(".").lower()


def _literal(host: str) -> Address | None:
    """The address that the host itself is; None for a name. Forms that only some programs read are refused."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        socket.inet_aton(host)
    except OSError:
        return None
    raise _refused(f"{host} is an address in a form that is read differently elsewhere; write it as 192.0.2.1")


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address within one of IPv6, to which a gateway would pass the request on."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _resolved(host: str, port: int, resolve: Resolve, within: float) -> Sequence[str]:
    """Resolving has no time-out of its own, so it gets a thread that may be left behind."""
    answer: list[Sequence[str] | OSError | UnicodeError] = []

    def look() -> None:
        try:
            answer.append(resolve(host, port))
        except (OSError, UnicodeError) as error:
            answer.append(error)

    thread = threading.Thread(target=look, name=f"resolve {host}", daemon=True)
    thread.start()
    thread.join(max(0.0, within))
    found = answer[0] if answer else TimeoutError()
    if isinstance(found, Exception) or not found:
        raise Undelivered(f"the name {host} can't be resolved", retryable=True)
    return found


def _refused(reason: str) -> Undelivered:
    return Undelivered(reason, retryable=False)
