from __future__ import annotations

import pytest

from engine.adapters.kinds.addresses import Policy
from engine.errors import Misconfigured

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.0.8", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::",
    "2002:a9fe:a9fe::", "2001:0:7f00:1::1", "2001:0:808:808:0:0:80ff:fffe", "2001:db8::1", "3fff::1",
    "fe80::1", "fe80::1%eth0", "2606:4700::1%1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "5f00::1",
    "100::1", "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:127.0.0.1", "not an address", "",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_however_they_are_wrapped(address):
    assert not Policy().allows(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert Policy().allows(address)


def test_settings_allow_hosts_addresses_and_networks():
    policy = Policy.read("CI.internal., 10.1.0.0/16,127.0.0.1, ::1", "8080, 8443")
    assert policy.allows_host("ci.internal")
    assert policy.allows_host("CI.Internal.")
    assert not policy.allows_host("evil-ci.internal")
    assert policy.allows("10.1.255.1")
    assert policy.allows("::ffff:10.1.0.1")
    assert not policy.allows("10.2.0.1")
    assert policy.allows("127.0.0.1")
    assert not policy.allows("127.0.0.2")
    assert policy.ports == {80, 443, 8080, 8443}


@pytest.mark.parametrize(("allow", "ports"), [("10.0.0.0/33", ""), ("10.0.0.1/8", ""), ("", "http")])
def test_settings_that_cannot_be_read_are_named(allow, ports):
    with pytest.raises(Misconfigured):
        Policy.read(allow, ports)
