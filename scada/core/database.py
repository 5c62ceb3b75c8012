"""The tag database: the one road in for values.

Synchronous, single-threaded, no clock of its own. Readers read `Tag` attributes directly. Three kinds of
reader are told of changes, each by its contract (ARCHITECTURE.md, delivery contracts):

* a *watch* reacts within the write (thresholds, alarms, sums);
* the *change-set* holds each changed tag once, until it is drained (displays, OPC UA: conflation);
* the *samples* hold every change of recorded tags, in order, until they are drained (history: append).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from scada.core.path import matcher, parent
from scada.core.tag import Tag, TagDefinition, Watch
from scada.core.value import Kind, Quality, TimeUs, Value

Write: TypeAlias = tuple[Tag, Value, int, TimeUs]
"""(tag, engineering value, quality, source time)."""

SAMPLES_MAX = 1_000_000
"""Bound of the undrained samples; at it the oldest half is given up and counted (`samples_dropped`)."""


class Sample(NamedTuple):
    """One value for history."""

    tag: Tag
    value: Value
    quality: int
    source_us: TimeUs


class _Fan(Watch):
    """Several watchers share a tag's one slot: it always fires, and each keeps its own band."""

    __slots__ = ("watches",)

    def __init__(self, watches: list[Watch]) -> None:
        super().__init__(self._fire)
        self.watches = watches

    def _fire(self, tag: Tag, now_us: TimeUs) -> None:
        value, quality = tag.value, tag.quality
        for one in self.watches:
            if quality or not (isinstance(value, (int, float)) and one.low <= value <= one.high):
                one.react(tag, now_us)


class TagDatabase:
    """All tags of a plant, by path and by index."""

    def __init__(self, definitions: Iterable[TagDefinition]) -> None:
        self._tags: dict[str, Tag] = {}
        self._by_index: list[Tag] = []
        self._below: dict[str, list[Tag]] = {}
        self._changed: list[Tag] = []
        self._samples: list[Sample] = []
        self._added: list[Callable[[Tag], None]] = []
        self.samples_dropped = 0
        for definition in definitions:
            self.add(definition)

    def add(self, definition: TagDefinition) -> Tag:
        """Take a further tag: one that a device sends though no template names it.

        Raises:
            ValueError: a tag has this path already.
        """
        if definition.path in self._tags:
            raise ValueError(f"two tags have the path {definition.path}")
        tag = Tag(definition, len(self._by_index))
        self._tags[tag.path] = tag
        self._by_index.append(tag)
        branch = parent(tag.path)
        while branch:
            self._below.setdefault(branch, []).append(tag)
            branch = parent(branch)
        for listener in self._added:
            listener(tag)
        return tag

    def subscribe_added(self, listener: Callable[[Tag], None]) -> None:
        """Be told of each tag that is added from now on."""
        self._added.append(listener)

    def __getitem__(self, path: str) -> Tag:
        return self._tags[path]

    def __contains__(self, path: str) -> bool:
        return path in self._tags

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._by_index)

    def __len__(self) -> int:
        return len(self._by_index)

    def get(self, path: str) -> Tag | None:
        """The tag at `path`, or None."""
        return self._tags.get(path)

    def by_index(self, index: int) -> Tag:
        """The tag with this index of the run."""
        return self._by_index[index]

    def select(self, pattern: str) -> list[Tag]:
        """The tags that a pattern selects, in order of definition.

        Raises:
            ValueError: not a pattern.
        """
        if "*" not in pattern:
            matcher(pattern)
            tag = self._tags.get(pattern)
            return [tag] if tag else []
        match = matcher(pattern)
        # Only what lies below the segments before the first star can match.
        branch = parent(pattern[: pattern.index("*")] + "x")
        candidates = self._below.get(branch, []) if branch else self._by_index
        if pattern == f"{branch}.*":
            return list(candidates)
        return [tag for tag in candidates if match(tag.path)]

    def below(self, branch: str) -> Sequence[Tag]:
        """The tags below a branch, in order of definition."""
        return self._below.get(branch, ())

    def watch(
        self,
        tag: Tag,
        react: Callable[[Tag, TimeUs], None],
        low: float = float("inf"),
        high: float = float("-inf"),
    ) -> Watch:
        """Have `react(tag, now_us)` called within each write that takes the tag out of `low..high` or off Good.

        The band of the returned watch may be moved at any time.
        """
        watch = Watch(react, low, high)
        if tag.watch is None:
            tag.watch = watch
        elif isinstance(tag.watch, _Fan):
            tag.watch.watches.append(watch)
        else:
            tag.watch = _Fan([tag.watch, watch])
        if tag.definition.kind is Kind.TEXT:
            # An empty band of texts: the comparison in `write` fits the kind and is never true.
            tag.watch.low, tag.watch.high = "\U0010ffff", ""  # type: ignore[assignment]
        return watch

    def write(self, batch: Iterable[Write], now_us: TimeUs) -> None:
        """Take new values. The hot path of the product: no allocation but for what changed.

        Values are in engineering units and of the tag's kind; what comes from outside is checked by
        `coerce` first. NaN becomes BadNoData with the last value kept.
        """
        changed = self._changed
        samples = self._samples
        for tag, value, quality, source_us in batch:
            old = tag.value
            if quality == tag.quality and (
                value == old
                or (
                    tag.deadband
                    and old is not None
                    and value is not None
                    and -tag.deadband < value - old < tag.deadband  # type: ignore[operator]
                )
            ):
                tag.source_us = source_us
                tag.server_us = now_us
                continue
            special = tag.special
            if special and tag.gate is not None and tag.gate(tag, value, quality, source_us, now_us):
                continue
            if value != value:  # noqa: PLR0124 (NaN; the hot path calls no function)
                value = old  # noqa: PLW2901
                quality = Quality.BAD_NO_DATA  # noqa: PLW2901
                if quality == tag.quality:
                    continue
            tag.value = value
            tag.quality = quality
            tag.source_us = source_us
            tag.server_us = now_us
            if not tag.dirty:
                tag.dirty = True
                changed.append(tag)
            if special:
                recording = tag.recording
                if recording is not None and (not recording.deadband or recording.takes(value, quality)):
                    samples.append(Sample(tag, value, quality, source_us))
            watch = tag.watch
            if watch is not None and (quality or not (watch.low <= value <= watch.high)):  # type: ignore[operator]
                watch.react(tag, now_us)
        if len(samples) > SAMPLES_MAX:
            self.samples_dropped += len(samples) // 2
            del samples[: len(samples) // 2]

    def write_late(self, tag: Tag, value: Value, quality: int, source_us: TimeUs) -> None:
        """Keep a value that a device stored while it was away: for history, the live value stands."""
        if tag.recording is not None:
            self._samples.append(Sample(tag, value, quality, source_us))

    def set_quality(self, tags: Iterable[Tag], quality: int, now_us: TimeUs) -> None:
        """Change the quality only: value and source time stay, so that the last value remains visible.

        In history the change bears the time at which it came, not that of the old value.
        """
        for tag in tags:
            if tag.quality == quality:
                continue
            if tag.gate is not None and tag.gate(tag, None, quality, tag.source_us, now_us):
                continue
            tag.quality = quality
            tag.quality_us = now_us
            if not tag.dirty:
                tag.dirty = True
                self._changed.append(tag)
            if tag.recording is not None:
                tag.recording.forget()
                self._samples.append(Sample(tag, tag.value, quality, now_us))
            watch = tag.watch
            if watch is not None:
                watch.react(tag, now_us)

    def keep_sample(self, tag: Tag, now_us: TimeUs) -> None:
        """Send the value that stands to history under the present time."""
        self._samples.append(Sample(tag, tag.value, tag.quality, now_us))

    def restore(self, tag: Tag, value: Value, source_us: TimeUs) -> None:
        """Put back a value of an earlier run, marked UncertainLastUsableValue; neither watched nor recorded."""
        tag.value = value
        tag.quality = Quality.UNCERTAIN_LAST_USABLE_VALUE
        tag.source_us = tag.server_us = source_us
        if not tag.dirty:
            tag.dirty = True
            self._changed.append(tag)

    def drain_changes(self) -> list[Tag]:
        """The tags that changed since the last drain, each once."""
        drained = self._changed
        if drained:
            self._changed = []
            for tag in drained:
                tag.dirty = False
        return drained

    def drain_samples(self) -> list[Sample]:
        """The samples since the last drain, in order of writing."""
        drained = self._samples
        if drained:
            self._samples = []
        return drained


def coerce(definition: TagDefinition, value: object, *, any_choice: bool = False) -> Value:
    """Check a value from outside against a tag's kind, choices and write range.

    Args:
        any_choice: a text need not be one of the tag's choices.

    Raises:
        ValueError: with a sentence for the person who sent it.
    """
    if definition.kind is Kind.BIT:
        if isinstance(value, bool):
            return value
        if value in (0, 1) and isinstance(value, int):
            return bool(value)
        raise ValueError(f"{definition.path} is a bit: true or false")
    if definition.kind is Kind.REGISTER:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"{definition.path} is a register: a number")
        if not math.isfinite(value):
            raise ValueError(f"{definition.path} takes a finite number")
        rule = definition.write
        low = rule.low if rule and rule.low is not None else definition.low
        high = rule.high if rule and rule.high is not None else definition.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{definition.path} takes {_span(low, high)} {definition.unit}".rstrip())
        return float(value)
    if not isinstance(value, str):
        raise ValueError(f"{definition.path} is a text")
    if definition.choices and not any_choice and value not in definition.choices:
        raise ValueError(f"{definition.path} takes one of: {', '.join(definition.choices)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{definition.path} takes text that UTF-8 can carry") from None
    if len(value) > 1_000:
        raise ValueError(f"{definition.path} takes at most 1,000 characters")
    return value


def _span(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
