"""What files of members are kept for, and how long."""

from __future__ import annotations

from datetime import date

from app.kernel.files import IMAGES, PAPERS, Keeping, Purpose

YEARS_AFTER_MEMBERSHIP = 7  # POCAMLA as amended in 2023: records stay 7 years from the end of the relationship

_WHILE_A_MEMBER = Keeping(
    since=date(2026, 1, 1),
    days=None,  # a job of this room dates them once the membership has ended
    source="Proceeds of Crime and Anti-Money Laundering Act, as amended in 2023: the relationship and 7 years",
)

DOCUMENT = Purpose("member_document", kinds=PAPERS, keeping=(_WHILE_A_MEMBER,))
PHOTO = Purpose("member_photo", kinds=IMAGES, keeping=(_WHILE_A_MEMBER,), is_face=True)
