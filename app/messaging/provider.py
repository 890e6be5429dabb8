"""Which provider carries texts, if any. Unset credentials: SMS is off, and the pages say so."""

from __future__ import annotations

from flask import Flask, current_app

from app.messaging.africastalking import Account, AfricasTalkingClient
from config import Settings


def install(app: Flask, settings: Settings) -> None:
    """Bind the provider of these settings."""
    app.extensions["sms_provider"] = _client(settings)


def sms_provider() -> AfricasTalkingClient | None:
    """The client, or None while SMS is off."""
    client: AfricasTalkingClient | None = current_app.extensions["sms_provider"]
    return client


def _client(settings: Settings) -> AfricasTalkingClient | None:
    if not settings.africastalking_username or not settings.africastalking_api_key:
        return None
    return AfricasTalkingClient(
        Account(
            username=settings.africastalking_username,
            api_key=settings.africastalking_api_key,
            url=settings.africastalking_api_url,
            sender_id=settings.africastalking_sender_id,
        )
    )
