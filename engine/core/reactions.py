"""What a command means for another scope of the same instance, in the same transaction."""

from __future__ import annotations

from engine.core.commands import CancelScope, Command, OpenScope, SettleScope, TellScope
from engine.core.events import CancelRequested, Event, ScopeSettled, ScopeStarted, from_json
from engine.core.keys import parent_scope


def reaction(path: str, command: Command, at: int) -> tuple[str, Event] | None:
    """The scope that a command of the scope at `path` is about and the event that it takes; None for all other commands."""
    match command:
        case OpenScope():
            return command.scope, ScopeStarted(
                ending=command.ending,
                failures=command.failures,
                locals=command.locals,
                key=command.key,
                again=command.again,
                began=command.began,
                at=at,
            )
        case CancelScope():
            return command.scope, CancelRequested(by=command.by, reason=command.reason, at=at)
        case TellScope():
            return command.scope, from_json(command.event, at)
        case SettleScope():
            above = parent_scope(path)
            return None if above is None else (above, _settled(path, command, at))
    return None


def _settled(path: str, command: SettleScope, at: int) -> ScopeSettled:
    return ScopeSettled(
        scope=path,
        outcome=command.outcome,
        outputs=command.outputs,
        failures=command.failures,
        done=command.done,
        undone=command.undone,
        idle=command.idle,
        not_undone=command.not_undone,
        at=at,
    )
