from __future__ import annotations

import json

import pytest
import structlog
from structlog.testing import capture_logs

from engine.adapters.channels.registry import Channels
from engine.adapters.channels.smtp import SmtpChannel, server
from engine.adapters.kinds.message import Message
from engine.adapters.secrets import SecretStore
from engine.app.kinds import Failed
from engine.app.records import Outgoing
from engine.core.project import ChannelSpec, Person, Project
from engine.errors import Misconfigured, NotFound, Rejected, Unavailable
from tests.kinds.conftest import call
from tests.mailbox import mailbox
from tests.ports import free_port

NAUGHTY = "<!channel> <@U1> <https://evil.example|click> & @here\x1b[2J\r\n[info] forged line"


@pytest.fixture(autouse=True)
def _logs_of_every_level(logging_as_it_was):
    """Whoever set logging up before, for a whole module, may have left it with fewer."""
    structlog.reset_defaults()


@pytest.fixture
def box():
    with mailbox() as started:
        yield started


@pytest.fixture
def mail(box):
    return SmtpChannel(server(box.url), "engine@example.com")


PROJECT = Project(
    people={
        "ana": Person(name="ana", emails=("ana@example.com", "a@old.example")),
        "bo": Person(name="bo", emails=("bo@example.com",)),
        "cy": Person(name="cy"),
    },
    groups={"ops": ("bo", "ana"), "empty": ()},
    channels={
        "releases": ChannelSpec(name="releases", kind="slack", secret="slack_url"),
        "team": ChannelSpec(name="team", kind="email", to=("group:ops", "list@example.com")),
        "notes": ChannelSpec(name="notes", kind="log"),
    },
)


def channels(smtp_url="", **environment):
    secrets = SecretStore("", {f"HEADRACE_SECRET_{name.upper()}": value for name, value in environment.items()})
    return Channels(smtp_url=smtp_url, mail_from="engine@example.com", secrets=secrets, project=lambda: PROJECT)


def test_a_mail_is_plain_text_with_its_links(box, mail):
    mail.send(
        Outgoing(
            subject="Grüße",
            text="Release?\n.\nyes",
            to=("ana@example.com",),
            links=(("Approve", "https://x.example/a"),),
        )
    )
    [(envelope, message)] = box.mails
    assert envelope.rcpt_tos == ["ana@example.com"]
    assert (message["Subject"], message["From"], message["To"]) == ("Grüße", "engine@example.com", "ana@example.com")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.com>")
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n").startswith("Release?\n.\nyes\n\nApprove:\nhttps://x.example/a")


@pytest.mark.parametrize(
    "message",
    [
        Outgoing(subject="a\r\nBcc: evil@example.com", text="", to=("ana@example.com",)),
        Outgoing(subject="a\nb", text="", to=("ana@example.com",)),
        Outgoing(subject="a", text="", to=("ana@example.com\r\nRCPT TO:<evil@example.com>",)),
        Outgoing(subject="a", text="", to=("ana@example.com, evil@example.com",)),
        Outgoing(subject="a", text="", to=("Ana <ana@example.com>",)),
        Outgoing(subject="a", text="", to=("nobody",)),
        Outgoing(subject="a", text=""),
    ],
)
def test_nothing_smuggles_a_header_or_a_recipient(box, mail, message):
    with pytest.raises(Rejected):
        mail.send(message)
    assert box.mails == []


def test_the_servers_refusal_tells_whether_to_try_again(box, mail):
    box.refusing = {"full@example.com": "452 mailbox full", "gone@example.com": "550 no such user"}
    with pytest.raises(Unavailable):
        mail.send(Outgoing(subject="a", text="", to=("full@example.com",)))
    with pytest.raises(Rejected):
        mail.send(Outgoing(subject="a", text="", to=("gone@example.com",)))
    with pytest.raises(Rejected, match="gone@example"):
        mail.send(Outgoing(subject="a", text="", to=("ana@example.com", "gone@example.com")))


@pytest.mark.parametrize("scheme", ["smtp", "smtps", "smtp+starttls"])
def test_a_server_that_is_not_there_is_unavailable_and_no_password_is_told(scheme):
    port = free_port()
    channel = SmtpChannel(server(f"{scheme}://user:canary@127.0.0.1:{port}"), "engine@example.com")
    with pytest.raises(Unavailable) as caught:
        channel.send(Outgoing(subject="a", text="", to=("ana@example.com",)))
    assert "canary" not in str(caught.value)


def test_starttls_is_never_left_out(box):
    channel = SmtpChannel(server(box.url.replace("smtp://", "smtp+starttls://")), "engine@example.com")
    with pytest.raises(Rejected):
        channel.send(Outgoing(subject="a", text="", to=("ana@example.com",)))
    assert box.mails == []


def test_urls_of_mail_servers():
    assert server("smtp://host").port == 25
    assert server("smtps://host").port == 465
    found = server("smtp+starttls://us%40er:p%2Fw@host")
    assert (found.port, found.user, found.password) == (587, "us@er", "p/w")
    for url in ("http://host", "smtp://", "smtp://host:port", "host:25"):
        with pytest.raises(Misconfigured):
            server(url)


def slack(web, status=200, body=b"ok"):
    web.says("/services/T0/B0/canary", body, status=status, mime="text/plain")
    return channels(slack_url=web.url("/services/T0/B0/canary")).named("releases")


def test_slack_gets_text_that_mentions_nobody(web):
    slack(web).send(Outgoing(subject="Q&A", text=NAUGHTY, links=(("Open <it>", "https://x.example/a?b=1"),)))
    body = json.loads(web.requests[0].body)
    assert body["unfurl_links"] is False
    assert body["unfurl_media"] is False
    assert body["text"].startswith(
        "*Q&amp;A*\n&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|click&gt; &amp; @here"
    )
    assert body["text"].endswith("\n<https://x.example/a?b=1|Open &lt;it&gt;>")


@pytest.mark.parametrize(
    ("status", "error"), [(404, Rejected), (400, Rejected), (429, Unavailable), (500, Unavailable)]
)
def test_slacks_refusal_tells_whether_to_try_again_and_never_the_url(web, caplog, status, error):
    caplog.set_level(1)
    with pytest.raises(error) as caught:
        slack(web, status, b"no_service").send(Outgoing(subject="a", text="b"))
    assert "canary" not in str(caught.value)
    assert "canary" not in caplog.text


def test_slack_that_is_not_there_is_unavailable(caplog):
    caplog.set_level(1)
    with pytest.raises(Unavailable) as caught:
        channels(slack_url="http://127.0.0.1:1/canary").named("releases").send(Outgoing(subject="a", text="b"))
    assert "canary" not in str(caught.value) + caplog.text


def test_slack_without_its_secret_says_which():
    with pytest.raises(NotFound, match="HEADRACE_SECRET_SLACK_URL"):
        channels().named("releases").send(Outgoing(subject="a", text="b"))


def test_the_log_keeps_a_message_on_one_line():
    with capture_logs() as logs:
        channels().log().send(
            Outgoing(subject="a\nb", text=NAUGHTY, to=("ana",), links=(("Open", "https://x.example/"),))
        )
    [entry] = logs
    assert all("\n" not in value and "\x1b" not in value and "\r" not in value for value in entry.values())
    assert entry["links"] == "Open: https://x.example/"


def test_channels_by_name(box):
    channels(box.url).named("team").send(Outgoing(subject="a", text="b"))
    assert box.mails[0][0].rcpt_tos == ["bo@example.com", "ana@example.com", "list@example.com"]
    assert channels().mail() is None
    with capture_logs() as logs:
        channels().named("team").send(Outgoing(subject="a", text="b"))
        channels().named("notes").send(Outgoing(subject="a", text="b"))
    assert [entry["event"] for entry in logs] == ["a", "a"]
    with pytest.raises(NotFound, match="did you mean 'releases'"):
        channels().named("release")


def message(smtp_url="", **params):
    return Message(channels(smtp_url), lambda: PROJECT).run(call(params))


def test_a_message_reaches_people_groups_and_addresses(box):
    assert message(box.url, to=["ana", "group:ops", "x@example.com"], text="hello", subject="hi") == {}
    [(envelope, mail)] = box.mails
    assert envelope.rcpt_tos == ["ana@example.com", "bo@example.com", "x@example.com"]
    assert mail["Subject"] == "hi"
    message(box.url, to="bo", text="hello")
    assert box.mails[1][1]["Subject"] == "release: deploy"


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"text": "x"}, "exactly one of"),
        ({"text": "x", "to": "ana", "channel": "notes"}, "exactly one of"),
        ({"to": "ana"}, "`with`/text: Field required"),
        ({"to": "anna", "text": "x"}, "did you mean 'ana'"),
        ({"to": "group:opps", "text": "x"}, "did you mean 'group:ops'"),
        ({"to": "cy", "text": "x"}, "e-mail address of 'cy'"),
        ({"to": "group:empty", "text": "x"}, "nobody"),
        ({"to": [], "text": "x"}, "exactly one of"),
        ({"to": [1], "text": "x"}, "`with`/to/0"),
        ({"channel": "nope", "text": "x"}, "channel 'nope'"),
        ({"channel": "notes", "text": "x", "txt": "y"}, "`with`/txt"),
    ],
)
def test_a_message_that_makes_no_sense_is_refused(params, says):
    with pytest.raises(Failed, match=says) as caught:
        message(**params)
    assert caught.value.kind == "config"


def test_a_message_that_cannot_be_sent_says_whether_to_try_again(box):
    box.refusing = {"bo@example.com": "550 no", "ana@example.com": "450 later"}
    with pytest.raises(Failed) as caught:
        message(box.url, to="bo", text="x")
    assert caught.value.kind == "rejected"
    with pytest.raises(Failed) as caught:
        message(box.url, to="ana", text="x")
    assert caught.value.kind == "network"
