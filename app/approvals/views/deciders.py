"""Who decides about what: from which amounts one and two people are needed. A change needs two people as well."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.approvals import queries, registry, service, thresholds
from app.approvals.errors import CommandMissing
from app.approvals.thresholds import NewThreshold
from app.approvals.views import bp
from app.identity import queries as identity
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.forms import Filled
from app.kernel.idempotency import once
from app.kernel.transactions import in_transaction
from app.web.access import actor, requires
from app.web.pages import done, page, toast


@bp.get("/rules")
@requires("approvals.view")
def rules() -> Response:
    """All commands, and what holds for each today."""
    on = clock.business_date()
    commands = [(command, thresholds.threshold(command, on=on)) for command in registry.every()]
    return page("approvals/rules.html", commands=commands, rights=identity.permission_labels())


@bp.get("/rules/<command_name>")
@requires("approvals.view")
def rule(command_name: str) -> Response:
    """One command: what was decided for it, and the form for something else."""
    return _rule_page(command_name, None)


@bp.post("/rules/<command_name>")
@requires("approvals.set_rules")
def ask_for_rule(command_name: str) -> ResponseReturnValue:
    """Ask for another rule; somebody else decides about it."""
    form = NewThreshold.parse({**request.form, "command": command_name})
    if form.errors:
        return _rule_page(command_name, form, status=422)
    values, by = form.values, actor()
    try:
        asked = in_transaction(
            lambda: once(
                "approvals.ask_for_rule", form.key or "", values.model_dump(mode="json"), by=by,
                work=lambda: str(service.ask(thresholds.COMMAND.name, values, by=by, reason=values.decision)),
            )
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _rule_page(command_name, form, status=refusal.status)
    toast("Asked for. It holds once somebody else has approved it.")
    return done(url_for(".show", approval_id=asked.value))


def _rule_page(command_name: str, form: Filled[Any] | None, *, status: int = 200) -> Response:
    command = registry.find(command_name)
    if command is None:
        raise CommandMissing
    on = clock.business_date()
    return page(
        "approvals/rule.html",
        status=status,
        command=command,
        threshold=thresholds.threshold(command, on=on),
        decided=thresholds.decided_for(command.name),
        waiting=queries.waiting_about(("approval_command", command.name)),
        rights=identity.permission_labels(),
        today=on,
        form=form,
    )
