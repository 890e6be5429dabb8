"""No secret lies in the repository. What looks like one and is not is listed, with what it is instead."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from tests.taste.source import ROOT, listed

ACCEPTED = Path(__file__).with_name("accepted_secrets.csv")
SEEN_TO_ELSEWHERE = (
    "requirements",  # hashes of packages
    "static/htmx-", "static/swagger",  # as their authors published them
    "docs/pictures/",  # drawn from the running system
    "tests/data/",  # samples from providers' documents, with the secrets of their sandboxes
)  # fmt: skip
PLUGINS = (
    "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "DiscordBotTokenDetector", "GitHubTokenDetector",
    "GitLabTokenDetector", "JwtTokenDetector", "KeywordDetector", "NpmDetector", "OpenAIDetector", "PrivateKeyDetector",
    "PypiTokenDetector", "SendGridDetector", "SlackDetector", "StripeDetector", "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)  # fmt: skip


def test_nothing_in_the_repository_looks_like_a_secret_that_nobody_has_looked_at() -> None:
    with ACCEPTED.open(newline="") as file:
        accepted = {(row["path"], row["hash"]) for row in csv.DictReader(file)}

    found = dict(_findings())

    new = {key: words for key, words in found.items() if key not in accepted}
    assert not new, "remove these from the repository and change them, or list them with what they are:\n" + "\n".join(
        f"{path},{digest},{words}" for (path, digest), words in sorted(new.items())
    )


def _findings() -> Iterator[tuple[tuple[str, str], str]]:
    with transient_settings({"plugins_used": [{"name": name} for name in PLUGINS]}):
        for path in listed(""):
            if not path.startswith(SEEN_TO_ELSEWHERE) and path != "tests/taste/accepted_secrets.csv":
                for secret in scan_file(str(ROOT / path)):
                    # The passwords of people whom tests invent open nothing.
                    if not (path.startswith("tests/") and secret.type == "Secret Keyword"):
                        yield (path, secret.secret_hash), f"{secret.type} in line {secret.line_number}"
