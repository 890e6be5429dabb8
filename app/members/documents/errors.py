"""What is refused about members' documents, in words."""

from __future__ import annotations

from app.kernel.errors import Conflict, Invalid, Missing
from app.members.documents.models import DocumentKind


class DocumentMissing(Missing):
    """There is no such document, or it is not this person's to see."""

    code = "document_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such document.")


class AlreadyThere(Invalid):
    """A member has one document of this kind at a time."""

    code = "document_already_there"
    status = 409

    def __init__(self, kind: DocumentKind) -> None:
        sentence = f"There is a document of this kind already ({kind.label}). Open it and replace it."
        super().__init__({"kind": sentence}, f"{sentence} Nothing was saved.")


class DocumentEnded(Conflict):
    """It was removed or replaced; what is history stays as it is."""

    code = "document_ended"

    def __init__(self) -> None:
        super().__init__("This document was removed or replaced meanwhile. Nothing was changed.")


class AlreadyVerified(Conflict):
    """Somebody was faster."""

    code = "document_already_verified"

    def __init__(self) -> None:
        super().__init__("This document is verified already. Nothing was changed.")


class SecondPersonNeeded(Conflict):
    """Who added a document does not verify it."""

    code = "second_person_needed"

    def __init__(self) -> None:
        super().__init__("You added this document, so somebody else must verify it. Nothing was changed.")


class NotYetChecked(Conflict):
    """Nobody can verify what nobody can see."""

    code = "document_not_checked"

    def __init__(self) -> None:
        super().__init__("This file cannot be shown, so it cannot be verified. Nothing was changed.")
