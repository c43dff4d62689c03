"""Tables that a spreadsheet opens."""

import codecs
import io

import pandas as pd

from gptviz import spreadsheet


def test_a_table_in_any_script_begins_with_the_mark_by_which_excel_knows_utf_8():
    table = pd.DataFrame({"token": ["·안녕", "naïve", 'a "b", c'], "id": [1, 2, 3]})
    content = spreadsheet.csv(table)
    assert content.startswith(codecs.BOM_UTF8)
    assert content.count(codecs.BOM_UTF8) == 1
    read = pd.read_csv(io.BytesIO(content))
    assert read.columns.tolist() == ["token", "id"]
    assert read["token"].tolist() == ["·안녕", "naïve", 'a "b", c']
