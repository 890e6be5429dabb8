"""What is sent to us by those who mean no good, or know no better: refused in words, quickly, and nothing is saved."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pikepdf
import pytest

from app.kernel import files
from app.kernel.files import confinement, names, purposes, workshop
from app.kernel.files.errors import FileRefused, FileTooLarge
from app.kernel.files.kinds import PAPERS, TABLES, Kind
from app.kernel.files.purposes import LARGEST_BYTES, Purpose
from tests.kernel import specimens as made

FOREVER = purposes.EXPORT.keeping


@pytest.fixture(autouse=True)
def kept_for_tests(app, monkeypatch):
    monkeypatch.setattr(purposes, "_purposes", dict(purposes._purposes))
    purposes.register(Purpose("test", kinds=PAPERS | TABLES, keeping=FOREVER))


def send(name: str, content: bytes) -> files.Received:
    with tempfile.TemporaryFile() as sent:
        sent.write(content)
        return files.receive(sent, name=name, purpose="test")


def why_not(name: str, content: bytes) -> str:
    with pytest.raises(FileRefused) as refused:
        send(name, content)
    return refused.value.errors["file"]


TAKEN = {
    "photo.jpg": made.jpeg(),
    "PHOTO.JPEG": made.jpeg(),
    "scan.png": made.png(),
    "paper.pdf": made.pdf(),
    "book.xlsx": made.workbook(),
    "list.csv": "Name,Amount\r\nÑyambura,12\r\n".encode(),
    "from-excel.csv": "Name;Café\r\n".encode("cp1252"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_what_it_says_is_taken(name):
    assert send(name, TAKEN[name]).kind is Kind.of_name(name)


HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

NOT_WHAT_THEY_SAY = {
    "html.pdf": HTML,
    "html.jpg": HTML,
    "html.csv": HTML,
    "svg.png": SVG,
    "svg.csv": SVG,
    "png.jpg": made.png(),
    "jpeg.png": made.jpeg(),
    "pdf.csv": made.pdf(),
    "archive.csv": made.workbook(),
    "archive.xlsx": made.archive({"malware.exe": b"MZ"}),
    "leading-space.pdf": b"   " + made.pdf(),
}


@pytest.mark.parametrize("name", NOT_WHAT_THEY_SAY)
def test_a_file_whose_content_is_not_what_its_name_says_is_refused(name):
    assert why_not(name, NOT_WHAT_THEY_SAY[name]) == workshop.NOT_WHAT_IT_SAYS


@pytest.mark.parametrize(
    "name", ["page.html", "logo.svg", "run.py", "book.xlsm", "letter.docx", "noending", "a.jpg.exe"]
)
def test_what_is_not_on_the_list_is_refused_whatever_is_in_it(name):
    sentence = why_not(name, made.jpeg())

    assert sentence.startswith("This is not a kind of file that is taken here. Send one that ends in .jpg, .png")


def test_apples_own_format_is_refused_with_what_to_do():
    assert "Most compatible" in why_not("IMG_0001.HEIC", b"\0\0\0\x18ftypheic")


TWO_IN_ONE = {
    "archive-behind.jpg": made.jpeg() + made.workbook(),
    "archive-behind.png": made.png() + made.workbook(),
    "archive-behind.pdf": made.pdf() + made.workbook(),
    "pdf-inside.jpg": made.jpeg()[:20] + b"%PDF-1.7" + made.jpeg()[20:],
}


@pytest.mark.parametrize("name", TWO_IN_ONE)
def test_a_file_that_is_two_things_at_once_is_refused(name):
    assert "two kinds of file in one" in why_not(name, TWO_IN_ONE[name])


BROKEN = {
    "half.jpg": made.noisy_jpeg((600, 600))[:20_000],
    "half.png": made.png()[:60],
    "half.pdf": made.pdf()[:40],
    "half.xlsx": made.workbook()[:60],
    "lying.xlsx": made.zip_bomb_that_lies(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_file_is_refused(name):
    assert why_not(name, BROKEN[name]) == workshop.DAMAGED


ACTIVE = {
    "script": (made.with_script, "holds a program"),
    "script on a page": (made.with_script_on_a_page, "holds a program"),
    "launch": (made.with_launch, "holds a program"),
    "attachment": (made.with_attachment, "Other files are packed into"),
}


@pytest.mark.parametrize("what", ACTIVE)
def test_a_pdf_that_does_more_than_show_is_refused(what):
    change, words = ACTIVE[what]

    assert words in why_not("paper.pdf", made.pdf(change))


def test_a_pdf_behind_a_password_is_refused():
    for user in ("secret", ""):
        locked = made.pdf(encryption=pikepdf.Encryption(owner="owner", user=user))
        assert "protected by a password" in why_not("paper.pdf", locked)


@pytest.mark.parametrize("content", [b"Name,Amount\r\nMary,\x0012\r\n", b"Name\x1b[2J\r\n", b"\xff\xfeN\0a\0m\0e\0"])
def test_a_table_with_characters_that_no_text_has_is_refused(content):
    assert "not a plain CSV table" in why_not("list.csv", content)


def test_a_workbook_with_macros_is_refused():
    assert "holds macros" in why_not("book.xlsx", made.workbook({"xl/vbaProject.bin": b"x"}))


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded():
    bomb = made.png_that_declares(20_000, 20_000)

    started = time.monotonic()
    assert "more than 50 million pixels" in why_not("bomb.png", bomb)
    assert time.monotonic() - started < 3  # a busy machine; the work itself takes a tenth of a second


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_is_unpacked():
    bomb = made.zip_bomb()
    assert len(bomb) < 2 * made.MB

    started = time.monotonic()
    assert "unpacks to far more" in why_not("bomb.xlsx", bomb)
    assert time.monotonic() - started < 1


def test_an_archive_of_very_many_files_is_refused():
    crowd = {f"xl/worksheets/sheet{n}.xml": b"x" for n in range(workshop.MOST_SHEETS_FILES)}

    assert "unpacks to far more" in why_not("book.xlsx", made.workbook(crowd))


def test_a_file_may_have_ten_megabytes_and_not_a_byte_more():
    largest = b"a,b\r\n" * (LARGEST_BYTES // 5)
    largest += b"x" * (LARGEST_BYTES - len(largest))

    assert send("list.csv", largest).digest.size_bytes == 10 * made.MB
    with pytest.raises(FileTooLarge) as refused:
        send("list.csv", largest + b"x")

    assert (refused.value.status, refused.value.errors["file"]) == (
        413,
        "This file is larger than 10 MB. Send a smaller one.",
    )


def test_an_empty_file_is_refused():
    assert "empty" in why_not("photo.jpg", b"")


DEATHS = {
    "takes all memory": "x = bytearray(4 << 30)",
    "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "answers without end": "import sys; sys.stdout.buffer.write(bytes(64 << 20))",
    "never ends": "while True: pass",
}


@pytest.mark.parametrize("how", DEATHS)
def test_a_file_over_which_the_decoder_is_lost_costs_nothing_but_that_file(how, monkeypatch, tmp_path):
    """A stand-in for a decoder with a hole, inside the same limits."""
    own = Path(workshop.__file__).read_text().replace("CPU_SECONDS = 10", "CPU_SECONDS = 1")
    place = "    task, ending = arguments[:2]\n    try:\n"
    assert place in own
    stand_in = tmp_path / "workshop.py"
    stand_in.write_text(own.replace(place, f"{place}        exec({DEATHS[how]!r})\n"))
    monkeypatch.setattr(confinement.workshop, "__file__", str(stand_in))

    sentence = why_not("photo.jpg", made.jpeg())

    assert sentence == confinement.UNREADABLE or "needs more memory" in sentence


def test_the_decoder_sees_nothing_of_our_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    stand_in = tmp_path / "workshop.py"
    stand_in.write_text("import json, os; print(json.dumps({'refused': ' '.join(sorted(os.environ))}))")
    monkeypatch.setattr(confinement.workshop, "__file__", str(stand_in))

    assert "DATABASE_URL" not in why_not("photo.jpg", made.jpeg())


NAMES = {
    "../../app.py": "app.py",
    "..\\..\\windows\\system32\\a.pdf": "a.pdf",
    "/etc/passwd": "passwd",
    "C:\\Users\\mary\\ID.jpg": "ID.jpg",
    "id\0.jpg": "id.jpg",
    "id\r\nX-Evil: 1.jpg": "idX-Evil_ 1.jpg",
    "\u202egpj.exe.pdf": "gpj.exe.pdf",
    "  ..  ": "file",
    "": "file",
    'Ñambura\'s "ID".jpg': "Ñambura's _ID_.jpg",
}


@pytest.mark.parametrize("sent", NAMES)
def test_a_name_is_only_words(sent):
    assert names.clean(sent) == NAMES[sent]


def test_a_long_name_is_cut_and_keeps_its_ending():
    assert names.clean("x" * 300 + ".pdf") == "x" * 116 + ".pdf"
    assert len(names.clean("." + "y" * 300)) <= names.LONGEST_NAME


def test_a_file_leaves_under_a_name_that_fits_what_it_is():
    assert names.served("../../run.exe", Kind.PDF) == "run.pdf"
    assert names.served("ID.png", Kind.JPEG) == "ID.jpg"


@pytest.mark.parametrize(
    "name", ['a"; filename="evil.exe', "a\r\nSet-Cookie: x=1", "Kitambulisho cha Wanjikũ.pdf", "日本.pdf"]
)
def test_no_name_ends_its_header(name):
    header = names.attachment(name)

    assert header.isascii() and header.isprintable()
    assert header.startswith('attachment; filename="') and header.count('"') == 2
    assert "; filename*=UTF-8''" in header
