"""A port that a test was given stays its own: no connection takes it, no session beside this one, no second asker."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import EPHEMERAL, Ports, ephemeral, free_port

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [path for folder in ("tests", "benchmarks", "scripts") for path in (ROOT / folder).rglob("*.py")]
FEW = 8
NEIGHBOUR = """
import sys
from tests.ports import Ports
ports = Ports(map(int, sys.argv[1:]))
print(*(ports.take() for _ in sys.argv[1:]), flush=True)
sys.stdin.read()
"""


def some() -> list[int]:
    return [free_port() for _ in range(FEW)]


def test_no_port_is_given_twice():
    given = [free_port() for _ in range(300)]
    assert len(set(given)) == len(given)


@pytest.mark.skipif(not EPHEMERAL.exists(), reason="this kernel does not say which ports it gives to connections")
def test_no_port_is_one_that_connections_take():
    taken = ephemeral(EPHEMERAL.read_text())
    if taken.start <= 16_384 and taken.stop > 65_535:
        pytest.skip("this kernel gives all ports to connections")
    assert not [port for port in some() if port in taken]


def test_a_session_beside_this_one_is_given_others_until_it_ends():
    wanted = [str(port) for port in some()]  # claimed by this process, and so by nobody else
    asking = [sys.executable, "-c", NEIGHBOUR]
    refused = subprocess.run([*asking, *wanted], cwd=ROOT, input="", capture_output=True, text=True, check=False)
    assert "StopIteration" in refused.stderr
    theirs = list(range(1_100, 1_100 + FEW))  # below all that is given out here
    with subprocess.Popen(
        [*asking, *map(str, theirs)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as neighbour:
        assert neighbour.stdout.readline().split() == [str(port) for port in theirs]
        with pytest.raises(StopIteration):
            Ports(theirs).take()
        neighbour.communicate()
    assert Ports(theirs).take() == theirs[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_somebody_listens_on_is_passed_over(host):
    with socket.create_server((host, 0)) as server:
        port = server.getsockname()[1]
        after = free_port()
        assert Ports([port, after]).take() == after


def test_nobody_takes_a_port_by_letting_go_of_it():
    """Whoever binds any port to learn its number, and lets go of it, may find it taken."""
    letting_go = re.compile(r"\.bind\(\([^)]*, 0\)\)")
    assert not [str(path.relative_to(ROOT)) for path in SOURCES if letting_go.search(path.read_text())]
