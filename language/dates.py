"""Days and shifts as customers write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

MONTHS = {
    "janeiro": 1, "jan": 1, "fevereiro": 2, "fev": 2, "marco": 3, "mar": 3, "abril": 4, "abr": 4, "maio": 5,
    "mai": 5, "junho": 6, "jun": 6, "julho": 7, "jul": 7, "agosto": 8, "ago": 8, "setembro": 9, "set": 9,
    "outubro": 10, "out": 10, "novembro": 11, "nov": 11, "dezembro": 12, "dez": 12,
}  # fmt: skip
WEEKDAYS = {"segunda": 0, "terca": 1, "quarta": 2, "quinta": 3, "sexta": 4, "sabado": 5, "domingo": 6}
#: A day outside of them is a slip, and further on the calendar itself ends.
YEARS = range(1900, 2100)
#: Days that one message may name; whoever writes more of them names none in particular.
MOST = 30
#: Words after a weekday's name that make it an ordinal or a bill: "segunda via", "quinta parcela".
_NOT_A_WEEKDAY = r"(?!\s+(?:quinzena|semana|via|vias|vez|parcela|fatura|conta|opcao|pessoa|linha|mao|casa|rua|instalacao))"

_RELATIVE = re.compile(r"\b(depois de amanha|anteontem|amanha|amnh|amanh|amh|hoje|hj|ontem)\b")
_WEEKDAY = re.compile(
    r"(?:\b(?:na|nesta|essa|esta|proxima|pra|toda|ate)\s+)?\b((?:segunda|terca|quarta|quinta|sexta|sabado|domingo)(?:[- ]feira)?)\b"
    + _NOT_A_WEEKDAY
)
_NUMERIC = re.compile(r"(?<![\d/.-])(\d{1,2})\s?([/.-])\s?(\d{1,2})(?:\s?\2\s?(\d{4}|\d{2}))?(?![\d/]|[.-]\d)")
_MONTH_NAME = re.compile(
    r"\b(?:dia\s+)?(\d{1,2})(?:o)?\s+de\s+(" + "|".join(MONTHS) + r")\b(?:\s+(?:de\s+|do\s+ano\s+(?:de\s+)?)?(\d{4}|\d{2}))?"
)
_DAY_OF_MONTH = re.compile(r"\bdia\s+(\d{1,2})\b(?!\s*[/.-]\s*\d|\s+de\s+(?:" + "|".join(MONTHS) + r")\b)")
_EIGHT_DIGITS = re.compile(r"(?<!\d)(\d{2})(\d{2})(19\d{2}|20[0-3]\d)(?!\d)")
_SHIFT = re.compile(r"(?<!boa )\b(manhazinha|manha|tardezinha|tarde|tardinha)\b")


def days(folded: str, today: dt.date) -> Iterator[tuple[int, int, dt.date]]:
    """(start, end, date) of every day named in lower-case text without accents, offsets kept.

    A weekday or a day of the month is the next one from today on; day and month without a year are the
    nearest in the future, unless that is more than six months away.
    """
    taken: list[tuple[int, int]] = []

    def free(match: re.Match[str]) -> bool:
        return all(match.end() <= start or match.start() >= end for start, end in taken)

    for pattern, read in (
        (_MONTH_NAME, _from_month_name), (_NUMERIC, _from_numeric), (_EIGHT_DIGITS, _from_eight_digits),
        (_DAY_OF_MONTH, _from_day_of_month), (_RELATIVE, _from_relative), (_WEEKDAY, _from_weekday),
    ):  # fmt: skip
        for match in pattern.finditer(folded):
            date = read(match, today) if free(match) else None
            if date is not None:
                if len(taken) == MOST:
                    return
                taken.append(match.span())
                start = match.start(1) if pattern is _WEEKDAY else match.start()
                yield start, match.end(), date


def shifts(folded: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, `manha` or `tarde`); not in the greeting "boa tarde", nor in "mais tarde"."""
    for match in _SHIFT.finditer(folded):
        before = folded[: match.start()].rstrip()
        if before.endswith(("mais", "muito", "amanha cedo", "que", "tao")) or folded[match.end() :].startswith(" demais"):
            continue
        yield match.start(), match.end(), "manha" if match.group(1).startswith("manha") else "tarde"


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day) if year in YEARS else None
    except ValueError:
        return None


def _year(text: str | None, month: int, day: int, today: dt.date) -> int:
    if text and len(text) == 4:
        return int(text)
    if text:
        return int(text) + (2000 if int(text) <= today.year % 100 + 5 else 1900)
    ahead = _date(today.year, month, day)
    if ahead and (today - ahead).days > 183:
        return today.year + 1
    if ahead and (ahead - today).days > 183:
        return today.year - 1
    return today.year


def _from_month_name(match: re.Match[str], today: dt.date) -> dt.date | None:
    day, month = int(match.group(1)), MONTHS[match.group(2)]
    return _date(_year(match.group(3), month, day, today), month, day)


def _from_numeric(match: re.Match[str], today: dt.date) -> dt.date | None:
    day, month = int(match.group(1)), int(match.group(3))
    if not 1 <= month <= 12 or (match.group(2) != "/" and match.group(4) is None):
        return None
    return _date(_year(match.group(4), month, day, today), month, day)


def _from_eight_digits(match: re.Match[str], _today: dt.date) -> dt.date | None:
    return _date(int(match.group(3)), int(match.group(2)), int(match.group(1)))


def _from_day_of_month(match: re.Match[str], today: dt.date) -> dt.date | None:
    day = int(match.group(1))
    for months_ahead in range(3):
        month0 = today.month - 1 + months_ahead
        date = _date(today.year + month0 // 12, month0 % 12 + 1, day)
        if date and date >= today:
            return date
    return None


def _from_relative(match: re.Match[str], today: dt.date) -> dt.date:
    word = match.group(1)
    days_ahead = {"hoje": 0, "hj": 0, "ontem": -1, "anteontem": -2, "depois de amanha": 2}.get(word, 1)
    return today + dt.timedelta(days=days_ahead)


def _from_weekday(match: re.Match[str], today: dt.date) -> dt.date:
    weekday = WEEKDAYS[re.split(r"[- ]", match.group(1))[0]]
    return today + dt.timedelta(days=(weekday - today.weekday()) % 7)
