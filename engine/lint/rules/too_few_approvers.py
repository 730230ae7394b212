"""An approval that asks fewer people than it requires can only expire: say so before anybody waits for it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.project import Project
from engine.core.values import JsonObject
from engine.lint.rule import Hit, Rule, Subject
from engine.spec.walk import every_leaf


def check(subject: Subject) -> Iterator[Hit]:
    """Each approval whose people, less those it excludes by name, are fewer than `require`."""
    if subject.project is None:
        return
    for path, task in every_leaf(subject.keys):
        given = task.with_ or {}
        people = _people(given, subject.project) if task.uses == "approval" else None
        required = given.get("require", 1)
        if people is not None and isinstance(required, int) and len(people) < required:
            asked = ", ".join(people) or "nobody"
            message = f"{required} must approve, but only {asked} may"
            yield Hit(path=(*path, "with", "require" if "require" in given else "approvers"), message=message)


def _people(given: JsonObject, project: Project) -> list[str] | None:
    """Who may decide; None where a template says who."""
    approvers, excluded = given.get("approvers"), given.get("exclude", [])
    names = [approvers] if isinstance(approvers, str) else approvers
    if not isinstance(names, list) or not isinstance(excluded, list):
        return None
    words = [*names, *excluded]
    if any(not isinstance(word, str) or "${{" in word for word in words):
        return None
    out = project.members(excluded)
    return [person for person in project.members(names) if person not in out]


RULE = Rule(
    id="too-few-approvers",
    summary="Fewer people may approve than must.",
    severity="warning",
    why=(
        "Groups are read when somebody decides, so this looks at project.yaml as it is now. As it is, the approval "
        "can only be rejected or expire."
    ),
    before="""\
name: bad
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: [group:release-managers], exclude: [ben], require: 2, expires: 24h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
    after="""\
name: good
tasks:
  ask: {uses: approval, with: {message: "Go?", approvers: [group:release-managers], require: 2, expires: 24h}}
  no: {needs: [ask.rejected, ask.expired], join: any, run: "echo no"}
""",
    check=check,
)
