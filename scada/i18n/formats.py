"""Numbers and times as the reader of a language and time zone expects them."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal

from scada.core.value import SECOND_US, TimeUs


class Formats:
    """Formats of one language and time zone.

    Args:
        timezone: IANA name; times are shown in it, it is named once on the page.
    """

    def __init__(self, language: str, timezone: str) -> None:
        # English with the day first and 24 hours: a control room reads no AM and PM.
        self._locale = Locale.parse("en_GB" if language == "en" else language)
        self._zone = ZoneInfo(timezone)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with fixed decimals."""
        return format_decimal(value, f"#,##0.{'0' * decimals}" if decimals else "#,##0", locale=self._locale)

    def date(self, time_us: TimeUs) -> str:
        """A date."""
        return format_date(self._local(time_us), "short", locale=self._locale)

    def time(self, time_us: TimeUs, milliseconds: bool = False) -> str:
        """A time of day with seconds."""
        local = self._local(time_us)
        return format_time(local, "HH:mm:ss.SSS" if milliseconds else "HH:mm:ss", locale=self._locale)

    def date_time(self, time_us: TimeUs) -> str:
        """Date and time with seconds."""
        return f"{self.date(time_us)} {self.time(time_us)}"

    def hour(self, time_us: TimeUs) -> str:
        """Hour and minute."""
        return format_datetime(self._local(time_us), "HH:mm", locale=self._locale)

    def day_text(self, time_us: TimeUs) -> str:
        """A day as fields of dates hold it: `2026-11-24`."""
        return self._local(time_us).date().isoformat()

    def date_hour(self, time_us: TimeUs) -> str:
        """Day of the week, date, hour and minute, as in a roster."""
        local = self._local(time_us)
        return f"{format_date(local, 'EEE dd/MM', locale=self._locale)} {self.hour(time_us)}"

    def duration(self, span_us: TimeUs) -> str:
        """A span as hours, minutes and seconds."""
        seconds = max(0, span_us) // SECOND_US
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def midnight_us(self, now_us: TimeUs) -> TimeUs:
        """When the local day of `now_us` began."""
        local = self._local(now_us)
        return int(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()) * SECOND_US

    def parse_local(self, text: str) -> TimeUs | None:
        """The time of an HTML field `datetime-local` or `date`; None for anything else."""
        try:
            return int(
                datetime.datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp() * SECOND_US
            )
        except (ValueError, OverflowError):
            return None

    def day_end_us(self, text: str) -> TimeUs | None:
        """When the day of an HTML field `date` ends, which is not always after 24 hours; None for anything else."""
        try:
            next_day = datetime.date.fromisoformat(text) + datetime.timedelta(days=1)
        except (ValueError, OverflowError):
            return None
        return self.parse_local(next_day.isoformat())

    def _local(self, time_us: TimeUs) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(time_us / SECOND_US, self._zone)
