"""Where M-PESA's messages come from: a second control beside the secret address."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from flask import current_app

from config import ConfigurationError, Settings

PUBLISHED_SOURCES = (
    "196.201.214.200",
    "196.201.214.206",
    "196.201.214.207",
    "196.201.214.208",
    "196.201.213.114",
    "196.201.213.44",
    "196.201.212.127",
    "196.201.212.138",
    "196.201.212.129",
    "196.201.212.136",
    "196.201.212.74",
    "196.201.212.69",
)
"""Safaricom's own list (rechecked September 2026). Two more, .212.128 and .132, are unconfirmed and left out."""

SANDBOX_SOURCES = ("127.0.0.1", "::1")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_mpesa(address: str) -> bool:
    """Whether a message from this peer may be M-PESA's. An address that cannot be read is nobody's."""
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
        peer = peer.ipv4_mapped
    return any(peer in network for network in _allowed())


def check() -> None:
    """Refuse to start with a list that cannot be read. Raises ConfigurationError."""
    try:
        _allowed()
    except ValueError as wrong:
        raise ConfigurationError(f"MPESA_CALLBACK_ALLOWLIST must hold addresses or networks: {wrong}.") from None


def read_list(text: str) -> Sequence[Network]:
    """``196.201.214.0/24, 196.201.213.44`` as networks. Raises ValueError."""
    return [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]


def _allowed() -> Sequence[Network]:
    settings: Settings = current_app.extensions["settings"]
    listed = settings.mpesa_callback_allowlist or ",".join(PUBLISHED_SOURCES)
    if not settings.is_production:  # the sandbox is on this machine: relaxation C11, C117
        listed += "," + ",".join(SANDBOX_SOURCES)
    return read_list(listed)
