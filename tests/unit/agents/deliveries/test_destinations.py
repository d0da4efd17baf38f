"""Where outgoing webhooks may go: each kind of address that is not the internet's, in each spelling."""

import pytest

from agents.deliveries.addresses import is_loopback, is_public
from agents.deliveries.destinations import RefusedDestination, Rules

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c:0:7fff:f5ff:fffe",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:808:808::1",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "no address",
    "",
]
PUBLIC = ["1.1.1.1", "9.255.255.255", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_the_internets_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("address", "here"),
    [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("::ffff:127.0.0.1", False), ("", False)],
)
def test_loopback_is_told_in_its_plain_form_alone(address: str, *, here: bool) -> None:
    assert is_loopback(address) == here


REFUSED = [
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "HTTPS://hooks.example.com/",
    "//hooks.example.com/",
    "https:hooks.example.com",
    "https:///hooks.example.com",
    "https://",
    "https://user@hooks.example.com/",
    "https://user:secret@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com\\.evil/",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/\n",
    "https://hooks.example.com\t/",
    " https://hooks.example.com/",
    "https://hooks.example.com:80/",
    "https://hooks.example.com:6379/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:99999/",
    "https://hooks.example.com:/",
    "https://hooks.example.com./",
    "https://hooks..example.com/",
    "https://.example.com/",
    "https://-a.example.com/",
    "https://a_b.example.com/",
    "https://%6c%6f%63alhost/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://api.localhost/",
    "https://intranet/",
    "https://postgres.internal/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7F.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://256.1.1.1/",
    "https://1.2.3/",
    "https://example.0x7f/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00::1]/",
    "https://[ff02::1]/",
    "https://[1.2.3.4]/",
    "https://[::1",
    "https://ⓛocalhost/",
    "https://１２７.0.0.1/",  # noqa: RUF001 - digits that are not ASCII
    "https://127。0。0。1/",
    "https://hooks。example.com/",
    "https://İstanbul.example.com/",
    "https://bücher.example/",
    "https://hooks.example.com/" + "a" * 2_000,
    "",
]
TAKEN = [
    ("https://hooks.example.com/", ("hooks.example.com", 443)),
    ("https://hooks.example.com", ("hooks.example.com", 443)),
    ("https://hooks.example.com:8443/in?key=1&b=%20", ("hooks.example.com", 8443)),
    ("https://Hooks.Example.COM/Path", ("hooks.example.com", 443)),
    ("https://xn--bcher-kva.example/", ("xn--bcher-kva.example", 443)),
    ("https://1.1.1.1/", ("1.1.1.1", 443)),
    ("https://[2606:4700::1111]/", ("2606:4700::1111", 443)),
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_might_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(RefusedDestination):
        Rules().check(url)


@pytest.mark.parametrize(("url", "place"), TAKEN)
def test_a_url_of_the_internet_is_taken(url: str, place: tuple[str, int]) -> None:
    assert Rules().check(url) == place


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/", "http://localhost:9000/", "https://127.0.0.1:9000/", "http://[::1]:9000/"]
)
def test_this_machine_is_sent_to_only_where_that_is_allowed(url: str) -> None:
    Rules(loopback=True).check(url)
    with pytest.raises(RefusedDestination):
        Rules().check(url)


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/", "https://10.0.0.1/", "http://127.1/", "http://2130706433/", "http://localhost./"],
)
def test_allowing_this_machine_allows_nothing_else(url: str) -> None:
    with pytest.raises(RefusedDestination):
        Rules(loopback=True).check(url)


@pytest.mark.parametrize(
    "answer", [[], ["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["1.1.1.1", "::1"], ["1.1.1.1", "fe80::1"]]
)
def test_every_address_of_an_answer_must_be_public(answer: list[str]) -> None:
    with pytest.raises(RefusedDestination):
        Rules().check_addresses(answer)
    Rules().check_addresses(["1.1.1.1", "2606:4700::1111"])
