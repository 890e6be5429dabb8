"""Daraja's words for what went wrong: error envelopes before acceptance, result codes after it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, jsonify

from sandbox.daraja import identifiers


class DarajaError(Exception):
    """A refusal before anything was executed: envelope E1 of reference/mpesa.md 1.3."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def response(self) -> Response:
        answer = jsonify(requestId=identifiers.request_id(), errorCode=self.code, errorMessage=self.message)
        answer.status_code = self.status
        return answer


def invalid(field: str) -> DarajaError:
    """One field is bad; the text names it."""
    return DarajaError("400.002.02", f"Bad Request - Invalid {field}", 400)


def unreadable() -> DarajaError:
    return DarajaError("400.002.05", "Invalid Request Payload", 400)


def not_found() -> DarajaError:
    return DarajaError("404.001.01", "Resource not found", 404)


def wrong_header() -> DarajaError:
    return DarajaError("404.001.04", "Invalid Authentication Header", 404)


def wrong_method(method: str) -> DarajaError:
    return DarajaError("405.001", f"{method} Method Not Allowed", 405)


def internal() -> DarajaError:
    return DarajaError("500.003.1001", "Internal Server Error", 500)


def unknown_merchant() -> DarajaError:
    return DarajaError("500.001.1001", "Merchant does not exist", 500)


def wrong_credentials() -> DarajaError:
    return DarajaError("500.001.1001", "[MerchantValidate] - Wrong credentials", 500)


def busy_subscriber() -> DarajaError:
    return DarajaError("500.001.1001", RESULTS["1001"], 500)


def being_processed() -> DarajaError:
    return DarajaError("500.001.1001", "The transaction is being processed", 500)


RESULTS: Mapping[str, str] = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "2": "Declined due to limit rule",
    "3": "Declined due to limit rule: greater than the maximum transaction amount.",
    "4": "Declined due to limit rule: would exceed daily transfer limit.",
    "8": "Declined due to limit rule: would exceed the maximum balance.",
    "17": "Rule limited.",
    "26": "System busy / traffic blocking",
    "1001": "Unable to lock subscriber, a transaction is already in process for the current subscriber",
    "1019": "Transaction has expired",
    "1025": "An error occurred while sending a push request",
    "1032": "Request cancelled by user",
    "1037": "DS timeout user cannot be reached",
    "2001": "The initiator information is invalid.",
    "2002": "Agent number and Store number do not match",
    "2028": "The request is not permitted according to product assignment.",
    "2029": "The request is not permitted according to product assignment.",
    "4999": "The transaction is still under processing",
    "8006": "The security credential is locked.",
    "9999": "Error sending push request",
    "SFC_IC0003": "The operator does not exist.",
}
"""Result codes of an STK attempt and their texts, reference/mpesa.md 3.4."""

NO_RESPONSE = "No response from user."
"""The other text of 1037: the prompt was on the phone and nobody touched it."""

REFUSALS: Mapping[str, tuple[str, str, int]] = {
    "500.003.02": ("500.003.02", "Error Occurred: Spike Arrest Violation", 500),
    "busy": ("500.003.02", "System is busy. Please try again in few minutes.", 500),
    "500.003.03": ("500.003.03", "Quota Violation", 500),
    "500.002.1001": ("500.002.1001", "Service is currently under maintenance. Please try again later", 500),
    "500.003.1001": ("500.003.1001", "Internal Server Error", 500),
}
"""What the fault ``refused`` can answer, by its ``code``."""


def refusal(name: str = "500.003.02") -> DarajaError:
    """One of the gateway's refusals; the spike arrest when nothing else is said."""
    return DarajaError(*REFUSALS[name])
