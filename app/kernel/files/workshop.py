"""Opens files of strangers, in a process of its own that may be lost.

Run as a program with the file as its standard input: ``workshop.py inspect .pdf`` or ``workshop.py picture .jpg``. It
imports nothing of the application, is given no environment, and has little memory, time and room for its answer
(``confinement`` starts it); what it has to say is one JSON object on its standard output.
"""

from __future__ import annotations

import base64
import io
import json
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

MEMORY_BYTES = 768 * 1024 * 1024
CPU_SECONDS = 10
ANSWER_BYTES = 4 * 1024 * 1024
OPEN_FILES = 64

MOST_PIXELS = 50_000_000  # the largest cameras of phones; a bomb declares hundreds of millions
LONGEST_SIDE = 1600
CONTENT_BYTES = 300_000
PREVIEW_SIDE, PREVIEW_BYTES = 800, 60_000
THUMBNAIL_SIDE, THUMBNAIL_BYTES = 96, 3_000

MOST_PAGES = 300
MOST_OBJECTS = 50_000
MOST_SHEETS_FILES = 1_000
MOST_UNPACKED_BYTES = 100 * 1024 * 1024
MOST_TIMES_LARGER = 200  # of one packed file that unpacks to more than a megabyte
BLOCK = 256 * 1024

SIGNATURES = {
    ".jpg": b"\xff\xd8\xff",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".webp": b"RIFF",
    ".pdf": b"%PDF-",
    ".xlsx": b"PK\x03\x04",
}
IMAGE_FORMATS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
MARKUP = (b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script", b"<?php", b"#!")
NOT_WHAT_IT_SAYS = "The content of this file is not what its name says."
DAMAGED = "This file is damaged. Save or scan it again."


class Refused(Exception):
    """The file is not taken; the message is for whoever sent it."""


def inspect(content: BinaryIO, ending: str) -> dict[str, Any]:
    """Refuse what is not what it says, what hides something, and what would unpack to more than we can hold."""
    head = content.read(1024)
    if not head.startswith(SIGNATURES.get(ending, b"")):
        raise Refused(NOT_WHAT_IT_SAYS)
    if ending not in (".xlsx", ".csv"):
        _refuse_second_nature(content, head, ending)
    content.seek(0)
    _INSPECTORS[ending](content)
    return {}


def picture(content: BinaryIO, ending: str, *, square: bool) -> dict[str, bytes]:
    """Make anew what can be shown: a picture without what its camera wrote into it, a preview and a thumbnail."""
    if ending == ".pdf":
        page = _first_page(content)
        return {"preview": _webp(page, PREVIEW_SIDE, PREVIEW_BYTES), "thumbnail": _thumbnail(page, square=False)}
    image = _upright(content, ending)
    return {
        "content": _jpeg(image),
        "preview": _webp(image, PREVIEW_SIDE, PREVIEW_BYTES),
        "thumbnail": _thumbnail(image, square=square),
    }


def _refuse_second_nature(content: BinaryIO, head: bytes, ending: str) -> None:
    """One file must not be two things: a picture that some reader takes for an archive or a PDF."""
    if zipfile.is_zipfile(content) or (ending != ".pdf" and b"%PDF-" in head):
        raise Refused("This file is two kinds of file in one. Save or scan it again.")


def _inspect_image(content: BinaryIO, ending: str) -> None:
    if not _is_whole(content, ending):
        raise Refused(DAMAGED)
    with _opened(content, ending) as image:
        try:
            image.verify()
        except (OSError, SyntaxError, ValueError):
            raise Refused(DAMAGED) from None


def _is_whole(content: BinaryIO, ending: str) -> bool:
    """Whether the end is there: an upload over a bad line, or a full card in a camera, leaves half a picture."""
    size = content.seek(0, io.SEEK_END)
    if ending == ".jpg":
        content.seek(max(0, size - 64 * 1024))
        return b"\xff\xd9" in content.read()
    if ending == ".webp":
        content.seek(4)
        return int.from_bytes(content.read(4), "little") + 8 <= size
    return True  # a PNG is verified by its check sums


def _opened(content: BinaryIO, ending: str) -> Any:
    """The picture with only its head read; nothing of it is decoded before its size is known to be bearable."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # counted here, so that one sentence says it
    content.seek(0)
    try:
        image = Image.open(content, formats=(IMAGE_FORMATS[ending],))
    except (OSError, SyntaxError, ValueError):
        raise Refused(DAMAGED) from None
    if image.size[0] * image.size[1] > MOST_PIXELS:
        raise Refused(_too_many_pixels())
    return image


def _too_many_pixels() -> str:
    return f"This picture has more than {MOST_PIXELS // 1_000_000} million pixels. Send a smaller one."


def _inspect_pdf(content: BinaryIO) -> None:
    import pikepdf

    try:
        with pikepdf.open(content) as pdf:
            if pdf.is_encrypted:
                raise Refused("This PDF is protected by a password. Save it without one.")
            if not 1 <= len(pdf.pages) <= MOST_PAGES:
                raise Refused(f"Send a PDF of 1 to {MOST_PAGES} pages.")
            _refuse_active(pdf)
    except pikepdf.PasswordError:
        raise Refused("This PDF is protected by a password. Save it without one.") from None
    except (pikepdf.PdfError, RuntimeError, ValueError, KeyError, AttributeError):
        raise Refused(DAMAGED) from None


def _refuse_active(pdf: Any) -> None:
    """A paper only shows: nothing runs in it, opens another program, or comes along inside it."""
    import pikepdf

    if len(pdf.objects) > MOST_OBJECTS:
        raise Refused("This PDF is too complicated. Print it to a new PDF and send that.")
    for value in _dictionaries(pdf):
        keys = set(value.keys())
        if keys & {"/JS", "/JavaScript", "/XFA"} or _name(value, "/S", pikepdf) in ("/JavaScript", "/Launch"):
            raise Refused("This PDF holds a program. Print it to a new PDF and send that.")
        if keys & {"/EF", "/EmbeddedFiles", "/RichMedia"} or _name(value, "/Type", pikepdf) == "/EmbeddedFile":
            raise Refused("Other files are packed into this PDF. Send them one by one.")


def _dictionaries(pdf: Any) -> Iterator[Any]:
    """Every dictionary of a PDF, those inside others too; a circle of references is walked once."""
    import pikepdf

    waiting = [*pdf.objects, pdf.trailer]
    steps = 0
    while waiting:
        steps += 1
        if steps > 20 * MOST_OBJECTS:
            raise Refused("This PDF is too complicated. Print it to a new PDF and send that.")
        value = waiting.pop()
        if isinstance(value, pikepdf.Array):
            waiting += [item for item in value if _is_inline(item, pikepdf)]
        elif isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
            yield value
            waiting += [item for _, item in value.items() if _is_inline(item, pikepdf)]


def _is_inline(item: Any, pikepdf: Any) -> bool:
    """An indirect object is in the list already; following references again would never end."""
    return isinstance(item, pikepdf.Array | pikepdf.Dictionary) and not item.is_indirect


def _name(value: Any, key: str, pikepdf: Any) -> str | None:
    found = value.get(key)
    return str(found) if isinstance(found, pikepdf.Name) else None


def _inspect_csv(content: BinaryIO) -> None:
    """Text all the way: no NUL, no control characters, in UTF-8 or the alphabet that Excel saves in."""
    first = content.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if first.lower().startswith(MARKUP) or any(first.startswith(magic) for magic in SIGNATURES.values()):
        raise Refused(NOT_WHAT_IT_SAYS)
    content.seek(0)
    forbidden = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"
    while block := content.read(BLOCK):
        if len(block.translate(None, forbidden)) != len(block):
            raise Refused("This is not a plain CSV table: it holds characters that no text has.")


def _inspect_xlsx(content: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(content) as archive:
            packed = archive.infolist()
            _refuse_bomb(packed)
            _refuse_other_office(archive)
            _unpack_all(archive, packed)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise Refused(DAMAGED) from None


def _refuse_bomb(packed: list[zipfile.ZipInfo]) -> None:
    """By what the archive declares, before anything is unpacked."""
    too_large = Refused("This workbook unpacks to far more than a table needs. Save only the table and send that.")
    if len(packed) > MOST_SHEETS_FILES or sum(one.file_size for one in packed) > MOST_UNPACKED_BYTES:
        raise too_large
    for one in packed:
        if one.file_size > 1_000_000 and one.file_size > MOST_TIMES_LARGER * max(one.compress_size, 1):
            raise too_large
        if one.flag_bits & 1:
            raise Refused("This workbook is protected by a password. Save it without one.")


def _refuse_other_office(archive: zipfile.ZipFile) -> None:
    names = {name.lower() for name in archive.namelist()}
    if not {"[content_types].xml", "xl/workbook.xml"} <= names:
        raise Refused(NOT_WHAT_IT_SAYS)
    if any(name.endswith("vbaproject.bin") for name in names):
        raise Refused("This workbook holds macros. Save it as a plain workbook (.xlsx).")


def _unpack_all(archive: zipfile.ZipFile, packed: list[zipfile.ZipInfo]) -> None:
    """Read everything once, counting: a packed file that is larger than it says does not pass its check sum."""
    for one in packed:
        with archive.open(one) as unpacked:
            while unpacked.read(BLOCK):
                pass


def _upright(content: BinaryIO, ending: str) -> Any:
    """The picture as somebody held it, small, on white, and without a word about where and when it was taken."""
    from PIL import Image, ImageOps

    with _opened(content, ending) as image:
        try:
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is decoded at a part of its size
            upright = ImageOps.exif_transpose(image)
        except (OSError, SyntaxError, ValueError):
            raise Refused(DAMAGED) from None
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        return _on_white(upright)


def _on_white(image: Any) -> Any:
    from PIL import Image

    if image.mode in ("RGB", "L"):
        plain = image.convert("RGB")
    else:
        seen = image.convert("RGBA")
        plain = Image.new("RGB", seen.size, "white")
        plain.paste(seen, mask=seen.getchannel("A"))
    plain.info.clear()  # profiles and comments would be written again
    return plain


def _first_page(content: BinaryIO) -> Any:
    import pypdfium2

    content.seek(0)
    try:
        with pypdfium2.PdfDocument(content) as pdf:
            page = pdf[0]
            scale = PREVIEW_SIDE / max(*page.get_size(), 1)
            return page.render(scale=min(scale, 3), may_draw_forms=False).to_pil().convert("RGB")
    except pypdfium2.PdfiumError:
        raise Refused(DAMAGED) from None


def _jpeg(image: Any) -> bytes:
    return _small_enough(image, CONTENT_BYTES, (85, 75, 65, 55, 45), format="JPEG", optimize=True, progressive=True)


def _webp(image: Any, side: int, at_most: int) -> bytes:
    small = image.copy()
    small.thumbnail((side, side))
    return _small_enough(small, at_most, (75, 60, 45, 30, 15), format="WEBP", method=4)


def _thumbnail(image: Any, *, square: bool) -> bytes:
    from PIL import ImageOps

    if square:  # a little above the middle, where faces are
        image = ImageOps.fit(image, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), centering=(0.5, 0.4))
    return _webp(image, THUMBNAIL_SIDE, THUMBNAIL_BYTES)


def _small_enough(image: Any, at_most: int, qualities: tuple[int, ...], **saving: Any) -> bytes:
    """The best quality that weighs no more than this; where none does, of a smaller picture."""
    while True:
        for quality in qualities:
            into = io.BytesIO()
            image.save(into, quality=quality, **saving)
            if into.tell() <= at_most:
                return into.getvalue()
        image = image.resize((max(image.width * 3 // 4, 1), max(image.height * 3 // 4, 1)))


_INSPECTORS: dict[str, Callable[[BinaryIO], None]] = {
    ".jpg": lambda content: _inspect_image(content, ".jpg"),
    ".png": lambda content: _inspect_image(content, ".png"),
    ".webp": lambda content: _inspect_image(content, ".webp"),
    ".pdf": _inspect_pdf,
    ".csv": _inspect_csv,
    ".xlsx": _inspect_xlsx,
}


def _confine() -> None:
    """From here on a hostile file can cost this process, and nothing else."""
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, ANSWER_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def main(arguments: list[str]) -> None:
    """Do one thing with the file on standard input and say what came of it."""
    _confine()
    task, ending = arguments[:2]
    try:
        with open(0, "rb", closefd=False) as content:
            if task == "inspect":
                answer = inspect(content, ending)
            else:
                made = picture(content, ending, square="square" in arguments[2:])
                answer = {part: base64.b64encode(some).decode() for part, some in made.items()}
    except Refused as refused:
        answer = {"refused": str(refused)}
    except MemoryError:
        answer = {"refused": "This file needs more memory to open than we give to one file. Send a smaller one."}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
