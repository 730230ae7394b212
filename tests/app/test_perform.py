from __future__ import annotations

import base64
import json
from threading import Event
from urllib.parse import quote

import orjson
import pytest
from structlog.testing import capture_logs

from engine.adapters.clock import SystemClock
from engine.adapters.databases.connect import open_instances
from engine.adapters.kinds.python import Python
from engine.adapters.kinds.script import Script
from engine.adapters.secrets import SecretStore
from engine.app.kinds import Failed, Stopped
from engine.app.perform import Performer
from engine.core.expressions.codec import template_to_json
from engine.core.expressions.model import Expression, Text
from engine.errors import Malformed, Unavailable
from engine.spec.cel import parse

CANARY = 'cänary/"one"+two&three'


class Does:
    """A kind that does what its test says."""

    def __init__(self, act):
        self.act = act

    def run(self, call):
        return self.act(call)


def raising(error):
    def act(call):
        raise error

    return act


@pytest.fixture
def logs(sqlite_url):
    database = open_instances(sqlite_url)
    yield database.logs
    database.close()


@pytest.fixture
def perform(logs):
    def act(does, *, stop=None, logs=logs, **command):
        performer = Performer(
            kinds={"script": Script(), "python": Python(), "test": does},
            secrets=SecretStore("", {"HEADRACE_SECRET_TOKEN": CANARY}),
            logs=logs,
            asker=None,
            children=None,
            router=None,
            clock=SystemClock(),
            outbox=None,
        )
        values = {
            "type": "RunTask",
            "instance": "i1",
            "path": "finally/report",
            "attempt": 2,
            "kind": "test",
            "params": {},
        }
        return performer.perform(values | command, stop or Event())

    return act


def deferred(*parts):
    """A template that reads secrets, as `render` leaves it to the worker."""

    def expression(source):
        parsed = parse(source)
        return Expression(source=source, ast=parsed.ast, refs=(("secrets", "token"),))

    made = [part if isinstance(part, str) else expression(*part) for part in parts]
    template = made[0] if len(made) == 1 else Text(parts=tuple(made))
    return {"$deferred": {"template": template_to_json(template), "names": {"inputs": {"n": 7}}}}


SECRET = ("secrets.token",)


def error_of(notification):
    assert notification.event["type"] == "TaskFailed"
    return notification.event["error"]


def test_a_success_is_told_to_the_scope_of_the_task(perform):
    notification = perform(Does(lambda call: {"path": call.path, "key": call.idempotency_key, "n": [1, (2,)]}))
    assert (notification.instance, notification.scope) == ("i1", "finally")
    assert notification.event == {
        "type": "TaskSucceeded",
        "task": "report",
        "attempt": 2,
        "outputs": {"path": "finally/report", "key": "i1/finally/report", "n": [1, [2]]},
    }


def test_the_call_has_what_the_command_says(perform):
    calls = []
    perform(
        Does(lambda call: calls.append(call) or {}),
        params={"a": 1},
        env={"A": "b"},
        outputs={"x": {"default": 1}},
        timeout=50,
        workflow="w",
    )
    [call] = calls
    assert (call.params, call.env, call.timeout, call.workflow, call.attempt) == ({"a": 1}, {"A": "b"}, 50, "w", 2)


def test_secrets_reach_the_kind_in_full(perform):
    calls = []
    perform(
        Does(lambda call: calls.append(call) or {}),
        params={"headers": [deferred("Bearer ", SECRET)], "plain": deferred(SECRET), "n": deferred(("inputs.n",))},
        env={"TOKEN": deferred(SECRET)},
    )
    [call] = calls
    assert call.params == {"headers": [f"Bearer {CANARY}"], "plain": CANARY, "n": 7}
    assert call.env == {"TOKEN": CANARY}


ENCODED = {
    "exact": CANARY,
    "base64": base64.b64encode(CANARY.encode()).decode(),
    "basic": base64.b64encode(f"user:{CANARY}".encode()).decode(),
    "url": quote(CANARY, safe=""),
    "json": json.dumps(CANARY)[1:-1],
    "json_raw": json.dumps(CANARY, ensure_ascii=False)[1:-1],
}


def leaks(*left):
    text = orjson.dumps(left).decode()
    text += json.dumps(left) + repr(left)
    return [name for name, form in ENCODED.items() if form in text or json.dumps(form)[1:-1] in text]


def test_a_canary_is_found_nowhere_after_a_success(perform, logs):
    def act(call):
        for form in ENCODED.values():
            call.log.line("stdout", f"<{form}>")
        return {"forms": dict(ENCODED), CANARY: 1}

    notification = perform(Does(act), params={"t": deferred(SECRET)})
    lines = [line.text for line in logs.read("i1")]
    assert notification.event["type"] == "TaskSucceeded"
    assert len(lines) == len(ENCODED)
    assert leaks(notification.event, lines) == []


@pytest.mark.parametrize(
    "fail", [lambda text, details: Failed("exit", text, details), lambda text, _: ValueError(text)]
)
def test_a_canary_is_found_nowhere_after_a_failure(perform, fail):
    details = {"lines": list(ENCODED.values())}
    with capture_logs() as entries:
        notification = perform(Does(raising(fail(" ".join(ENCODED.values()), details))), params={"t": deferred(SECRET)})
    assert leaks(notification.event, entries) == []


def test_a_canary_on_the_edge_of_what_is_kept_is_found_nowhere(perform, logs):
    def act(call):
        call.log.line("stdout", "x" * (8 * 1024 - 5) + CANARY)
        raise Failed("exit", "y" * 995 + CANARY, {"body": "z" * 1_995 + CANARY})

    error = error_of(perform(Does(act), params={"t": deferred(SECRET)}))
    assert CANARY[:4] not in str(error)
    assert CANARY[:4] not in logs.read("i1")[0].text


def test_a_script_that_prints_its_secret_does_not_tell(perform, logs):
    script = 'echo "$TOKEN"; echo "$TOKEN" | base64 -w0 >&2; echo "t=$TOKEN" >> "$HEADRACE_OUTPUT"; exit ${CODE:-0}'
    for code in ("0", "3"):
        env = {"TOKEN": deferred(SECRET), "CODE": code}
        notification = perform(None, kind="script", params={"script": script}, env=env)
        assert leaks(notification.event, [line.text for line in logs.read("i1")]) == []


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (Failed("network", "no route"), "network", "no route"),
        (KeyError("x"), "internal", "KeyError: 'x'"),
        (Unavailable("the world"), "unavailable", "the world"),
        (RecursionError("deep"), "internal", "RecursionError"),
        (Failed("exit", "nul \0 and \ud800"), "exit", "nul ␀ and ?"),
        (Failed("exit", "x" * 5_000), "exit", "x" * 1_000),
    ],
)
def test_every_exception_becomes_a_failure_that_can_be_stored(perform, error, kind, says):
    found = error_of(perform(Does(raising(error))))
    assert found["kind"] == kind
    assert says in found["message"]
    assert len(orjson.dumps(found)) < 4_000


def test_details_are_bounded(perform):
    details = {"body": "x" * 1_000_000, "list": list(range(1_000)), "nul": "\0"}
    found = error_of(perform(Does(raising(Failed("http_5xx", "m", details)))))
    assert len(found["details"]["body"]) == 2_000
    assert len(found["details"]["list"]) == 50
    found = error_of(perform(Does(raising(Failed("http_5xx", "m", {"n": float("nan")})))))
    assert found["details"] == {}


def test_a_stopped_attempt_is_cancelled(perform):
    notification = perform(Does(raising(Stopped())))
    assert notification.event == {"type": "TaskCancelled", "task": "report", "attempt": 2}
    stop = Event()
    stop.set()
    never = Does(raising(AssertionError("it must not start")))
    assert perform(never, stop=stop).event["type"] == "TaskCancelled"


def test_a_success_that_comes_after_the_stop_counts(perform):
    stop = Event()
    assert perform(Does(lambda _: stop.set() or {"a": 1}), stop=stop).event["type"] == "TaskSucceeded"


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"kind": "telepathy"}, "config", "telepathy"),
        ({"params": [1]}, "config", "`with`"),
        ({"params": deferred(("secrets.token.size()",))}, "config", "`with`"),
        ({"params": {"a": deferred(("secrets.token + 1",))}}, "expression", ""),
    ],
)
def test_what_cannot_be_run_fails(perform, change, kind, says):
    error = error_of(perform(Does(lambda _: {}), **change))
    assert error["kind"] == kind
    assert says in error["message"]


def test_a_missing_secret_is_named_and_where_it_was_looked_for(logs, perform):
    wanted = deferred(SECRET)
    wanted["$deferred"]["template"] = json.loads(json.dumps(wanted["$deferred"]["template"]).replace("token", "other"))
    error = error_of(perform(Does(lambda _: {}), params={"t": wanted}))
    assert error["kind"] == "secret"
    assert "HEADRACE_SECRET_OTHER" in error["message"]


@pytest.mark.parametrize(
    ("outputs", "kind"),
    [
        (None, "outputs"),
        ([1], "outputs"),
        ({"a": "\0"}, "outputs"),
        ({"a": {"b\0": 1}}, "outputs"),
        ({"a": "\ud800"}, "outputs"),
        ({"a": float("nan")}, "outputs"),
        ({"a": [float("inf")]}, "outputs"),
        ({"a": 2**63}, "outputs"),
        ({1: "a"}, "outputs"),
        ({"a": {1, 2}}, "outputs"),
        ({"a": object()}, "outputs"),
        ({"a": "x" * 70_000}, "output_too_large"),
    ],
)
def test_outputs_that_cannot_be_kept_fail_the_task(perform, outputs, kind):
    assert error_of(perform(Does(lambda _: outputs)))["kind"] == kind


def test_outputs_that_contain_themselves_fail_the_task(perform):
    outputs = {}
    outputs["a"] = outputs
    assert error_of(perform(Does(lambda _: outputs)))["kind"] == "outputs"


def test_declared_outputs_hold(perform):
    declared = {"n": {"type": "integer", "minimum": 1}, "s": {"type": "string", "default": "none"}}
    assert perform(Does(lambda _: {"n": 1, "extra": True}), outputs=declared).event["outputs"] == {
        "n": 1,
        "extra": True,
        "s": "none",
    }
    error = error_of(perform(Does(lambda _: {"n": 0}), outputs=declared))
    assert error["kind"] == "outputs"
    assert error["details"]["problems"][0]["pointer"] == "/n"
    error = error_of(perform(Does(lambda _: {}), outputs=declared))
    assert error["details"] == {"output": "n"}


def test_the_log_is_numbered_and_bounded(perform, logs):
    def act(call):
        for number in range(12_000):
            call.log.line("stdout", f"line {number}")
        return {}

    perform(Does(act))
    lines = logs.read("i1", limit=20_000)
    assert [line.number for line in lines] == list(range(1, 10_002))
    assert lines[9_999].text == "line 9999"
    assert (lines[-1].stream, lines[-1].text) == ("engine", "the log is full: what follows was not kept")


def test_the_log_is_bounded_in_bytes(perform, logs):
    def act(call):
        for _ in range(1_000):
            call.log.line("stderr", "x" * 4_000)
        return {}

    perform(Does(act))
    assert sum(len(line.text) for line in logs.read("i1")) <= 1024 * 1024 + 100


class BrokenLogs:
    def append(self, lines):  # noqa: ARG002 - the port
        raise Unavailable("the database")


def test_a_log_that_cannot_be_written_fails_no_task(perform):
    def act(call):
        for _ in range(1_000):
            call.log.line("stdout", "x")
        return {"a": 1}

    with capture_logs():
        assert perform(Does(act), logs=BrokenLogs()).event["outputs"] == {"a": 1}


@pytest.mark.parametrize("command", [{"type": "Nonsense"}, {"type": None}, {"surprise": 1}, {"type": "OpenScope"}])
def test_a_command_that_does_not_exist_is_malformed(perform, command):
    with pytest.raises(Malformed):
        perform(Does(lambda _: {}), **command)


def test_the_noop_of_the_benchmarks(perform):
    call = {"call": "engine.adapters.kinds.noop:noop"}
    assert perform(None, kind="python", params=call).event["outputs"] == {}
