"""A Daraja client as anybody would write one from the documents: it knows nothing of this project's own client."""

from __future__ import annotations

import base64
from typing import Any

import requests

TIMESTAMP = "20261122104400"


class Daraja:
    """Somebody's client, with the sandbox's public credentials."""

    def __init__(self, credentials: dict[str, str], *, timeout: float = 10) -> None:
        self.credentials = credentials
        self.timeout = timeout
        self.token = ""

    def sign_in(self) -> str:
        answer = requests.get(
            self.credentials["api_url"] + "/oauth/v1/generate?grant_type=client_credentials",
            auth=(self.credentials["consumer_key"], self.credentials["consumer_secret"]),
            timeout=self.timeout,
        )
        answer.raise_for_status()
        self.token = answer.json()["access_token"]
        return self.token

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        if not self.token:
            self.sign_in()
        return requests.post(
            self.credentials["api_url"] + path,
            json=body,
            headers={"Authorization": f"Bearer {self.token}", **headers},
            timeout=self.timeout,
        )

    def password(self, timestamp: str = TIMESTAMP) -> str:
        text = self.credentials["shortcode"] + self.credentials["passkey"] + timestamp
        return base64.b64encode(text.encode()).decode()

    def push_body(self, phone: str, url: str, **changes: Any) -> dict[str, Any]:
        return {
            "BusinessShortCode": self.credentials["shortcode"],
            "Password": self.password(),
            "Timestamp": TIMESTAMP,
            "TransactionType": "CustomerPayBillOnline",
            "Amount": 250,
            "PartyA": phone,
            "PartyB": self.credentials["shortcode"],
            "PhoneNumber": phone,
            "CallBackURL": url,
            "AccountReference": "SV000123",
            "TransactionDesc": "Deposit",
            **changes,
        }

    def push(self, phone: str, url: str, **changes: Any) -> requests.Response:
        return self.post("/mpesa/stkpush/v1/processrequest", self.push_body(phone, url, **changes))

    def query(self, checkout_request_id: str) -> requests.Response:
        return self.post(
            "/mpesa/stkpushquery/v1/query",
            {
                "BusinessShortCode": self.credentials["shortcode"],
                "Password": self.password(),
                "Timestamp": TIMESTAMP,
                "CheckoutRequestID": checkout_request_id,
            },
        )

    def register(self, confirmation: str, validation: str, *, version: str = "v2", **changes: Any) -> requests.Response:
        body = {
            "ShortCode": self.credentials["shortcode"],
            "ResponseType": "Completed",
            "ConfirmationURL": confirmation,
            "ValidationURL": validation,
        }
        return self.post(f"/mpesa/c2b/{version}/registerurl", {**body, **changes})

    def simulate(self, phone: str, amount: int, account: str, **changes: Any) -> requests.Response:
        body = {
            "ShortCode": int(self.credentials["shortcode"]),
            "CommandID": "CustomerPayBillOnline",
            "Amount": amount,
            "Msisdn": int(phone),
            "BillRefNumber": account,
        }
        return self.post("/mpesa/c2b/v2/simulate", {**body, **changes})
