"""Tables for programs that calculate, such as Excel and LibreOffice."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def csv(table: "pd.DataFrame") -> bytes:
    """A table as comma-separated values.

    It begins with a byte order mark, by which a spreadsheet sees that it is UTF-8: without one
    Excel takes 안 for signs of the system's old character set.
    """
    return table.to_csv(index=False).encode("utf-8-sig")
