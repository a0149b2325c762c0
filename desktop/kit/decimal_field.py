"""A field for a number with decimals, in which a comma does what a point does."""

from __future__ import annotations

import re

from PySide6.QtCore import QLocale
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox

_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")


class DecimalSpinBox(QDoubleSpinBox):
    """Shows a point in every country, and understands "0,2" as well as "0.2"."""

    def __init__(self, minimum: float = 0.0, maximum: float = 99.99, decimals: int = 2) -> None:
        super().__init__()
        # Else the country of the system decides which of both marks is refused.
        self.setLocale(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        self.setDecimals(decimals)
        self.setRange(minimum, maximum)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        found = super().validate(self._with_point(text), position)
        assert isinstance(found, tuple)
        # The text stays as it is typed: the comma of "1," may come before a thousand.
        return found[0], text, position

    def valueFromText(self, text: str) -> float:
        return super().valueFromText(self._with_point(text))

    def _with_point(self, text: str) -> str:
        bare = text.removeprefix(self.prefix()).removesuffix(self.suffix())
        if "," not in bare or text == self.specialValueText():
            return text
        return text.replace(bare, with_decimal_point(bare, grouped=self.isGroupSeparatorShown()))


def with_decimal_point(text: str, *, grouped: bool = False) -> str:
    """A number as it is typed somewhere, with a point before its decimals: 0,2 as 0.2, 1.000,5 and 1,000.5 as 1000.5.

    `grouped`: 1,000 is a thousand, as the field itself writes it, and not one.
    """
    comma, point = text.rfind(","), text.rfind(".")
    if comma < 0 or (grouped and _GROUPED.fullmatch(text.strip())):
        return text
    if point >= 0:
        mark, other = (",", ".") if comma > point else (".", ",")
        return text.replace(other, "").replace(mark, ".")
    return text.replace(",", ".") if text.count(",") == 1 else text.replace(",", "")
