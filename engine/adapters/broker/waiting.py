"""Who in this process waits for which instance; shared by both kinds of signals."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from threading import Event, Lock

REMEMBERED = 4096
"""Hints kept for a waiter that looked at the database just before the hint and waits just after it."""


class Waiting:
    """Wakes waiters by instance. A hint that nobody waited for is kept a while and used up by the first who asks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiters: dict[str, list[Event]] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()

    def wake(self, instances: Collection[str]) -> None:
        """These have changed."""
        with self._lock:
            for instance in instances:
                waiters = self._waiters.pop(instance, None)
                if waiters is None:
                    self._recent[instance] = None
                for waiter in waiters or ():
                    waiter.set()
            while len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)

    def wake_all(self) -> None:
        """Hints may have been lost: everybody had better look."""
        with self._lock:
            instances = list(self._waiters)
        self.wake(instances)

    def wait(self, instance: str, timeout: float) -> bool:
        """Block up to `timeout` seconds; False if no hint came."""
        woken = Event()
        with self._lock:
            if instance in self._recent:
                del self._recent[instance]
                return True
            self._waiters.setdefault(instance, []).append(woken)
        if woken.wait(timeout):
            return True
        with self._lock:
            waiters = self._waiters.get(instance, [])
            if woken in waiters:
                waiters.remove(woken)
                if not waiters:
                    del self._waiters[instance]
        return woken.is_set()
