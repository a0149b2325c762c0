"""Fields for numbers that understand how numbers are written: 0,2 and 0.2, 1.000,5 and 1 000, and a pasted "25 px"."""

from __future__ import annotations

import re

from PySide6.QtCore import QLocale
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

# What stands between thousands besides point and comma: spaces of three widths, and apostrophes.
_SPACES = " \u00a0\u2009\u202f'’"
_ONE_MARK = re.compile(r"[+-]?\d*([.,]\d*)?([eE][+-]?\d*)?")
_GROUPS = re.compile(rf"([+-]?[1-9]\d{{0,2}})(([.,{_SPACES}])\d{{3}}(?:\3\d{{3}})*)(?:(?!\3)[.,](\d*))?")
# The beginning of a number with marks between its thousands, of which more may follow.
_UNFINISHED = re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:([.,{_SPACES}])\d{{3}}(?:\1\d{{3}})*)?(?:[.,{_SPACES}]\d{{0,2}})?")


class WholeSpinBox(QSpinBox):
    """A whole number; "1,000", "1.000" and "1 000" are a thousand."""

    def __init__(self, minimum: int = 0, maximum: int = 99, value: int = 0) -> None:
        super().__init__()
        self.setLocale(_english())
        self.setRange(minimum, maximum)
        self.setValue(value)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        bare = strip_unit(self, text)
        found = super().validate(_put_back(self, text, without_marks(bare)), position)
        assert isinstance(found, tuple)
        return _judge_text(found[0], bare, without_marks(bare)), text, position

    def fixup(self, text: str) -> str:
        # A number beyond the limits was let in, since it may go on: the nearest that can be is taken, and seen.
        try:
            value = int(without_marks(strip_unit(self, text)))
        except ValueError:
            return text
        return _put_back(self, text, self.textFromValue(min(max(value, self.minimum()), self.maximum())))

    def valueFromText(self, text: str) -> int:
        return super().valueFromText(_put_back(self, text, without_marks(strip_unit(self, text))))


class DecimalSpinBox(QDoubleSpinBox):
    """Shows a point in every country, and understands "0,2" as well as "0.2"."""

    def __init__(self, minimum: float = 0.0, maximum: float = 99.99, decimals: int = 2) -> None:
        super().__init__()
        self.setLocale(_english())
        self.setDecimals(decimals)
        self.setRange(minimum, maximum)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        found = super().validate(self._with_point(text), position)
        assert isinstance(found, tuple)
        # The text stays as it is typed: the comma of "1," may come before a thousand.
        bare = strip_unit(self, text)
        return (
            _judge_text(found[0], bare, with_decimal_point(bare, grouped=self.isGroupSeparatorShown())),
            text,
            position,
        )

    def valueFromText(self, text: str) -> float:
        return super().valueFromText(self._with_point(text))

    def fixup(self, text: str) -> str:
        # Decimals beyond those of the field were let in, since "1.000" may become "1.000,5": they are rounded.
        try:
            value = float(with_decimal_point(strip_unit(self, text)))
        except ValueError:
            return text
        nearest = min(max(round(value, self.decimals()), self.minimum()), self.maximum())
        return _put_back(self, text, self.textFromValue(nearest))

    def _with_point(self, text: str) -> str:
        bare = strip_unit(self, text)
        return _put_back(self, text, with_decimal_point(bare, grouped=self.isGroupSeparatorShown()))


def with_decimal_point(text: str, *, grouped: bool = False) -> str:
    """A number as it is typed somewhere, with a point before its decimals: 0,2 as 0.2; 1.000,5, 1,000.5 and 1 000,5 as 1000.5.

    `grouped`: 1,000 is a thousand, as the field itself writes it, and not one. What is no number comes back as it is.
    """
    text = text.strip()
    groups = _GROUPS.fullmatch(text)
    if groups and not (_ONE_MARK.fullmatch(text) and not (grouped and groups[3] == ",")):
        whole = groups[1] + groups[2].replace(groups[3], "")
        return whole if groups[4] is None else f"{whole}.{groups[4]}"
    return text.replace(",", ".") if _ONE_MARK.fullmatch(text) else text


def without_marks(text: str) -> str:
    """A whole number as it is typed somewhere, without what stands between its thousands: 1,000, 1.000 and 1 000 as 1000.

    What is no whole number comes back as it is.
    """
    groups = _GROUPS.fullmatch(text.strip())
    return groups[1] + groups[2].replace(groups[3], "") if groups and groups[4] is None else text.strip()


def strip_unit(field: QSpinBox | QDoubleSpinBox, text: str) -> str:
    """The number alone: without the field's unit, also where it was pasted once more, and without spaces around.

    Another unit stays, so that the field refuses it: 2 mm are not 2 px.
    """
    if field.specialValueText() and text == field.specialValueText():
        return text
    bare = text.removeprefix(field.prefix()).removesuffix(field.suffix()).strip(_SPACES + "\t")
    for unit in dict.fromkeys(
        (field.suffix().strip(), field.suffix().strip() + "s", field.suffix().strip().removesuffix("s"))
    ):
        if unit not in ("", "s"):
            bare = bare.removesuffix(unit)
    if prefix := field.prefix().strip():
        bare = bare.removeprefix(prefix)
    return bare.strip(_SPACES + "\t").replace("\u2212", "-")


def _put_back(field: QSpinBox | QDoubleSpinBox, text: str, number: str) -> str:
    """`number` with the unit that Qt expects around it."""
    if field.specialValueText() and text == field.specialValueText():
        return text
    return f"{field.prefix()}{number}{field.suffix()}"


def _judge_text(state: QValidator.State, bare: str, number: str) -> QValidator.State:
    """Let be typed what is no number of the field yet: refused keys would leave 1.00,5 of 1.000,5 and 15 of 1.5.

    A comma that is left in `number` stands at no thousand, which Qt does not mind.
    """
    if state == QValidator.State.Invalid or "," in number:
        possible = _UNFINISHED.fullmatch(bare) or _ONE_MARK.fullmatch(bare)
        return QValidator.State.Intermediate if possible else QValidator.State.Invalid
    return state


def _english() -> QLocale:
    # Else the country of the system decides which of both marks is refused.
    return QLocale(QLocale.Language.English, QLocale.Country.UnitedStates)
