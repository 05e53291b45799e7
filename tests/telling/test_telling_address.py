"""Where a web-hook never goes: each trick by which an address leads into a private network, by its name."""

import ipaddress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.errors import InvalidInput
from certsvc.telling.address import Network, allowed, is_public, parse_hook_url

REFUSED = {
    "plain http": "http://hooks.example.com/",
    "another scheme": "ftp://hooks.example.com/",
    "a file": "file:///etc/passwd",
    "gopher smuggles a protocol": "gopher://hooks.example.com:11211/_flush_all",
    "no scheme": "//hooks.example.com/",
    "no host": "https:///path",
    "loopback": "https://127.0.0.1/",
    "loopback, the other end": "https://127.255.255.254/",
    "this network": "https://0.0.0.0/",
    "private 10": "https://10.1.2.3/",
    "private 172.16": "https://172.31.255.255/",
    "private 192.168": "https://192.168.0.1/",
    "carrier-grade NAT": "https://100.64.0.1/",
    "cloud metadata": "https://169.254.169.254/latest/meta-data/",
    "benchmarking": "https://198.18.0.1/",
    "documentation": "https://203.0.113.9/",
    "multicast": "https://224.0.0.1/",
    "broadcast": "https://255.255.255.255/",
    "decimal address": "https://2130706433/",
    "hexadecimal address": "https://0x7f000001/",
    "hexadecimal, dotted": "https://0x7f.0x0.0x0.0x1/",
    "octal address": "https://0177.0.0.1/",
    "octal, one number": "https://017700000001/",
    "short address": "https://127.1/",
    "leading zero": "https://192.168.000.001/",
    "public, but as a number": "https://134744072/",
    "trailing dot after an address": "https://127.0.0.1./",
    "trailing dot after a name": "https://localhost./",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 unspecified": "https://[::]/",
    "IPv4-mapped": "https://[::ffff:127.0.0.1]/",
    "IPv4-mapped in hexadecimal": "https://[::ffff:7f00:1]/",
    "IPv4-mapped private": "https://[::ffff:10.0.0.1]/",
    "IPv4-compatible": "https://[::127.0.0.1]/",
    "6to4 of a private address": "https://[2002:7f00:1::]/",
    "NAT64 of a private address": "https://[64:ff9b::7f00:1]/",
    "NAT64 for local use": "https://[64:ff9b:1::808:808]/",
    "Teredo": "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "IPv6 link-local": "https://[fe80::1]/",
    "IPv6 link-local with its zone": "https://[fe80::1%25eth0]/",
    "IPv6 of a site": "https://[fec0::1]/",
    "IPv6 unique local": "https://[fd00:ec2::254]/",
    "IPv6 multicast": "https://[ff02::1]/",
    "IPv6 documentation": "https://[2001:db8::1]/",
    "IPv6 discard": "https://[100::1]/",
    "user before the host": "https://hooks.example.com@127.0.0.1/",
    "user before a good host": "https://127.0.0.1@hooks.example.com/",
    "user and password": "https://user:secret@hooks.example.com/",
    "an empty user": "https://@hooks.example.com/",
    "backslash": "https://hooks.example.com\\@127.0.0.1/",
    "fragment": "https://hooks.example.com/#@127.0.0.1",
    "port 0": "https://hooks.example.com:0/",
    "port beyond": "https://hooks.example.com:65536/",
    "no port after a colon": "https://hooks.example.com:/",
    "port with a sign": "https://hooks.example.com:+443/",
    "port with zeros": "https://hooks.example.com:000443/",
    "port that is no number": "https://hooks.example.com:443x/",
    "letters after a bracket": "https://[2606:4700::1]evil.example/",
    "brackets around a name": "https://[localhost]/",
    "line feed in the host": "https://hooks.example.com\n.evil/",
    "line feed in the path": "https://hooks.example.com/\r\nX-Admin: yes",
    "tab in the scheme": "ht\ttps://hooks.example.com/",
    "space": "https://hooks.example.com/a b",
    "space in front": " https://hooks.example.com/",
    "percent in the host": "https://%31%32%37.0.0.1/",
    "full stop of another script": "https://127。0。0。1/",
    "digits of another script": "https://１２７.0.0.1/",
    "letters of another script": "https://钩子.example/",
    "an empty label": "https://hooks..example.com/",
    "a label too long": f"https://{'a' * 64}.example/",
    "a name too long": f"https://{'.'.join(['a' * 60] * 5)}/",
    "an address too long": f"https://hooks.example.com/{'a' * 2000}",
    "nothing": "",
}


@pytest.mark.parametrize("trick", REFUSED)
def test_an_address_is_refused_by_its_form(trick: str) -> None:
    with pytest.raises(InvalidInput):
        parse_hook_url(REFUSED[trick])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://hooks.example.com", ("hooks.example.com", 443, "/", "hooks.example.com")),
        ("HTTPS://Hooks.Example.COM/A", ("hooks.example.com", 443, "/A", "hooks.example.com")),
        (
            "https://xn--ldry67a.example:8443/h?x=1&y",
            ("xn--ldry67a.example", 8443, "/h?x=1&y", "xn--ldry67a.example:8443"),
        ),
        ("https://8.8.8.8/", ("8.8.8.8", 443, "/", "8.8.8.8")),
        ("https://[2606:4700:4700::1111]:444/?q", ("2606:4700:4700::1111", 444, "/?q", "[2606:4700:4700::1111]:444")),
        ("https://a_b.example/%0a", ("a_b.example", 443, "/%0a", "a_b.example")),
    ],
)
def test_what_is_taken_is_kept_as_it_is_meant(text: str, parts: tuple[str, int, str, str]) -> None:
    url = parse_hook_url(text)
    assert (url.host, url.port, url.target, url.authority) == parts


PRIVATE = [
    *("127.0.0.1", "0.0.0.0", "10.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "100.127.255.255"),
    *("::1", "::ffff:10.0.0.1", "fe80::1", "fe80::1%lo", "fd12::1", "2002:a00:1::1", "64:ff9b::a00:1", "ff0e::1"),
    *("4000::1", "::2", "not an address", ""),
]


def networks(*texts: str) -> tuple[Network, ...]:
    """As an operator allows them."""
    return tuple(map(ipaddress.ip_network, texts))


EVERYTHING = networks("0.0.0.0/0", "::/0")
INTRANET = networks("10.20.0.0/16", "fd00:1::/32")
THIS_MACHINE = networks("127.0.0.1/32", "::1/128")


@pytest.mark.parametrize("private", PRIVATE)
def test_one_private_address_among_those_of_a_name_refuses_them_all(private: str) -> None:
    assert allowed(["8.8.8.8", private, "1.1.1.1"], "https") == ()


def test_the_addresses_of_a_public_name_are_taken_in_their_order() -> None:
    found = ["2606:4700::1111", "8.8.8.8", "8.8.8.8", "64:ff9b::808:808"]
    assert allowed(found, "https") == ("2606:4700::1111", "8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("address", ["10.20.0.1", "10.20.255.255", "fd00:1::5", "::ffff:10.20.0.1", "8.8.8.8"])
def test_a_network_that_the_operator_allows_is_reached_by_https_and_by_nothing_else(address: str) -> None:
    assert allowed([address], "https", INTRANET) == (str(ipaddress.ip_address(address)),)
    assert allowed([address], "http", INTRANET) == ()


@pytest.mark.parametrize(
    "address", ["10.21.0.1", "10.19.255.255", "fd00:2::1", "192.168.0.1", "127.0.0.1", "::1", "::ffff:10.21.0.1"]
)
def test_no_other_private_network_is_opened_by_it(address: str) -> None:
    assert allowed([address], "https", INTRANET) == ()
    assert allowed(["10.20.0.1", address], "https", INTRANET) == ()


NEVER_BY_A_NETWORK = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.1.1", "169.254.169.254", "100.100.100.200", "192.0.0.192"),
    *("168.63.129.16", "224.0.0.1", "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "fe80::1"),
    *(
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "fd20:ce::254",
        "ff02::1",
        "2002:7f00:1::",
        "2001:0:4136:e378::1",
        "::7f00:1",
    ),
]


@pytest.mark.parametrize("address", NEVER_BY_A_NETWORK)
def test_no_network_however_wide_opens_the_machine_its_link_or_a_clouds_metadata(address: str) -> None:
    assert allowed([address], "https", EVERYTHING) == ()


@pytest.mark.parametrize("prefix", [1, 2, 4, 8])
@pytest.mark.parametrize("address", NEVER_BY_A_NETWORK)
def test_nor_does_a_network_however_narrow_that_is_more_than_one_address(address: str, prefix: int) -> None:
    named = ipaddress.ip_address(address)
    around = ipaddress.ip_network((address, named.max_prefixlen - prefix), strict=False)
    for scheme in ("https", "http"):
        assert allowed([address], scheme, [around]) == ()


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "100.100.100.200", "fd00:ec2::254"])
def test_such_an_address_is_opened_by_its_own_name_alone(address: str) -> None:
    assert allowed([address], "https", networks(address)) == (address,)
    beside = str(ipaddress.ip_address(address) + 1)
    assert allowed([beside], "https", networks(address)) == ()


@pytest.mark.parametrize(("scheme", "address"), list(product(["http", "https"], ["127.0.0.1", "::1"])))
def test_this_machine_may_be_told_without_tls_where_its_address_is_named(scheme: str, address: str) -> None:
    assert allowed([address], scheme, THIS_MACHINE) == (address,)
    assert allowed([address], scheme, networks("127.0.0.0/8")) == ()
    host = f"[{address}]" if ":" in address else address
    assert parse_hook_url(f"{scheme}://{host}:8080/", THIS_MACHINE).port == 8080


@pytest.mark.parametrize("address", ["10.20.0.9", "169.254.169.254", "8.8.8.8", "fd00:1::5", "::ffff:10.20.0.9"])
def test_another_machine_is_told_by_tls_alone_even_where_its_address_is_named(address: str) -> None:
    plain = address.removeprefix("::ffff:")
    naming = [*networks(plain), *THIS_MACHINE]
    assert allowed([address], "https", naming) == (str(ipaddress.ip_address(address)),)
    assert allowed([address], "http", naming) == ()
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidInput):
        parse_hook_url(f"http://{host}/", naming)


def test_a_named_machine_opens_no_other_private_network_and_no_plain_http_to_others() -> None:
    assert all(allowed([one], "https", THIS_MACHINE) == () for one in PRIVATE if one not in ("127.0.0.1", "::1"))
    assert allowed(["8.8.8.8"], "http", THIS_MACHINE) == ()
    for text, allowing in (("http://8.8.8.8/", THIS_MACHINE), ("http://10.20.0.1/", INTRANET)):
        with pytest.raises(InvalidInput):
            parse_hook_url(text, allowing)


def test_a_literal_address_of_an_allowed_network_is_taken_and_another_says_what_to_do() -> None:
    assert parse_hook_url("https://10.20.0.9:8443/", INTRANET).authority == "10.20.0.9:8443"
    with pytest.raises(InvalidInput, match=r"webhooks\.networks"):
        parse_hook_url("https://10.21.0.9/", INTRANET)


@given(st.integers(0, 2**32 - 1))
def test_no_ipv4_address_that_python_calls_private_is_public_and_no_spelling_in_ipv6_makes_it_so(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    if address.is_private or address.is_multicast or address.is_reserved or not address.is_global:
        assert not is_public(address)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        assert is_public(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number)) == is_public(address)
    for embedding in (ipaddress.IPv6Address(number), ipaddress.IPv6Address(0x2002 << 112 | number << 80)):
        assert not is_public(embedding)


@given(st.integers(0, 2**128 - 1))
def test_no_ipv6_address_that_python_calls_private_is_public(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    if address.is_private or address.is_multicast or address.is_reserved or not address.is_global:
        assert not is_public(address) or address in ipaddress.IPv6Network("64:ff9b::/96") or address.ipv4_mapped
