"""The tag table: the tags of a plant as rows that integrators edit in a spreadsheet, and the home of its libraries.

rows_of(tags, languages)      every tag and threshold as a table; `definitions_of` is the way back
read_table, write_table       a workbook (.xlsx), or the pair FILE.csv and FILE.thresholds.csv
own_table(reader)             a project's own changes: tags.csv and tags.thresholds.csv, or None
apply(reader, table, ...)     tags with the changes of a table, mistakes noted with file, row and column
difference, merged            what a table changes, and the project's own table that says so
"""

from scada.project.tag_table.apply import apply, apply_table
from scada.project.tag_table.columns import definitions_of, rows_of
from scada.project.tag_table.difference import Change, Difference, difference, merged
from scada.project.tag_table.files import OWN, own_table, read_table, write_own, write_table
from scada.project.tag_table.table import Place, Row, Sheet, Table

__all__ = [
    "OWN",
    "Change",
    "Difference",
    "Place",
    "Row",
    "Sheet",
    "Table",
    "apply",
    "apply_table",
    "definitions_of",
    "difference",
    "merged",
    "own_table",
    "read_table",
    "rows_of",
    "write_own",
    "write_table",
]
