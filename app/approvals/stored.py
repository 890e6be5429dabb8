"""Writing a command down exactly, and reading it back only if it is still what was asked for."""

from __future__ import annotations

import hmac
import json
from typing import Any

from pydantic import BaseModel, ValidationError

from app import audit
from app.approvals import registry, rules
from app.approvals.errors import CommandUnreadable
from app.approvals.models import Approval
from app.approvals.registry import AnyCommand
from app.kernel.effects import Effect
from app.kernel.encryption import KeyMissing
from app.kernel.errors import Conflict


def written(command: AnyCommand, inputs: BaseModel) -> tuple[str, bytes]:
    """The inputs as text, and what they are recognised by. They can be read back, or it is our mistake."""
    assert type(inputs) is command.inputs, f"{command.name} takes {command.inputs.__name__}"
    text = rules.canonical(inputs.model_dump(mode="json"))
    assert command.inputs.model_validate(json.loads(text)) == inputs, "what is stored must be what was asked for"
    return text, rules.digest(command.name, text)


def read(approval: Approval) -> tuple[AnyCommand, Any]:
    """The command and its inputs.

    Refuses with CommandUnreadable: this version does not know the command, its inputs have another form by now, or
    somebody has altered them, which is reported at once.
    """
    command = registry.find(approval.command)
    if command is None:
        raise _unreadable(approval, "this version of Pamoja does not know it any more.")
    try:
        text = approval.inputs
    except (KeyMissing, UnicodeDecodeError):
        raise _altered(approval) from None
    if not hmac.compare_digest(rules.digest(approval.command, text), approval.inputs_hash):
        raise _altered(approval)
    try:
        return command, command.inputs.model_validate(json.loads(text))
    except ValidationError:
        raise _unreadable(approval, "it was asked for in a form that is not in use any more.") from None


def effect_when_asked(approval: Approval) -> Effect | None:
    """What it was going to do when it was asked for, if that can still be read."""
    try:
        return Effect.model_validate_json(approval.asked_effect)
    except (KeyMissing, ValidationError, UnicodeDecodeError):
        return None


def _altered(approval: Approval) -> CommandUnreadable:
    audit.notice("approval_altered", approval_id=str(approval.id), command=approval.command)
    return _unreadable(approval, "what is stored is not what was asked for. Tell whoever looks after security.")


def _unreadable(approval: Approval, why: str) -> CommandUnreadable:
    return CommandUnreadable(approval.id, Conflict(why))
