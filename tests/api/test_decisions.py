from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.app.approve import Approver
from engine.core.model import Definition
from engine.core.outputs import LIMIT
from engine.core.project import Person, Project
from engine.errors import Conflict, Forbidden, Invalid
from tests.web.definitions import GATE, PROJECT, RELEASE, approval, listing, task


@pytest.fixture
def asked(world):
    """An open approval of `gate`: its instance and itself."""
    instance = world.start("gate", by="dora")
    return instance, world.instances.approvals.at(instance, "ask")


def decide(client, id, person, decision="approved", **more):
    return client.post(f"/api/v1/approvals/{id}/decision", json={"person": person, "decision": decision, **more})


def test_an_approval_is_decided_once(client, world, asked):
    instance, opened = asked
    assert [row["id"] for row in client.get("/api/v1/approvals").json()["items"]] == [opened.id]
    answer = decide(client, opened.id, "ana", comment="fine")
    assert answer.status_code == 200
    assert answer.json()["state"] == "approved"
    assert [(made["person"], made["comment"], made["via"]) for made in answer.json()["decisions"]] == [
        ("ana", "fine", "api")
    ]
    assert client.get(f"/api/v1/instances/{instance}").json()["state"] == "running"
    for person in ("ana", "ben"):
        assert decide(client, opened.id, person, "rejected").status_code == 409
    assert client.get("/api/v1/approvals").json()["items"] == []
    assert len(client.get("/api/v1/approvals", params={"state": "any"}).json()["items"]) == 1


@pytest.mark.parametrize(("person", "status"), [("dora", 403), ("nobody", 403), ("", 422), ("ana@example.com", 403)])
def test_only_the_asked_decide(small_client, small_world, person, status):
    instance = small_world.start("gate")
    opened = small_world.instances.approvals.at(instance, "ask")
    assert decide(small_client, opened.id, person).status_code == status
    assert not small_world.instances.approvals.get(opened.id).decisions


def test_who_left_must_not_approve(small_client, small_world):
    opened = small_world.instances.approvals.at(small_world.start("gate"), "ask")
    small_world.load(
        GATE,
        project=Project(people={"ben": Person(name="ben")}, groups={"release-managers": ("ben",)}),
        commit="ab" * 20,
    )
    assert decide(small_client, opened.id, "ana").status_code == 403
    assert decide(small_client, opened.id, "ben").status_code == 200


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_a_hundred_at_once_count_once(world, asked, decision):
    _, opened = asked

    def press(number):
        try:
            return world.approver.decide(opened.id, person="ana", decision=decision, comment=str(number), via="link")
        except Conflict as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(press, range(100)))
    made = world.instances.approvals.get(opened.id).decisions
    assert len(made) == 1
    counted = [answer for answer in answers if not isinstance(answer, Conflict)]
    assert len(counted) == 1
    assert made[0].comment == str(answers.index(counted[0]))


def test_two_of_three_and_one_rejection(world):
    done = Definition(
        name="two",
        tasks=listing(task("ask", kind="approval", params=approval(require=2)), task("no", "ask.rejected")),
        finally_=listing(),
    )
    world.load(done)
    first, second = world.start("two"), world.start("two")
    assert world.decide(first, "ana", "approved").state == "open"
    assert world.decide(first, "ben", "approved").state == "approved"
    assert world.decide(second, "ana", "rejected").state == "rejected"
    with pytest.raises(Conflict, match="closed: rejected"):
        world.decide(second, "ben", "approved")


@pytest.mark.parametrize(
    ("exclude", "author", "by", "refused"),
    [
        (["author"], "BEN.alt@example.com", "x", "ben"),
        (["author"], "Cleo@Example.com", "x", "cleo"),
        (["starter"], "dora@example.com", "ben", "ben"),
        (["starter"], "dora@example.com", "cleo-hub", "cleo"),
        (["starter"], "dora@example.com", "ana@example.com", "ana"),
        (["starter"], "dora@example.com", "webhook:github:CLEO-hub", "cleo"),
        (["ben"], "dora@example.com", "x", "ben"),
        (["group:juniors"], "dora@example.com", "x", "cleo"),
    ],
)
def test_nobody_approves_their_own(small_world, exclude, author, by, refused):
    own = Definition(
        name="own", tasks=listing(task("ask", kind="approval", params=approval(exclude=exclude))), finally_=listing()
    )
    small_world.load(own, author=author)
    instance = small_world.start("own", by=by)
    with pytest.raises(Forbidden, match="may not decide"):
        small_world.decide(instance, refused, "approved")
    electorate = small_world.approver.electorate(small_world.instances.approvals.at(instance, "ask"))
    assert set(electorate.excluded) == {refused}
    other = next(name for name in PROJECT.groups["release-managers"] if name != refused)
    assert small_world.decide(instance, other, "approved").state == "approved"


@pytest.mark.parametrize(
    "by", ["webhook:github:ana", "webhook:github", "webhook:cleo-hub", "webhook:github:ana@example.com"]
)
def test_a_stranger_at_the_git_host_excludes_nobody(small_world, by):
    """A login there that is called like one of our people is not that person, and neither is a source's name."""
    own = Definition(
        name="own",
        tasks=listing(task("ask", kind="approval", params=approval(exclude=["starter"]))),
        finally_=listing(),
    )
    small_world.load(own)
    opened = small_world.instances.approvals.at(small_world.start("own", by=by), "ask")
    assert small_world.approver.electorate(opened).may == PROJECT.groups["release-managers"]


def test_the_form_is_held_against_its_schemas(small_client, small_world):
    from tests.web.world import release_until_approval

    small_world.load(RELEASE)
    opened = small_world.instances.approvals.at(release_until_approval(small_world), "approve")
    for form, pointer in (({}, "#/form"), ({"change_ticket": "nope"}, "#/form/change_ticket"), ({"x": 1}, "#/form")):
        answer = decide(small_client, opened.id, "ana", form=form)
        assert answer.status_code == 422
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert decide(small_client, opened.id, "ana", form={"change_ticket": "CHG-1"}).status_code == 200
    assert decide(small_client, opened.id, "ben", "rejected").status_code == 200, "a rejection needs no form"


def test_a_rejection_has_no_form(client, world):
    """Nothing would hold it, and what comes behind the rejection would read it."""
    world.load(RELEASE)
    from tests.web.world import release_until_approval

    instance = release_until_approval(world)
    opened = world.instances.approvals.at(instance, "approve")
    for form in ({"change_ticket": "CHG-1"}, {"change_ticket": 42}, {"nobody_declared": "x"}):
        answer = decide(client, opened.id, "ben", "rejected", form=form)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == ["#/form"]
    assert not world.instances.approvals.get(opened.id).decisions
    assert decide(client, opened.id, "ben", "rejected", form={}, comment="no").status_code == 200
    assert client.get(f"/api/v1/instances/{instance}/tasks/approve").json()["outputs"] == {
        "comment": "no",
        "decided_by": ["ben"],
    }


NOTED = Definition(
    name="noted",
    tasks=listing(
        task("ask", kind="approval", params=approval(require=3, form={"note": {"type": "string"}})),
        task("no", "ask.rejected"),
    ),
    finally_=listing(),
)


@pytest.fixture
def noted(world):
    """An open approval that three have to approve, each with a note."""
    world.load(NOTED)
    instance = world.start("noted")
    return instance, world.instances.approvals.at(instance, "ask")


def test_what_all_say_together_is_bounded_and_a_bare_decision_is_always_taken(client, world, noted):
    instance, opened = noted
    half = {"note": "x" * (LIMIT // 2)}
    assert decide(client, opened.id, "ana", form={"note": "x" * LIMIT}).status_code == 422
    assert decide(client, opened.id, "ana", form=half).status_code == 200
    for more, pointer in (({"form": half}, "#/form"), ({"form": half, "comment": "fine"}, "#/form")):
        answer = decide(client, opened.id, "ben", **more)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert str(LIMIT) in answer.json()["errors"][0]["detail"]
    room = LIMIT - len(f'{{"ana":{{"decision":"approved","at":1234567890123,"form":{{"note":"{half["note"]}"}}}},')
    rest = room - len('"ben":{"decision":"approved","at":1234567890123,"form":{"note":""}}}')
    assert decide(client, opened.id, "ben", form={"note": "y" * (rest + 1)}).status_code == 422
    assert decide(client, opened.id, "ben", form={"note": "y" * rest}).status_code == 200
    answer = decide(client, opened.id, "cleo", "rejected", comment="no")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/comment")
    assert decide(client, opened.id, "cleo", "rejected").status_code == 200
    assert client.get(f"/api/v1/instances/{instance}/tasks/ask").json()["state"] == "rejected"


def test_of_two_that_find_no_room_together_in_the_same_moment_one_is_refused(world, noted):
    _, opened = noted
    half = {"note": "x" * (LIMIT // 2)}

    class Meanwhile:
        """Somebody else decides between the look at the approval and the event."""

        def submit(self, notifications):
            world.approver.decide(opened.id, person="ana", decision="approved", form=half, via="api")
            world.advancer.submit(notifications)

    approver = Approver(
        approvals=world.instances.approvals,
        definitions=world.definitions,
        reader=world.instances.reader,
        advancer=Meanwhile(),
        clock=world.instances.recovery,
    )
    with pytest.raises(Invalid) as refused:
        approver.decide(opened.id, person="ben", decision="approved", form=half, via="link")
    assert [problem.pointer for problem in refused.value.problems] == ["/form"]
    assert [made.person for made in world.instances.approvals.get(opened.id).decisions] == ["ana"]
