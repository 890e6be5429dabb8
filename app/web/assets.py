"""Static files: few, small, served by ourselves, and never asked for twice.

Each file's name carries a hash of its content, so browsers may keep it for ever and a new release is a new name. All
files are read and compressed once at start; a request is a look-up in memory, so a path can never lead outside.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Flask, Response, abort, current_app, request, url_for

from app.web import compression
from app.web.access import public

KEEP_FOR_EVER = "public, max-age=31536000, immutable"
_SERVED = {".css", ".js", ".svg", ".png", ".webp", ".ico", ".webmanifest", ".json"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it leaves: its address, its type, and its content in each coding."""

    address: str
    mimetype: str
    etag: str
    bodies: dict[str, bytes]


def install(app: Flask, folder: Path) -> None:
    """Read the folder and serve what is in it under ``/static/``."""
    assets = {name: _read(folder / name, name) for name in _names(folder)}
    app.extensions["assets"] = assets
    app.extensions["assets_by_address"] = {asset.address: asset for asset in assets.values()}
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=serve)
    app.jinja_env.globals["asset"] = address


def address(name: str) -> str:
    """The address of a static file by its plain name; a name that does not exist is our mistake and fails loudly."""
    assets: dict[str, Asset] = current_app.extensions["assets"]
    return url_for("static", filename=assets[name].address)


@public("stylesheet, scripts and icons hold nothing about anybody, and the sign-in page needs them")
def serve(filename: str) -> Response:
    """Answer with a file in the best coding that the browser takes."""
    asset: Asset | None = current_app.extensions["assets_by_address"].get(filename)
    if asset is None:
        abort(404)
    coding = compression.best(request.accept_encodings, offered=asset.bodies)
    response = Response(asset.bodies[coding], mimetype=asset.mimetype)
    response.headers["Cache-Control"] = KEEP_FOR_EVER
    response.set_etag(f"{asset.etag}-{coding}")
    if len(asset.bodies) > 1:
        response.vary.add("Accept-Encoding")
    if coding != compression.PLAIN:
        response.headers["Content-Encoding"] = coding
    response.make_conditional(request)
    return response


def _names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix in _SERVED
    )


@cache
def _read(path: Path, name: str) -> Asset:
    content = path.read_bytes()
    etag = hashlib.sha256(content).hexdigest()[:12]
    stem, dot, suffix = name.rpartition(".")
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(f"{stem}.{etag}{dot}{suffix}", mimetype, etag, compression.all_codings(content, mimetype))
