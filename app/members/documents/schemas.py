"""What a person types about a document."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.kernel.fields import PlainLine
from app.kernel.forms import Form
from app.members.documents.models import DocumentKind


class NewDocument(Form):
    """What the file is."""

    kind: DocumentKind
    note: Annotated[PlainLine, Field(max_length=120)] | None = None


class Replacement(Form):
    """A newer file of the same kind."""

    note: Annotated[PlainLine, Field(max_length=120)] | None = None


class Removal(Form):
    """Why a document no longer counts."""

    reason: Annotated[PlainLine, Field(min_length=5, max_length=300)]


class Verification(Form):
    """That somebody has compared it with the paper: nothing to type."""
