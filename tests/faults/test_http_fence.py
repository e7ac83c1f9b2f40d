"""No reach inside: every known way of leading a request to an address of ours ends without a connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

import pytest

from alerting_pipeline.adapters.channels.http_client import HttpClient
from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.domain.ports import Undelivered
from tests.sinks.http_sink import Fault, HttpSink
from tests.soak.promise import Measured, Promise, shows

PORT = 443
WEBHOOKS = Promise(
    "webhooks",
    "no reach inside",
    "addresses of ours in every way of writing them, and names that resolve to them; rebinding and redirects beside it",
)
LITERALS = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.8.8.8",
    "this host": "0.0.0.0",
    "private a": "10.1.2.3",
    "private b": "172.16.0.1",
    "private c": "192.168.1.1",
    "shared": "100.64.0.1",
    "metadata": "169.254.169.254",
    "broadcast": "255.255.255.255",
    "multicast": "224.0.0.1",
    "documentation": "192.0.2.1",
    "decimal": "2130706433",
    "hexadecimal": "0x7f000001",
    "octal": "0177.0.0.1",
    "octal, whole": "017700000001",
    "short": "127.1",
    "mixed": "0x7f.0.0x1",
    "IPv6 loopback": "[::1]",
    "IPv6 unspecified": "[::]",
    "IPv6 mapped": "[::ffff:127.0.0.1]",
    "IPv6 mapped, hexadecimal": "[::ffff:7f00:1]",
    "IPv6 mapped metadata": "[::ffff:a9fe:a9fe]",
    "IPv6 compatible": "[::127.0.0.1]",
    "IPv6 through NAT64": "[64:ff9b::7f00:1]",
    "IPv6 through 6to4": "[2002:7f00:1::]",
    "IPv6 local": "[fe80::1]",
    "IPv6 of a site": "[fec0::1]",
    "IPv6 unique local": "[fd00:ec2::254]",
    "a last dot": "127.0.0.1.",
}


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Every address that anybody tries to connect to; trying is as far as it gets."""
    tried: list[object] = []

    def connect(self: socket.socket, address: object) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    yield tried


def ask(url: str, hosts: Hosts | None = None, *answers: Sequence[str]) -> Undelivered:
    """What comes of asking; each look-up of a name gets the next answer."""
    looked = iter(answers)
    client = HttpClient(hosts or Hosts(), within=2, resolve=lambda host, port: next(looked))
    with pytest.raises(Undelivered) as error:
        client.ask("POST", url, {}, b"{}")
    return error.value


@pytest.mark.parametrize("name", LITERALS)
def test_an_address_of_ours_is_refused_in_every_form(connects: list[object], name: str) -> None:
    error = ask(f"https://{LITERALS[name]}:{PORT}/")
    assert not error.retryable
    assert connects == []


@pytest.mark.parametrize("name", LITERALS)
def test_a_name_that_leads_to_one_is_refused(connects: list[object], name: str) -> None:
    address = LITERALS[name].strip("[]").rstrip(".")
    if not _is_canonical(address):
        return  # a resolver answers addresses, not ways of writing them
    assert not ask("https://rebind.example.com/", None, [address]).retryable
    assert not ask("https://rebind.example.com/", None, ["93.184.215.14", address]).retryable
    assert connects == []


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(connects: list[object]) -> None:
    """Rebinding: the first answer is public, every later one is ours. There is no later one."""
    ask("https://rebind.example.com/", None, ["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"])
    assert connects == [("93.184.215.14", 443)]


def test_the_metadata_service_is_refused_even_where_its_name_is_listed_as_private(connects: list[object]) -> None:
    hosts = Hosts(private=frozenset({"inside.example.com", "169.254.169.254"}))
    assert not ask("http://inside.example.com/", hosts, ["169.254.169.254"]).retryable
    assert not ask("http://169.254.169.254/", hosts).retryable
    assert connects == []


def test_a_private_host_is_reached_where_it_is_listed_and_at_no_other_port(connects: list[object]) -> None:
    hosts = Hosts(private=frozenset({"inside.example.com:8443"}))
    assert ask("https://inside.example.com:8443/", hosts, ["10.1.2.3"]).retryable
    assert connects == [("10.1.2.3", 8443)]
    assert not ask("https://inside.example.com:5432/", hosts, ["10.1.2.3"]).retryable
    assert len(connects) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https://user@hooks.example.com/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com\r\nHost: x/",
        "https:///x",
        "https://[::1/",
        "https://ⓗooks.example.com/",
        "//hooks.example.com",
    ],
)
def test_what_is_no_plain_https_address_is_refused(connects: list[object], url: str) -> None:
    assert not ask(url, None, ["127.0.0.1"]).retryable
    assert connects == []


def test_only_listed_hosts_are_reached_where_there_is_a_list(connects: list[object]) -> None:
    hosts = Hosts(public=frozenset({"hooks.example.com"}))
    assert "ALERTING_HTTP_HOSTS" in ask("https://other.example.com/", hosts, ["93.184.215.14"]).reason
    assert connects == []
    assert ask("https://hooks.example.com/", hosts, ["93.184.215.14"]).retryable
    assert connects == [("93.184.215.14", 443)]


def test_a_redirect_to_ours_is_not_followed() -> None:
    with HttpSink() as inside, HttpSink() as outside:
        client = HttpClient(Hosts(private=frozenset({outside.host})))
        for status in (301, 302, 303, 307, 308):
            outside.inject(Fault(status, {"Location": f"{inside.url}/secrets"}))
            assert client.ask("POST", f"{outside.url}/", {}, b"{}").status == status
        assert inside.connections == 0


def test_a_name_that_nobody_answers_for_has_an_end() -> None:
    def never(host: str, port: int) -> Sequence[str]:
        import time

        time.sleep(3)
        return []

    with pytest.raises(Undelivered, match="can't be resolved") as error:
        HttpClient(Hosts(), within=0.2, resolve=never).ask("GET", "https://slow.example.com/", {})
    assert error.value.retryable and not error.value.is_uncertain


@shows(WEBHOOKS)
def test_no_way_of_leading_a_webhook_inside_ends_in_a_connection(connects: list[object], measured: Measured) -> None:
    written = [f"https://{address}:{PORT}/" for address in LITERALS.values()]
    for url in written:
        ask(url)
    resolved = [each for name in LITERALS.values() if _is_canonical(each := name.strip("[]").rstrip("."))]
    for address in resolved:
        ask("https://rebind.example.com/", None, [address])
        ask("https://rebind.example.com/", None, ["93.184.215.14", address])
    assert connects == []
    measured.says(f"{len(written)} addresses, {2 * len(resolved)} names that lead to them: 0 connects")


def _is_canonical(address: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
