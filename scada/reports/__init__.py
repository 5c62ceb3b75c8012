"""Reports: pure builders over queries, and renderers. The only home of reportlab; xlsxwriter beside the tag table.

A builder knows sources and makes a `Report` of data; a renderer knows a `Report` and makes a file. `Desk` joins them.
"""

from scada.reports.desk import Desk

__all__ = ["Desk"]
