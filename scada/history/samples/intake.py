"""From samples as the plant hands them over to columns: the hot path, once for each sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scada.core.database import Sample
from scada.core.tag import Tag
from scada.core.value import Kind
from scada.history.fit import fit
from scada.history.samples.batch import Batch
from scada.history.samples.codec import Floats
from scada.history.samples.store import Key


class Intake:
    """Numbers tags as they come, and makes batches that bear these numbers.

    Attributes:
        keys: number → (path, kind, retention class).
    """

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self._numbers: dict[Tag, int] = {}
        self._by_key: dict[Key, int] = {}
        self._text = np.zeros(1_024, bool)
        self._texts: set[int] = set()

    def batch(self, samples: Sequence[Sample]) -> Batch:
        """All samples as columns, in their order; the numbers of tags are this object's own."""
        # Four walks cost a third of one transposition of as many tuples.
        tags = [sample[0] for sample in samples]
        values = [sample[1] for sample in samples]
        quality = [sample[2] for sample in samples]
        times = [sample[3] for sample in samples]
        numbers = self._numbers
        try:
            ids = np.fromiter(map(numbers.__getitem__, tags), np.int32, len(tags))
        except KeyError:
            for tag in tags:
                if tag not in numbers:
                    self._meet(tag)
            ids = np.fromiter(map(numbers.__getitem__, tags), np.int32, len(tags))
        texts: tuple[str, ...] = ()
        mask = self._text[ids] if self._texts else None
        if mask is not None and mask.any():
            column, texts = _mixed(values, mask)
        else:
            column = _numbers_of(values)
        return Batch(ids, _integers(times), column, _codes(quality), texts)

    def _meet(self, tag: Tag) -> None:
        definition = tag.definition
        rule = definition.history
        key = (fit(tag.path), definition.kind.value, rule.retention if rule is not None else "standard")
        number = self._by_key.setdefault(key, len(self.keys))
        if number == len(self.keys):
            self.keys.append(key)
        if number >= len(self._text):
            self._text = np.concatenate([self._text, np.zeros(len(self._text), bool)])
        if definition.kind is Kind.TEXT:
            self._text[number] = True
            self._texts.add(number)
        self._numbers[tag] = number


def _numbers_of(values: Sequence[object]) -> Floats:
    try:
        column = np.array(values, np.float64)  # None becomes NaN
    except (ValueError, OverflowError, TypeError):
        column = np.fromiter(map(_number, values), np.float64, len(values))
    finite = np.isfinite(column)
    if not finite.all():
        column[~finite] = np.nan
    return column


def _mixed(values: Sequence[object], mask: npt.NDArray[np.bool_]) -> tuple[Floats, tuple[str, ...]]:
    pool: dict[str, int] = {}
    column = [
        (math.nan if value is None else float(pool.setdefault(fit(str(value)), len(pool))))
        if is_text
        else _number(value)
        for value, is_text in zip(values, mask.tolist(), strict=True)
    ]
    return np.array(column, np.float64), tuple(pool)


def _number(value: object) -> float:
    """A number; what is none (infinity, too large, no number at all) is kept as absent, its quality stands."""
    try:
        number = math.nan if value is None else float(value)  # type: ignore[arg-type]
    except (OverflowError, ValueError, TypeError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _integers(times: Sequence[int]) -> npt.NDArray[np.int64]:
    try:
        return np.array(times, np.int64)
    except OverflowError:
        return np.array([fit(time_us) for time_us in times], np.int64)


def _codes(quality: Sequence[int]) -> npt.NDArray[np.uint32]:
    try:
        return np.array(quality, np.uint32)
    except OverflowError:
        return np.array([code & 0xFFFFFFFF for code in quality], np.uint32)
