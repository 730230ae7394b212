"""The shape of a task, key by key."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from engine.core.model import Join
from engine.spec.fields import NAME, Bound, Condition, Duration, Id, Names, Queue, Shape, Values, at_least_one

Count = Annotated[int, Field(ge=1)]
Priority: TypeAlias = Annotated[int, Field(ge=-10, le=10)]


class RetryKeys(Shape):
    """Try a failed attempt again; attempt k waits `delay * backoff^(k-1)`, at most `max_delay`."""

    max_attempts: Annotated[int, Field(ge=1, le=100)]
    """How many attempts in all."""
    delay: Duration = 1_000
    """The pause before the second attempt."""
    backoff: Annotated[float, Field(ge=1, le=100, strict=False)] = 2.0
    """What each pause is multiplied by to give the next."""
    max_delay: Duration = 300_000
    """The longest pause."""
    if_: Condition | None = Field(default=None, alias="if")
    """CEL over `error` (`kind`, `message`, `details`): try again only where it is true."""


class AtLeast(Shape):
    """A join that runs when some of the edges are satisfied."""

    at_least: Count
    """How many."""


def _join(value: Any) -> Join:
    if value in ("all", "any", "merge"):
        return Join(mode=value)
    if isinstance(value, dict) and list(value) == ["at_least"]:
        n = value["at_least"]
        if isinstance(n, int) and not isinstance(n, bool) and n >= 1:
            return Join(mode="at_least", n=n)
    raise PydanticCustomError("join", "`join` is one of all, any, merge and {at_least: N}")


JoinForm: TypeAlias = Annotated[
    Join, PlainValidator(_join, json_schema_input_type=Literal["all", "any", "merge"] | AtLeast)
]


class ProductKeys(Shape):
    """Every combination of some lists, as the items of a `for_each`."""

    product: Annotated[dict[Id, list[JsonValue]], Field(min_length=1)]
    """Lists by name: each item is a map with one value of each."""
    include: list[dict[Id, JsonValue]] = Field(default_factory=list)
    """Maps that are items as well, behind the others, unless they are there already."""
    exclude: list[dict[Id, JsonValue]] = Field(default_factory=list)
    """Maps: combinations that have all their values are left out."""


def _items(value: Any) -> Any:
    if isinstance(value, list | dict) or (isinstance(value, str) and value.strip()):
        return value
    raise PydanticCustomError("items", "`for_each` is CEL, a list, or {product: {NAME: […]}}")


Items: TypeAlias = Annotated[
    JsonValue, BeforeValidator(_items, json_schema_input_type=str | list[JsonValue] | ProductKeys)
]


class RepeatKeys(Shape):
    """Run the task again until it is done."""

    model_config = ConfigDict(json_schema_extra=at_least_one("while", "until"))

    while_: Condition | None = Field(default=None, alias="while")
    """CEL, checked before each iteration: false ends it."""
    until: Condition | None = None
    """CEL, checked after each iteration: true ends it."""
    delay: Duration = 0
    """The pause between iterations."""
    max_iterations: Count
    """How many iterations at most; reaching it without `until` is a failure."""

    @model_validator(mode="after")
    def _some_end(self) -> RepeatKeys:
        if self.while_ is None and self.until is None:
            raise PydanticCustomError("repeat", "`repeat` needs `while` or `until`, or both")
        return self


class CacheKeys(Shape):
    """Reuse the outputs of an earlier success of this task."""

    key: Annotated[str, Field(min_length=1)]
    """What makes two runs the same; `${{ }}` interpolates."""
    ttl: Bound | None = None
    """How long a result is good for."""


def _files(value: Any) -> Any:
    texts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (None,)
    if all(isinstance(text, str) and text and "${{" not in text for text in texts):
        return value
    raise PydanticCustomError("files", "this must be a list of texts, or a map of texts, without `${{ }}`")


Files: TypeAlias = Annotated[
    dict[str, str] | list[str], PlainValidator(_files, json_schema_input_type=dict[str, str] | list[str])
]


class ArtifactKeys(Shape):
    """Files that pass between tasks."""

    in_: Files = Field(default_factory=list, alias="in")
    """Files this task gets: a list of `task.name` or `task`, or a map of a path to one of those."""
    out: Files = Field(default_factory=list)
    """Files this task leaves: paths or globs in its working directory, by name or as a list."""


class ConcurrencyKeys(Shape):
    """How many may run at once."""

    group: Annotated[str, Field(min_length=1)]
    """Those with the same text share the limit; `${{ }}` interpolates."""
    limit: Count = 1
    """How many."""
    when_full: Literal["queue", "cancel_running", "reject"] = "queue"
    """What happens to one more: it waits, takes the place of the one that runs, or fails."""


class TaskConcurrencyKeys(ConcurrencyKeys):
    """How many tasks may run at once."""

    hold_while_waiting: bool = False
    """Keep the slot while the task waits."""


class RateLimitKeys(Shape):
    """How often tasks may start."""

    group: Annotated[str, Field(min_length=1)]
    """Those with the same text share the limit; `${{ }}` interpolates."""
    limit: Count
    """How many starts."""
    per: Bound
    """In which time."""


class LeafKeys(Shape):
    """What tasks and what undoes them have in common."""

    uses: str | None = None
    """The kind of task."""
    with_: Values | None = Field(default=None, alias="with")
    """The parameters of the kind, or the inputs of the `workflow`; `${{ }}` interpolates."""
    run: str | None = None
    """A script. It is literal: pass expressions through `env`."""
    shell: Literal["sh", "bash"] | None = None
    """What reads the script: `bash -eu -o pipefail` (by default) or `sh -eu`."""
    working_directory: str | None = None
    """Where the script runs; by default a fresh folder that is removed afterwards."""
    env: Values | None = None
    """Environment variables of a script or container; `${{ }}` interpolates."""
    retry: RetryKeys | None = None
    """Try failed attempts again."""
    timeout: Bound | None = None
    """Bounds one attempt; of a group one run of it, with `for_each` or `repeat` each item or iteration."""
    deadline: Bound | None = None
    """Bounds all attempts and pauses together, from when the task is ready."""
    queue: Queue | None = None
    """Which workers run the task."""
    priority: Priority | None = None
    """Which of the waiting tasks run first: -10 to 10, higher ones before."""


class CompensateKeys(LeafKeys):
    """What undoes the task when its scope fails later: exactly one of `uses` and `run`."""


class TaskKeys(LeafKeys):
    """One task: exactly one of `uses`, `run`, `switch`, `tasks` and `workflow` says what it is."""

    description: str = ""
    """What the task is for, shown on its page."""
    needs: Names = Field(default_factory=list)
    """The tasks this one waits for: `x` for success, `x.LABEL` for another outcome."""
    join: JoinForm = Field(default=Join(), json_schema_extra={"default": "all"})
    """When the edges let it run: all, any, merge, or `{at_least: N}`."""
    if_: Condition | None = Field(default=None, alias="if")
    """CEL, evaluated once when the join is decided; false skips the task."""
    outputs: dict[Id, JsonValue] | None = None
    """On leaves: JSON Schemas by name, checked when the task ends. On groups: values, `${{ }}` interpolates."""
    switch: Annotated[dict[Id, Condition], Field(min_length=1)] | None = None
    """Cases and their conditions: the first true one is the outcome; `otherwise` comes last."""
    tasks: TaskMap | None = None
    """A group: its own scope with its own tasks."""
    workflow: Annotated[str, Field(pattern=NAME)] | None = None
    """A child instance of another workflow; `with` gives its inputs."""
    wait: bool = True
    """With `workflow`: false starts it and goes on."""
    for_each: Items | None = None
    """Run the task once for each item: CEL, a list, or `{product: …}`."""
    as_: Id | None = Field(default=None, alias="as")
    """With `for_each`: the item's name in expressions, instead of `item`."""
    key: Condition | None = None
    """With `for_each`: CEL that names each item in paths; by default the index."""
    max_parallel: Count | None = None
    """With `for_each`: how many items run at once."""
    fail_fast: bool = False
    """An unhandled failure cancels what still runs: of the group, or the other items of the `for_each`."""
    enough: Count | None = None
    """With `for_each`: how many items must succeed."""
    rest: Literal["cancel", "run_on"] = "cancel"
    """With `enough`: what happens to the other items."""
    repeat: RepeatKeys | None = None
    """Run the task again until it is done."""
    cancel_rest: bool = False
    """With `join: any` or `at_least`: cancel the sources that have not ended."""
    continue_on_error: bool = False
    """A failure counts as handled, and satisfies who just needs the task."""
    concurrency: TaskConcurrencyKeys | None = None
    """How many tasks of a group run at once."""
    rate_limit: RateLimitKeys | None = None
    """How often tasks of a group start."""
    cache: CacheKeys | None = None
    """Reuse the outputs of an earlier success."""
    artifacts: ArtifactKeys | None = None
    """Files that pass between tasks."""
    compensate: CompensateKeys | None = None
    """What undoes the task when its scope fails later."""


class ListedTaskKeys(TaskKeys):
    """A task in the list form of `tasks`: each needs the one before it unless it says `needs`."""

    id: Id
    """The task's name."""


def _by_id(value: Any) -> Any:
    """The list form as a map. What is no task with an id is left out: `engine.spec.shape` says so at its place."""
    if not isinstance(value, list):
        return value
    tasks: dict[str, Any] = {}
    before: list[str] = []
    for item in value:
        if isinstance(item, dict) and isinstance(name := item.get("id"), str) and name not in tasks:
            tasks[name] = {"needs": before} | {key: given for key, given in item.items() if key != "id"}
            before = [name]
    return tasks


TaskMap: TypeAlias = Annotated[
    dict[Id, TaskKeys],
    BeforeValidator(_by_id, json_schema_input_type=dict[Id, TaskKeys] | list[ListedTaskKeys]),
]

# A task may hold tasks: only now that the map has a name do the models know all about their own key.
TaskKeys.model_rebuild()
ListedTaskKeys.model_rebuild()
