"""The society: its branches and the day it is in."""

from __future__ import annotations

from flask import Blueprint

from app.api.endpoints import scoped
from app.kernel import clock
from app.ledger import queries
from app.ledger.answers import BranchAnswer, Branches, BusinessDate
from app.ledger.values import Branch

bp = Blueprint("society_api", __name__, url_prefix="/api/society")


@bp.get("/branches")
@scoped("society.read", answer=Branches)
def branches() -> Branches:
    """Every branch of the society."""
    return Branches.of(queries.branches(), _branch)


@bp.get("/business-date")
@scoped("society.read", answer=BusinessDate)
def business_date() -> BusinessDate:
    """The business date: it moves at midnight in Nairobi, once the day before is closed."""
    return BusinessDate(business_date=clock.business_date())


def _branch(branch: Branch) -> BranchAnswer:
    return BranchAnswer(id=branch.id, code=branch.code, name=branch.name, is_active=branch.is_active)
