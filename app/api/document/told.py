"""What we send to other programs by ourselves, as the document's ``webhooks``: one entry for each event."""

from __future__ import annotations

from typing import Any

from app.api.webhooks.events import EVENTS, Event

_HEADERS = {
    "webhook-id": "The message's id, the same at every try: one that was seen before can be ignored.",
    "webhook-timestamp": "When this try was made, in seconds since 1970.",
    "webhook-signature": "`v1,` and the HMAC-SHA-256, base64, of id, timestamp and body joined by full stops.",
}


def webhooks() -> dict[str, Any]:
    """Every event that a receiver can ask for."""
    return {event.name: {"post": _message(event)} for event in EVENTS.values()}


def _message(event: Event) -> dict[str, Any]:
    return {
        "tags": ["webhooks"],
        "operationId": "told_" + event.name.replace(".", "_"),
        "summary": event.label,
        "description": "Sent to receivers that an administrator set up under *Webhooks*; signed by Standard Webhooks.",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
            for name, words in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _body(event)}}},
        "responses": {
            "2XX": {"description": "Taken. Any other answer, or none within seconds, is tried again later."},
            "410": {"description": "Gone: nothing more is sent to this receiver."},
        },
    }


def _body(event: Event) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event.name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": {"type": "object", "description": "Numbers, ids and states; never a name, phone or ID number."},
        },
    }
