"""Tables for people's spreadsheets, CSV or XLSX, written row by row; no text in a cell ever becomes a formula.

What a member typed as a name, ``=HYPERLINK(…)``, would run in the spreadsheet of whoever opens the table. In a workbook
such a cell is marked as text; a CSV file knows no types, so there an apostrophe stands before it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO
from uuid import UUID

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from app.kernel import clock
from app.kernel.enums import LabelledEnum
from app.kernel.errors import Conflict
from app.kernel.files.kinds import Kind
from app.kernel.money import Money

Cell = str | int | Decimal | Money | date | LabelledEnum | UUID | None
Row = Sequence[Cell]

MOST_ROWS_OF_EXCEL = 1_048_575  # beside the head
LONGEST_TEXT_OF_EXCEL = 32_767
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads a CSV file in the alphabet of its own country
_BEGINS_A_FORMULA = re.compile(r"[\s\u0000-\u001f]*[=+\-@＝＋－＠]|[\t\r\n]")


class TooManyRows(Conflict):
    """A worksheet ends before the table does."""

    code = "too_many_rows"

    def __init__(self) -> None:
        super().__init__(f"A workbook holds at most {MOST_ROWS_OF_EXCEL:,} rows. Choose CSV, or narrow the filter.")


def write(kind: Kind, into: BinaryIO, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a table with a head. Refuses with TooManyRows."""
    if kind is Kind.XLSX:
        _write_workbook(into, columns, rows)
    else:
        _write_csv(into, columns, rows)
    into.seek(0)


def _write_csv(into: BinaryIO, columns: Sequence[str], rows: Iterable[Row]) -> None:
    text = io.TextIOWrapper(into, encoding="utf-8", newline="")
    try:
        text.write(BYTE_ORDER_MARK)
        writer = csv.writer(text)  # lines end in CR LF, as RFC 4180 says
        writer.writerow([_plain(column) for column in columns])
        for row in rows:
            writer.writerow([_plain(value) for value in row])
    finally:
        text.detach()  # writes what is left; closing it would close the file under it


def _plain(value: Cell) -> str:
    if isinstance(value, str) and not isinstance(value, LabelledEnum):
        return f"'{value}" if _BEGINS_A_FORMULA.match(value) else value
    return _words(value)


def _words(value: Cell) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case LabelledEnum():
            return value.label
        case Money():
            return value.decimal()
        case datetime():
            return clock.eat(value).strftime("%Y-%m-%d %H:%M:%S")
        case _:
            return str(value)


def _write_workbook(into: BinaryIO, columns: Sequence[str], rows: Iterable[Row]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Export")
    sheet.freeze_panes = "A2"
    for number, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = max(12, len(column) + 4)
    sheet.append([_head(sheet, column) for column in columns])
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS_OF_EXCEL:
            raise TooManyRows
        sheet.append([_cell(sheet, value) for value in row])
    book.save(into)


def _head(sheet: Any, text: str) -> Any:
    cell = _text(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, value: Cell) -> Any:
    match value:
        case None:
            return None
        case Money():
            return _formatted(sheet, Decimal(value.cents) / 100, "#,##0.00")
        case datetime():
            return _formatted(sheet, clock.eat(value).replace(tzinfo=None), "yyyy-mm-dd hh:mm:ss")
        case date():
            return _formatted(sheet, value, "yyyy-mm-dd")
        case bool() | str() | UUID():
            return _text(sheet, value if type(value) is str else _words(value))
        case _:
            return value


def _formatted(sheet: Any, value: Any, number_format: str) -> Any:
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = number_format
    return cell


def _text(sheet: Any, text: str) -> Any:
    """Text for good: without its type given, openpyxl takes what begins with ``=`` for a formula."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text)[:LONGEST_TEXT_OF_EXCEL])
    cell.data_type = "s"
    return cell
