"""Small real stand-ins for the use cases that workers call: they do what they are told and remember what they saw."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock

from engine.adapters.broker.connect import Broker
from engine.adapters.broker.intake import Intake
from engine.adapters.databases.outbox import TRIES
from engine.app.advance import Advanced
from engine.app.records import Message, Notification
from engine.errors import Newer
from tests.servers import wait_until

IDLE = 0.05


def run_task(
    instance: str, task: str = "build", *, attempt: int = 1, queue: str = "tasks", does: str = "succeed"
) -> Message:
    body = {"type": "RunTask", "instance": instance, "path": task, "attempt": attempt, "kind": "values"}
    return Message(queue=queue, body={**body, "params": does, "queue": queue})


def notification(instance: str, **event) -> Message:
    return Message(queue="notifications", body={"instance": instance, "scope": "", "event": {"type": "E", **event}})


class ScriptedPerformer:
    """Does what a command's `params` say."""

    def __init__(self) -> None:
        self.release = Event()
        self.started: list[str] = []
        self.stopped_before: list[str] = []
        self.running = 0
        self.most_running = 0
        self.rejected: list[tuple[str, int, str]] = []
        self._lock = Lock()

    def perform(self, command, stop: Event) -> Notification | None:
        with self._lock:
            self.started.append(command["instance"])
            if stop.is_set():
                self.stopped_before.append(command["instance"])
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            return self._act(command, stop)
        finally:
            with self._lock:
                self.running -= 1

    def reject(self, message: Message, error: Exception) -> bool:
        self.rejected.append((message.body["instance"], message.attempts, str(error)))
        return message.attempts < TRIES - 1

    def _act(self, command, stop: Event) -> Notification | None:
        does = command.get("params")
        outputs: object = None
        if does == "wait":
            self.release.wait(30)
        elif does == "nap":
            stop.wait(0.05)
        elif does == "until stopped":
            outputs = stop.wait(30)
        elif does == "crash":
            raise RuntimeError("a bug")
        elif does == "exit":
            raise SystemExit(3)
        elif does == "newer":
            raise Newer("a field of tomorrow")
        elif does == "unsendable":
            outputs = "\ud800"
        event = {"type": "TaskSucceeded", "task": command["path"], "attempt": command["attempt"], "outputs": outputs}
        return Notification(instance=command["instance"], scope="", event=event)


class RecordingAdvancer:
    """Takes everything; `answer` may say more about one notification, or raise."""

    def __init__(self, answer: Callable[[Notification], Advanced] | None = None) -> None:
        self.answer = answer or (lambda _: Advanced())
        self.batches: list[list[str]] = []
        self.published: list[str] = []
        self.deleted: list[str] = []
        self.left: set[str] = set()
        """Rows that a relay is at."""
        self.rejected: list[tuple[str, str]] = []
        self.held: set[str] = set()
        """Instances that somebody else is at work on; who waits for them finds nobody."""
        self.gate = Event()
        self.gate.set()

    def go_on(self) -> None:
        """There is nothing to remember."""

    @property
    def taken(self) -> list[str]:
        return [instance for batch in self.batches for instance in batch]

    def advance(self, notifications, published=(), *, rows, skip_held) -> Advanced:
        self.gate.wait(30)
        held = self.held & {one.instance for one in notifications} if skip_held else set()
        notifications = [one for one in notifications if one.instance not in held]
        answers = [self.answer(one) for one in notifications]
        self.batches.append([one.instance for one in notifications])
        gone = [*published, *(row for name, those in rows.items() if name not in held for row in those)]
        left = [row for row in gone if row in self.left]
        self.published += [row for row in gone if row not in left]
        return Advanced(
            messages=tuple(message for answer in answers for message in answer.messages),
            finished=tuple(instance for answer in answers for instance in answer.finished),
            held=held,
            left=left,
        )

    def delete(self, published) -> list[str]:
        left = [row for row in published if row in self.left]
        self.deleted += [row for row in published if row not in left]
        return left

    def reject(self, notification, error, attempts=0) -> bool:
        self.rejected.append((notification.instance, str(error)))
        return isinstance(error, Newer) and attempts < TRIES - 1


class Reader:
    """Reads a queue that no worker of its broker serves, and acknowledges what it sees."""

    def __init__(self, broker: Broker, queue: str) -> None:
        self._broker = broker
        broker.dramatiq.serve(queue, Intake(window=1000))
        self._consumer = broker.dramatiq.consume(queue, timeout=20)
        self.seen: list[dict] = []

    def look(self) -> list[dict]:
        while (message := next(self._consumer)) is not None:
            self.seen.append(message.body)
            self._broker.settle(ack=[message])
        return self.seen

    def wait_for(self, count: int) -> list[dict]:
        wait_until(lambda: len(self.look()) >= count, what=f"{count} messages, {len(self.seen)} seen")
        return self.seen

    def events(self) -> list[tuple[str, str]]:
        return [(body["instance"], body["event"]["type"]) for body in self.look()]
