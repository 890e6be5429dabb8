"""Files as people and as enemies send them, made on the spot: small, and different in each run where that matters."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable

import pikepdf
from PIL import Image

MB = 1024 * 1024
SHEET = "xl/worksheets/sheet1.xml"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LATITUDE, ORIENTATION, CAMERA, GPS = 2, 0x0112, 0x0110, 0x8825


def jpeg(size: tuple[int, int] = (320, 200), *, color: str = "teal", exif: Image.Exif | None = None) -> bytes:
    """A photo."""
    return _saved(Image.new("RGB", size, color), "JPEG", **({"exif": exif} if exif else {}))


def noisy_jpeg(size: tuple[int, int]) -> bytes:
    """A photo that hardly compresses."""
    return _saved(Image.effect_noise(size, 90).convert("RGB"), "JPEG", quality=92)


def photo_from_a_phone() -> bytes:
    """Held sideways, and telling where and with what it was taken. Its upper half is red when it is held upright."""
    sideways = Image.new("RGB", (400, 300), "red")
    sideways.paste("blue", (200, 0, 400, 300))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turn it a quarter to the right
    exif[CAMERA] = "Secret Camera 5"
    exif[GPS] = {LATITUDE: (1.0, 17.0, 11.0)}
    return jpeg_of(sideways, exif)


def jpeg_of(image: Image.Image, exif: Image.Exif) -> bytes:
    return _saved(image, "JPEG", quality=95, exif=exif)


def png(size: tuple[int, int] = (64, 64), mode: str = "RGBA") -> bytes:
    """A picture with a transparent ground."""
    return _saved(Image.new(mode, size), "PNG")


def png_that_declares(width: int, height: int) -> bytes:
    """A few bytes that would decode to ``width`` times ``height`` pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def pdf(change: Callable[[pikepdf.Pdf], None] = lambda pdf: None, **saving: object) -> bytes:
    """A page, with whatever else a test puts into it."""
    into = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(595, 842))
        change(made)
        made.save(into, **saving)
    return into.getvalue()


def with_script(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def with_script_on_a_page(made: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
    made.pages[0].obj.AA = pikepdf.Dictionary(O=action)


def with_launch(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = made.make_indirect(pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe")))


def with_attachment(made: pikepdf.Pdf) -> None:
    made.attachments["invoice.exe"] = pikepdf.AttachedFileSpec(made, b"MZ", filename="invoice.exe")


def with_much_in_it(made: pikepdf.Pdf) -> None:
    made.Root.Much = made.make_stream(os.urandom(9 * MB))


def workbook(extra: dict[str, bytes] | None = None) -> bytes:
    """The least that a workbook is made of."""
    return archive({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>", **(extra or {})})


def archive(entries: dict[str, bytes]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return into.getvalue()


def zip_bomb(unpacked_mb: int = 512) -> bytes:
    """A workbook of half a megabyte that unpacks to half a gigabyte."""
    into = io.BytesIO(workbook())
    block = bytes(MB)
    with (
        zipfile.ZipFile(into, "a", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(unpacked_mb):
            sheet.write(block)
    return into.getvalue()


def zip_bomb_that_lies(declared: int = 1000) -> bytes:
    """The same, but its directory says that there is next to nothing in it."""
    bomb = bytearray(zip_bomb(64))
    with zipfile.ZipFile(io.BytesIO(bomb)) as packed:
        info = packed.getinfo(SHEET)
        directory = packed.start_dir
    true_size = struct.pack("<I", info.file_size)
    at = bomb.index(true_size, directory)
    bomb[at : at + 4] = struct.pack("<I", declared)
    return bytes(bomb)


def _saved(image: Image.Image, form: str, **saving: object) -> bytes:
    into = io.BytesIO()
    image.save(into, form, **saving)
    return into.getvalue()
