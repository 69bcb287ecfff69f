"""Cron expressions as Cloud Scheduler reads them (unix-cron, five fields), in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = {
    name: i + 1
    for i, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    )
}
_DAYS = {name: i for i, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_FOUR_YEARS = timedelta(days=366 * 4)


@dataclass(frozen=True)
class Cron:
    """A parsed expression: the allowed values of each field. Days of the week count from Sunday = 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def matches(self, moment: datetime) -> bool:
        """Whether it fires in this minute."""
        return moment.minute in self.minutes and moment.hour in self.hours and self._on_day(moment)

    def after(self, moment: datetime) -> datetime:
        """The first minute after `moment` in which it fires; ValueError when there is none in four years."""
        at = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        limit = at + _FOUR_YEARS
        while at < limit:
            if not self._on_day(at):
                at = at.replace(hour=0, minute=0) + timedelta(days=1)
            elif at.hour not in self.hours:
                at = at.replace(minute=0) + timedelta(hours=1)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at
        raise ValueError("the expression never fires")

    def _on_day(self, moment: datetime) -> bool:
        if moment.month not in self.months:
            return False
        day, weekday = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        # As in cron(5): when both fields are restricted, either of them is enough.
        if self.any_day or self.any_weekday:
            return day and weekday
        return day or weekday


def parse(expression: str) -> Cron:
    """Read `minute hour day month weekday`; ValueError says which field is wrong."""
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"{expression!r} has {len(fields)} fields, not 5")
    minute, hour, day, month, weekday = fields
    weekdays = _values("weekday", weekday, 0, 7, _DAYS)
    return Cron(
        _values("minute", minute, 0, 59),
        _values("hour", hour, 0, 23),
        _values("day", day, 1, 31),
        _values("month", month, 1, 12, _MONTHS),
        frozenset(d % 7 for d in weekdays),
        day.startswith("*"),
        weekday.startswith("*"),
    )


def _values(
    field: str, text: str, low: int, high: int, names: dict[str, int] | None = None
) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            begin = low if first == "*" else _number(first, names)
            end = high if first == "*" or (step and not last) else _number(last or first, names)
            stride = int(step) if step else 1
        except ValueError:
            raise ValueError(f"{field} field {text!r} is not valid") from None
        if not low <= begin <= end <= high or stride < 1:
            raise ValueError(f"{field} field {text!r} is outside {low}-{high}")
        found.update(range(begin, end + 1, stride))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    table = names or {}
    return table[text] if text in table else int(text)
