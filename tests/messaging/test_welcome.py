"""Who joins is told the number to pay with."""

from __future__ import annotations

from app.messaging import queries
from tests.members import examples


def test_a_new_member_is_welcomed_in_her_language(app, provider):
    examples.open_books()

    member_id = examples.register(first_name="Amina", language="sw")

    [message] = queries.for_cause("member", str(member_id))
    assert message.text.startswith("Karibu, Amina. Namba yako ya mwanachama ni M")
