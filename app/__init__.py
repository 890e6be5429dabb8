"""create_app(): the table of contents of Pamoja. The one place that knows every room and wires them together."""

from __future__ import annotations

from flask import Flask
from flask_migrate import Migrate
from redis import Redis

from app import audit
from app.api import problems
from app.api import views as api_tokens
from app.api.document import views as api_document
from app.api.webhooks import jobs as webhook_jobs
from app.api.webhooks import queries as webhooks_queries
from app.api.webhooks import views as webhook_views
from app.api.webhooks.errors import DeliveryMissing, SubscriptionMissing
from app.approvals import jobs as approvals_jobs
from app.approvals import queries as approvals_queries
from app.approvals import registry as approvals
from app.approvals import stand_ins
from app.approvals import views as approvals_views
from app.approvals.errors import ApprovalMissing, DelegationMissing
from app.approvals.views.requests import waiting_for_me
from app.audit import commands as audit_commands
from app.audit import sealing as audit_sealing
from app.audit import tables as audit_tables
from app.audit import views as audit_views
from app.dayend import commands as dayend_commands
from app.dayend import jobs as dayend_jobs
from app.dayend import steps as dayend_steps
from app.dayend import views as dayend_views
from app.demo import commands as demo_commands
from app.fees import decisions as fees_decisions
from app.fees import queries as fees_queries
from app.fees import registration as fees_registration
from app.fees import verify as fees_verify
from app.fees import views as fees_views
from app.fees.errors import TariffMissing
from app.identity import commands as identity_commands
from app.identity import followers as staff_followers
from app.identity import jobs as identity_jobs
from app.identity import queries as identity_queries
from app.identity import views as identity_views
from app.identity.errors import RoleMissing, StaffMissing, TokenMissing
from app.kernel import announcements, rotation
from app.kernel import clock as kernel_clock
from app.kernel.database import ENGINE_OPTIONS, db
from app.kernel.encryption import Keyring
from app.kernel.files import chunks as file_chunks
from app.kernel.files import commands as files_commands
from app.kernel.files import jobs as files_jobs
from app.kernel.files import purposes as file_purposes
from app.kernel.files import witness as file_witness
from app.kernel.files.errors import FileMissing
from app.ledger import api as ledger_api
from app.ledger import commands as ledger_commands
from app.ledger import entries, journals, reversals
from app.ledger import queries as ledger_queries
from app.ledger import verify as ledger_verify
from app.ledger import views as ledger_views
from app.members import api as members_api
from app.members import carers, followers
from app.members import queries as members_queries
from app.members import views as members_views
from app.members.access import views as access_views
from app.members.documents import jobs as document_jobs
from app.members.documents import purposes as document_purposes
from app.members.documents import queries as document_queries
from app.members.documents import views as document_views
from app.members.documents.errors import DocumentMissing
from app.members.errors import MemberMissing
from app.messaging import commands as messaging_commands
from app.messaging import jobs as messaging_jobs
from app.messaging import provider as sms_provider
from app.messaging import views as messaging_views
from app.messaging.errors import MessageMissing
from app.ops import jobs as ops_jobs
from app.ops import metrics, sentry, start
from app.ops import requests as ops_requests
from app.ops import views as ops_views
from app.payments import api as payments_api
from app.payments import destinations, hooks, rails
from app.payments import jobs as payments_jobs
from app.payments import queries as payments_queries
from app.payments import views as payments_views
from app.payments.destinations import Purpose
from app.payments.errors import PaymentMissing
from app.payments.rails.mpesa import api as mpesa_api
from app.payments.rails.mpesa import callbacks as mpesa_callbacks
from app.payments.rails.mpesa import jobs as mpesa_jobs
from app.payments.rails.mpesa import views as mpesa_views
from app.payments.rails.mpesa.rail import MpesaRail
from app.savings import api as savings_api
from app.savings import decisions as savings_decisions
from app.savings import queries as savings_queries
from app.savings import service as savings_service
from app.savings import verify as savings_verify
from app.savings import views as savings_views
from app.savings.errors import AccountMissing, ProductMissing
from app.society import queries as society_queries
from app.society import views as society_views
from app.society.errors import BranchMissing
from app.web import (
    access,
    belongings,
    directories,
    downloads,
    errors,
    finders,
    frame,
    home,
    limits,
    nav,
    owners,
    profile,
    reach,
    reads,
    search,
    settings_places,
    two_people,
    uploads,
)
from app.web import settings as settings_home
from config import Settings

migrate = Migrate(directory="migrations", compare_type=True)

BACK_OFFICE = "Back office"
REDIS_TIMEOUT_SECONDS = 2  # the doorbell may be out of order; nobody waits for it long


def create_app(settings: Settings, *, clock: kernel_clock.Clock = kernel_clock.system_clock) -> Flask:
    """Build the application for these settings; a test may hand in its own clock."""
    app = Flask(__name__, template_folder="../templates", static_folder=None)
    _ground(app, settings, clock)
    _manners(app, settings)
    _rooms(app)
    with app.app_context():
        if settings.is_production:
            start.refuse_debugging(app)
            start.refuse_strong_role()
        _money_in()
        announcements.listen("webhooks.pass_on")
        _members_accounts()
        _belongings(app)
        _files()
        _close_of_day()
        audit_tables.install()
        _two_people()
        settings_places.install()
        _places()
        _searches()
    return app


def _ground(app: Flask, settings: Settings, clock: kernel_clock.Clock) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=_driver(settings.database_url),
        DATABASE_OWNER_URL=_driver(settings.database_owner_url or settings.database_url),
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS,
        MAX_CONTENT_LENGTH=1_000_000,
    )
    sentry.install(settings)
    app.extensions["settings"] = settings
    app.extensions["clock"] = clock
    app.extensions["business_date"] = ledger_queries.business_date
    app.extensions["keyring"] = Keyring.parse(settings.encryption_keys)
    app.extensions["redis"] = Redis.from_url(
        settings.redis_url, socket_connect_timeout=REDIS_TIMEOUT_SECONDS, health_check_interval=30
    )
    db.init_app(app)
    migrate.init_app(app, db)


def _manners(app: Flask, settings: Settings) -> None:
    """What every request meets: its number, the limits, the gate, the look, and words for what goes wrong."""
    ops_requests.install(app, settings)
    metrics.install(app)
    limits.install(app, settings)
    frame.install(app, settings)
    uploads.install(app)
    access.install(app, settings)
    errors.install(app)
    problems.install(app)
    sms_provider.install(app, settings)
    directories.install(app)
    reads.install(app)
    owners.install()


def _rooms(app: Flask) -> None:
    for views in (
        home.bp,
        search.bp,
        ops_views.bp,
        identity_views.bp,
        api_tokens.bp,
        webhook_views.bp,
        approvals_views.bp,
        audit_views.bp,
        ledger_views.bp,
        members_views.bp,
        access_views.bp,
        document_views.bp,
        downloads.bp,
        profile.bp,
        savings_views.bp,
        payments_views.bp,
        fees_views.bp,
        hooks.bp,
        messaging_views.bp,
        messaging_views.hooks,
        mpesa_views.bp,
        settings_home.bp,
        society_views.bp,
        mpesa_api.bp,
        api_document.bp,
        members_api.bp,
        savings_api.bp,
        payments_api.bp,
        ledger_api.bp,
        dayend_views.bp,
    ):
        app.register_blueprint(views)
    for commands in (
        audit_commands.audit,
        demo_commands.demo,
        identity_commands.users,
        messaging_commands.cli,
        rotation.keys,
        files_commands.files,
        ledger_commands.ledger,
        dayend_commands.dayend,
    ):
        app.cli.add_command(commands)


def _money_in() -> None:
    """Who takes money for what, and which rails carry it."""
    destinations.register(
        Purpose.SAVINGS_DEPOSIT,
        find=savings_queries.by_number,
        receive=savings_service.deposit,
        accounts_of=savings_queries.accounts_of,
        describe=savings_queries.describe,
        check_prompt=savings_service.check_prompt,
    )
    # After savings: a member's number alone means the normal account, and the fee only where there is none yet.
    destinations.register(
        Purpose.REGISTRATION_FEE,
        find=fees_registration.find,
        receive=fees_registration.receive,
        accounts_of=fees_registration.accounts_of,
        describe=fees_registration.describe,
        check_prompt=fees_registration.check_prompt,
    )
    rails.register(MpesaRail())
    mpesa_callbacks.register()


def _members_accounts() -> None:
    """Rooms that follow a member who leaves or moves, and what the ledger's verification compares with them."""
    followers.register(
        "savings",
        in_the_way_of_leaving=savings_queries.in_the_way_of_leaving,
        move_to_branch=savings_service.move_to_branch,
    )
    followers.register(
        "fees",
        in_the_way_of_leaving=fees_registration.in_the_way_of_leaving,
        move_to_branch=fees_registration.move_to_branch,
        joined=fees_registration.joined,
    )
    staff_followers.register("members", looked_after=carers.looked_after, hand_over=carers.hand_over)
    ledger_verify.register("savings accounts", savings_verify.compare)
    ledger_verify.register("fees", fees_verify.compare)
    reversals.allow(fees_registration.CAUSE)  # a fee is waived by reversing its entry


def _two_people() -> None:
    """What needs a second person: each room's commands, by name."""
    two_people.install()
    for command in (*fees_decisions.COMMANDS, *savings_decisions.COMMANDS):
        approvals.register(command)


def _belongings(app: Flask) -> None:
    """Where the records belong that addresses name, so that the gate can tell who reaches them."""
    reach.locate(app, "member_id", members_queries.whereabouts, missing=MemberMissing)
    reach.locate(app, "account_id", savings_queries.whereabouts, missing=AccountMissing)
    reach.locate(app, "member_number", members_queries.whereabouts_by_number, missing=MemberMissing)
    reach.locate(app, "account_number", savings_queries.whereabouts_by_number, missing=AccountMissing)
    reach.locate(app, "product_id", savings_queries.product_whereabouts, missing=ProductMissing)
    reach.locate(app, "payment_id", payments_queries.whereabouts, missing=PaymentMissing)
    reach.locate(app, "allocation_id", payments_queries.share_whereabouts, missing=PaymentMissing)
    reach.locate(app, "payment_reference", mpesa_api.whereabouts, missing=PaymentMissing)
    reach.locate(app, "message_id", belongings.message, missing=MessageMissing)
    reach.locate(app, "staff_id", identity_queries.whereabouts, missing=StaffMissing)
    reach.locate(app, "session_id", identity_queries.session_whereabouts)
    reach.locate(app, "token_id", identity_queries.token_whereabouts, missing=TokenMissing)
    reach.locate(app, "tariff_id", fees_queries.whereabouts, missing=TariffMissing)
    reach.locate(app, "approval_id", approvals_queries.whereabouts, missing=ApprovalMissing)
    reach.locate(app, "delegation_id", stand_ins.whereabouts, missing=DelegationMissing)
    reach.locate(app, "branch_code", society_queries.branch_whereabouts, missing=BranchMissing)
    reach.locate(app, "document_id", document_queries.whereabouts, missing=DocumentMissing)
    reach.locate(app, "file_id", downloads.whereabouts, missing=FileMissing)
    reach.locate(app, "entry_id", entries.whereabouts)
    reach.locate(app, "subscription_id", webhooks_queries.whereabouts, missing=SubscriptionMissing)
    reach.locate(app, "delivery_id", webhooks_queries.delivery_whereabouts, missing=DeliveryMissing)
    reach.names_no_record(app, "command_name", "text_name", "language", "kind", "step")
    reach.locate(app, "role_code", identity_queries.role_whereabouts, missing=RoleMissing)


def _files() -> None:
    """What files are kept for, and what is sealed in a way of its own."""
    file_witness.call(
        "audit",
        lambda action, file_id, by, facts: audit.record(action, subject=("file", file_id), by=by, after=facts),
    )
    file_purposes.register(document_purposes.DOCUMENT)
    file_purposes.register(document_purposes.PHOTO)
    file_purposes.register(journals.VOUCHER)
    rotation.also("stored_file_chunk.sealed", file_chunks.rotate_some)


def _close_of_day() -> None:
    """What the close of each day does before the ledger's seal."""
    dayend_steps.add("audit_close", "Last page of the audit trail", audit_sealing.close_day)
    dayend_steps.add("audit_seal", "Seal of the audit trail", audit_sealing.seal_day)


def _places() -> None:
    nav.register("Home", "home.show", None, 10, "home", narrow=True)
    nav.register("Members", "members.index", "members.view", 20, "members", narrow=True)
    nav.register("Payments", "payments.index", "payments.view", 30, "payments", narrow=True)
    nav.register("To allocate", "payments.suspense", "payments.allocate", 40, "check", narrow=True)
    nav.register("Approvals", "approvals.index", None, 45, "decide", waiting=waiting_for_me)
    nav.register("Messages", "messaging.index", "messaging.view", 60, "message", group=BACK_OFFICE)
    nav.register("Ledger", "ledger.index", "ledger.view", 65, "book", group=BACK_OFFICE)
    nav.register("Audit trail", "audit.show", "audit.view", 70, "book", group=BACK_OFFICE)
    nav.register("Close of day", "dayend.show", "dayend.run", 75, "check", group=BACK_OFFICE)
    nav.register("Settings", "settings.show", "settings.view", 99, "settings", group=BACK_OFFICE)


def _searches() -> None:
    search.register("Members", "members.view", finders.members)
    search.register("Savings accounts", "savings.view", finders.accounts)
    search.register("Receipts", "payments.view", finders.receipts)


def _driver(url: str) -> str:
    """The same address, spoken to with psycopg 3 whichever way it was written."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


JOBS = (
    approvals_jobs,
    dayend_jobs,
    document_jobs,
    files_jobs,
    identity_jobs,
    messaging_jobs,
    mpesa_jobs,
    ops_jobs,
    payments_jobs,
    webhook_jobs,
)
"""Rooms whose jobs answer the doorbell: naming them here is what registers them."""
