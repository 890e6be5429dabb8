"""The store: what comes in goes out unchanged or not at all, whatever somebody does to the rows."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tempfile
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import delete, select, update

from app.kernel import files
from app.kernel.actor import Actor
from app.kernel.database import db
from app.kernel.doorbell import answer
from app.kernel.encryption import Keyring, keyring
from app.kernel.files import FilePart, FileState, Kind, PreviewState, Verdict, chunks, examination, purposes, queries
from app.kernel.files.errors import FileBlocked, FileDamaged, FileDeleted, FileMissing, FileNotReady
from app.kernel.files.jobs import delete_expired
from app.kernel.files.kinds import PAPERS, TABLES
from app.kernel.files.models import StoredFile, StoredFileChunk
from app.kernel.files.purposes import Purpose
from app.kernel.transactions import in_transaction
from tests.harness.apps import apart
from tests.kernel import specimens as made

NAOMI = Actor("staff", "0198-naomi", "web")


@pytest.fixture(autouse=True)
def purpose(app, monkeypatch):
    monkeypatch.setattr(purposes, "_purposes", dict(purposes._purposes))
    purposes.register(Purpose("test", kinds=PAPERS | TABLES, keeping=purposes.EXPORT.keeping))
    purposes.register(Purpose("face", kinds=PAPERS, keeping=purposes.EXPORT.keeping, is_face=True))


def store(content: bytes, name: str = "list.csv", purpose: str = "test") -> UUID:
    with tempfile.TemporaryFile() as sent:
        sent.write(content)
        return in_transaction(lambda: files.store(sent, name=name, purpose=purpose, by=NAOMI))


def examine(app, file_id: UUID) -> None:
    apart(lambda: _in_context(app, lambda: answer("files.examine", str(file_id))))


def _in_context(app, work: Callable[[], None]) -> None:
    with app.app_context():
        work()


def content(file_id: UUID) -> bytes:
    return b"".join(files.read(file_id))


def chunk_rows(file_id: UUID) -> list[bytes]:
    rows = select(StoredFileChunk.sealed).where(StoredFileChunk.file_id == file_id).order_by(StoredFileChunk.number)
    return [bytes(sealed) for sealed in db.session.scalars(rows)]


def table_of(size: int) -> bytes:
    line = os.urandom(16).hex().encode() + b"\r\n"
    return (line * (size // len(line) + 1))[:size]


@pytest.mark.parametrize("size", [1, chunks.CHUNK_BYTES - 1, chunks.CHUNK_BYTES, chunks.CHUNK_BYTES + 1, 1_000_000])
def test_what_comes_in_goes_out_unchanged(app, size):
    sent = table_of(size)

    file_id = store(sent)

    assert content(file_id) == sent
    described = files.describe(file_id)
    assert (described.size_bytes, described.sha256) == (size, hashlib.sha256(sent).digest())
    assert len(chunk_rows(file_id)) == -(-size // chunks.CHUNK_BYTES)


def test_the_database_holds_neither_the_content_nor_the_name(app):
    file_id = store(b"Mary Kamau,28345678\r\n", name="Mary Kamau.csv")

    raw = db.session.execute(
        select(StoredFile.__table__.c.name.cast(db.LargeBinary)).where(StoredFile.id == file_id)
    ).scalar_one()
    assert b"Mary" not in bytes(raw)
    assert all(b"Mary" not in sealed for sealed in chunk_rows(file_id))
    assert files.describe(file_id).name == "Mary Kamau.csv"


def put_chunk(file_id: UUID, number: int, sealed: bytes) -> None:
    where = (StoredFileChunk.file_id == file_id, StoredFileChunk.number == number)
    in_transaction(lambda: db.session.execute(update(StoredFileChunk).where(*where).values(sealed=sealed)))


def flip_a_bit(file_id: UUID, other: UUID) -> None:
    sealed = bytearray(chunk_rows(file_id)[1])
    sealed[len(sealed) // 2] ^= 1
    put_chunk(file_id, 1, bytes(sealed))


def exchange_two(file_id: UUID, other: UUID) -> None:
    first, second, _ = chunk_rows(file_id)
    put_chunk(file_id, 0, second)
    put_chunk(file_id, 1, first)


def take_from_another_file(file_id: UUID, other: UUID) -> None:
    put_chunk(file_id, 1, chunk_rows(other)[1])


def cut_the_end_off(file_id: UUID, other: UUID) -> None:
    last = (StoredFileChunk.file_id == file_id, StoredFileChunk.number == 2)
    in_transaction(lambda: db.session.execute(delete(StoredFileChunk).where(*last)))


def cut_a_chunk_short(file_id: UUID, other: UUID) -> None:
    put_chunk(file_id, 1, chunk_rows(file_id)[1][:5])


def forge_with_our_key(file_id: UUID, other: UUID) -> None:
    """Even whoever has the key but not the place gets nowhere."""
    put_chunk(file_id, 1, keyring().encrypt(b"forged"))


@pytest.mark.parametrize(
    "tamper",
    [flip_a_bit, exchange_two, take_from_another_file, cut_the_end_off, cut_a_chunk_short, forge_with_our_key],
)
def test_a_file_that_was_altered_in_the_store_is_not_given_out(app, caplog, tamper):
    size = 2 * chunks.CHUNK_BYTES + 100
    file_id, other = store(table_of(size)), store(table_of(size))

    tamper(file_id, other)

    with pytest.raises(FileDamaged):
        content(file_id)
    assert [record.message for record in caplog.records if record.name == "security"] == ["stored_file_altered"]
    assert content(other)


def test_chunks_move_to_the_new_key_and_still_fit_their_places(app):
    sent = table_of(3 * chunks.CHUNK_BYTES)
    file_id = store(sent)
    old = app.extensions["keyring"]
    try:
        new = "next:" + base64.b64encode(b"n" * 32).decode()
        app.extensions["keyring"] = Keyring.parse(f"{new},{app.extensions['settings'].encryption_keys}")

        assert in_transaction(chunks.rotate_some) == 3
        assert in_transaction(chunks.rotate_some) == 0

        db.session.expire_all()
        app.extensions["keyring"] = Keyring.parse(new)
        assert b"".join(chunks.read(file_id, FilePart.CONTENT)) == sent
    finally:
        app.extensions["keyring"] = old


def test_rotation_knows_the_chunks(app):
    store(b"a,b\r\n")

    told = apart(lambda: app.test_cli_runner().invoke(args=["keys", "rotate"]))

    assert "stored_file_chunk.sealed: 0 re-encrypted" in told.output, told.output


def test_a_large_file_is_never_whole_in_memory(app):
    with tempfile.TemporaryFile() as sent:
        sent.write(table_of(10 * made.MB))

        tracemalloc.start()
        file_id = in_transaction(lambda: files.store(sent, name="list.csv", purpose="test", by=NAOMI))
        for piece in files.read(file_id):
            assert len(piece) <= chunks.CHUNK_BYTES
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < 5 * made.MB


def test_a_table_that_nobody_scans_is_ready_at_once(app):
    described = files.describe(store(b"a,b\r\n"))

    assert (described.state, described.verdict) == (FileState.READY, Verdict.NOT_SCANNED)
    assert (described.preview, queries.to_examine()) == (PreviewState.NONE, [])


def test_a_photo_leaves_only_once_it_was_made_anew(app):
    file_id = store(made.photo_from_a_phone(), "IMG_1.jpg", "face")
    with pytest.raises(FileNotReady):
        files.read(file_id)
    assert queries.to_examine() == [file_id]

    examine(app, file_id)

    described = files.describe(file_id)
    assert (described.state, described.preview) == (FileState.READY, PreviewState.READY)
    anew = content(file_id)
    assert b"Secret Camera" not in anew
    with Image.open(io.BytesIO(anew)) as image:
        assert dict(image.getexif()) == {}
        assert image.size == (300, 400)  # upright, as it was held
        top, bottom = image.getpixel((150, 50)), image.getpixel((150, 350))
    assert top[0] > 200 and bottom[2] > 200  # red above blue
    assert hashlib.sha256(anew).digest() == described.sha256 != described.received_sha256
    assert queries.to_examine() == []


def test_pictures_of_a_photo_are_small(app):
    file_id = store(made.noisy_jpeg((1800, 1350)), "IMG_1.jpg", "face")

    examine(app, file_id)

    assert files.describe(file_id).size_bytes <= 300_000
    with Image.open(io.BytesIO(content(file_id))) as image:
        assert max(image.size) <= 1600 and image.width * 3 == image.height * 4
    thumbnail, preview = files.read_picture(file_id, FilePart.THUMBNAIL), files.read_picture(file_id, FilePart.PREVIEW)
    assert len(thumbnail) <= 3_000 and len(preview) <= 60_000
    with Image.open(io.BytesIO(thumbnail)) as image:
        assert (image.format, image.size) == ("WEBP", (96, 96))


def test_a_transparent_picture_is_put_on_white(app):
    file_id = store(made.png(), "stamp.png")

    examine(app, file_id)

    described = files.describe(file_id)
    assert (described.kind, described.served_name) == (Kind.JPEG, "stamp.jpg")
    with Image.open(io.BytesIO(content(file_id))) as image:
        assert image.getpixel((10, 10)) == (255, 255, 255)


def test_a_pdf_stays_as_it_is_and_shows_its_first_page(app):
    sent = made.pdf()
    file_id = store(sent, "paper.pdf")

    examine(app, file_id)

    assert content(file_id) == sent
    with Image.open(io.BytesIO(files.read_picture(file_id, FilePart.PREVIEW))) as image:
        assert max(image.size) == 800


def test_a_picture_that_nobody_can_decode_never_leaves(app, monkeypatch):
    from app.kernel.files import workshop

    monkeypatch.setattr(workshop, "_is_whole", lambda *_: True)
    file_id = store(made.jpeg(), "half.jpg")
    half = made.noisy_jpeg((400, 400))[:9_000]
    in_transaction(lambda: chunks.replace(file_id, FilePart.CONTENT, io.BytesIO(half)))

    examine(app, file_id)

    assert files.describe(file_id).state is FileState.UNREADABLE
    with pytest.raises(FileBlocked):
        files.read(file_id)


def test_a_file_over_which_workers_die_is_given_up(app, clock):
    photo, paper = store(made.jpeg(), "ID.jpg"), store(made.pdf(), "paper.pdf")
    for _ in range(examination.MOST_ATTEMPTS):
        for file_id in (photo, paper):
            assert in_transaction(lambda file_id=file_id: examination.claim(file_id)) is not None
        clock.forward(seconds=examination.LEASE_SECONDS + 1)

    examine(app, photo)
    examine(app, paper)

    assert files.describe(photo).state is FileState.UNREADABLE
    assert (files.describe(paper).state, files.describe(paper).preview) == (FileState.READY, PreviewState.FAILED)
    assert content(paper).startswith(b"%PDF-")
    assert queries.to_examine() == []


def test_a_worker_that_comes_back_late_changes_nothing(app, clock):
    file_id = store(made.jpeg(), "ID.jpg")
    late = in_transaction(lambda: examination.claim(file_id))
    clock.forward(seconds=examination.LEASE_SECONDS + 1)
    examine(app, file_id)
    before = files.describe(file_id)

    with pytest.raises(examination.leases.LeaseLost):
        in_transaction(lambda: examination.finish(late, None))

    assert files.describe(file_id) == before


def export(app) -> UUID:
    return in_transaction(lambda: files.store(io.BytesIO(b"a\r\n"), name="a.csv", purpose="export", by=NAOMI))


def test_an_export_is_deleted_after_a_week_and_its_row_says_so(app, clock):
    file_id, kept = export(app), store(b"a\r\n")
    in_transaction(lambda: files.set_keep_until([kept], None))
    clock.forward(days=6, hours=23)
    apart(lambda: _in_context(app, delete_expired))
    assert content(file_id) == b"a\r\n"

    clock.forward(hours=2)
    apart(lambda: _in_context(app, delete_expired))

    db.session.expire_all()
    with pytest.raises(FileDeleted, match="deleted on"):
        files.read(file_id)
    assert chunk_rows(file_id) == []
    assert content(kept) == b"a\r\n"


def test_a_legal_hold_keeps_a_file_beyond_its_time(app, clock):
    file_id = export(app)
    in_transaction(lambda: files.hold(file_id, "Case 12/2026", by=NAOMI))
    clock.forward(days=30)

    apart(lambda: _in_context(app, delete_expired))
    db.session.expire_all()
    assert content(file_id) == b"a\r\n"

    in_transaction(lambda: files.release(file_id, by=NAOMI))
    apart(lambda: _in_context(app, delete_expired))
    db.session.expire_all()
    assert files.describe(file_id).state is FileState.DELETED


def test_many_expired_files_go_in_handfuls(app, clock, monkeypatch):
    monkeypatch.setattr("app.kernel.files.service.DELETED_TOGETHER", 2)
    ids = [export(app) for _ in range(5)]
    clock.forward(days=8)

    apart(lambda: _in_context(app, delete_expired))

    db.session.expire_all()
    assert {files.describe(file_id).state for file_id in ids} == {FileState.DELETED}


def test_there_is_no_file_of_an_id_that_nobody_gave(app):
    with pytest.raises(FileMissing):
        files.read(UUID(int=1))


def test_how_long_a_file_is_kept_is_what_the_policy_of_its_day_says(app, clock):
    from datetime import date

    from app.kernel.files import Keeping

    policies = (Keeping(date(2000, 1, 1), 30, "old by-law"), Keeping(date(2026, 12, 1), 90, "new by-law"))
    meant = Purpose("dated", kinds=TABLES, keeping=policies)

    clock.set("2026-11-30T20:59+00:00")
    assert meant.keep_until(clock()) - clock() == timedelta(days=30)
    clock.set("2026-11-30T21:00+00:00")  # midnight in Nairobi
    assert meant.keep_until(clock()) - clock() == timedelta(days=90)


def flask(app, *args: str):
    return apart(lambda: app.test_cli_runner().invoke(args=["files", *args]))


def test_an_operator_holds_and_releases_a_file(app):
    file_id = export(app)

    assert flask(app, "hold", str(file_id), "--reason", "Case 12/2026").exit_code == 0
    db.session.expire_all()
    assert files.describe(file_id).held_because == "Case 12/2026"

    assert flask(app, "release", str(file_id)).exit_code == 0
    db.session.expire_all()
    assert files.describe(file_id).held_because is None
    assert "no such file" in flask(app, "hold", str(UUID(int=1)), "--reason", "x").output


def test_an_operator_finds_what_was_altered(app):
    size = 2 * chunks.CHUNK_BYTES + 100
    whole, altered = store(table_of(size)), store(table_of(size))
    assert flask(app, "verify").output == "2 files, 0 damaged\n"

    flip_a_bit(altered, whole)

    told = flask(app, "verify")
    assert (told.exit_code, told.output) == (1, f"{altered}: damaged or altered\n2 files, 1 damaged\n")
