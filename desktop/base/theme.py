"""Colours, fonts, spacing and icons of the window, in a dark and a light version.

Pages use the palette's roles and the tokens of `theme()`, never literal colours, and redraw on
`notifier.theme_changed`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QAction, QColor, QFont, QIcon, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication

from desktop.base.theme_cover import cover_windows, uncover_windows

GAP = 8  # between things that belong together, in pixels
PAD = 12  # between a panel's edge and what is in it
FONT_PX = 13
SMALL_PX = 12
FAMILIES = ["Inter", "Segoe UI", "SF Pro Text", "Helvetica Neue", "Noto Sans", "Ubuntu", "DejaVu Sans"]

Choice = Literal["dark", "light", "system"]


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one version of the window."""

    name: Literal["dark", "light"]
    window: QColor  # behind everything
    panel: QColor  # side panels, bars
    raised: QColor  # buttons, cards, inputs' hover
    field: QColor  # where text is typed and lists lie
    hover: QColor
    selected: QColor  # behind a selected row
    border: QColor
    strong_border: QColor  # around what can be typed in or ticked
    text: QColor
    muted: QColor  # secondary text
    disabled: QColor
    accent: QColor
    accent_hover: QColor
    accent_text: QColor  # on the accent
    link: QColor  # the accent where it is read, and around what has the keys
    good: QColor  # true positive, success
    bad: QColor  # false positive, error
    warning: QColor  # missed, needs a look
    canvas: QColor  # behind an image
    plot_background: QColor
    grid: QColor
    series: tuple[QColor, ...]  # curves; told apart also by colour-blind people


def _build_theme(name: Literal["dark", "light"], series: str, **colors: str) -> Theme:
    return Theme(
        name=name,
        series=tuple(QColor(color) for color in series.split()),
        **{key: QColor(value) for key, value in colors.items()},
    )


DARK = _build_theme(
    "dark",
    # Okabe and Ito's colours, lightened for a dark ground.
    "#5aa9ff #f5a623 #2ecc9a #e87ac0 #f2dc4e #ff7a45 #9aa6ff #c9cdd6",
    window="#14161a",
    panel="#1b1e24",
    raised="#272b33",
    field="#121418",
    hover="#2c313a",
    selected="#25344f",
    border="#2a2e36",
    strong_border="#3d434e",
    text="#e7e9ed",
    muted="#989fab",
    disabled="#757c8a",
    accent="#366def",
    accent_hover="#2b60de",
    accent_text="#ffffff",
    link="#7ba0f5",
    good="#3fc380",
    bad="#f47a77",
    warning="#f0a83c",
    canvas="#0d0f12",
    plot_background="#121418",
    grid="#2a2e36",
)
LIGHT = _build_theme(
    "light",
    "#0072b2 #d55e00 #009e73 #b0468f #8a7a00 #56b4e9 #5a4fcf #5f6672",
    window="#f1f2f5",
    panel="#fafbfc",
    raised="#ffffff",
    field="#ffffff",
    hover="#e9ecf1",
    selected="#dce7fd",
    border="#dde0e6",
    strong_border="#bfc5cf",
    text="#1a1d23",
    muted="#5f6672",
    disabled="#848c99",
    accent="#2c62e3",
    accent_hover="#1f52cc",
    accent_text="#ffffff",
    link="#245ce2",
    good="#117343",
    bad="#c02c2c",
    warning="#935800",
    canvas="#e2e5ea",
    plot_background="#ffffff",
    grid="#e3e6eb",
)


class _Notifier(QObject):
    theme_changed = Signal()


notifier = _Notifier()
_state: dict[str, Theme] = {"theme": DARK}


def theme() -> Theme:
    """The colours in force."""
    return _state["theme"]


def apply_theme(app: QApplication, choice: Choice) -> None:
    """Dress the whole program. `system` follows the desktop; where that does not tell, the dark version is taken."""
    hints = app.styleHints()
    scheme = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}.get(choice, Qt.ColorScheme.Unknown)
    if hasattr(hints, "setColorScheme"):  # Qt 6.8 and newer: the window's frame follows as well
        hints.setColorScheme(scheme)
    wanted = hints.colorScheme() if choice == "system" else scheme
    _state["theme"] = LIGHT if wanted == Qt.ColorScheme.Light else DARK
    covers = cover_windows(app, theme().window, theme().muted)
    # Once: a style dresses every widget again, and behind a style sheet it has no name to be known by.
    if not app.styleSheet():
        app.setStyle("fusion")
    # A new sheet in the place of another dresses every widget that ever was, shown or not, a second long. Taken off and
    # put on, it dresses what is shown, and the rest when it comes to be shown.
    app.setStyleSheet("")
    app.setFont(_build_font())
    app.setPalette(_build_palette(theme()))
    app.setStyleSheet(_style_sheet(theme()))
    notifier.theme_changed.emit()
    uncover_windows(covers)


def mono_font(pixels: int = SMALL_PX) -> QFont:
    """A font whose digits do not dance when a number changes."""
    font = QFont(["Cascadia Mono", "SF Mono", "Menlo", "Noto Sans Mono", "DejaVu Sans Mono"])
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(pixels)
    return font


def text_on(color: QColor) -> QColor:
    """Black or white, whichever reads better on `color` (WCAG relative luminance)."""

    def linearize_channel(channel: float) -> float:
        return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4

    luminance = (
        0.2126 * linearize_channel(color.redF())
        + 0.7152 * linearize_channel(color.greenF())
        + 0.0722 * linearize_channel(color.blueF())
    )
    # Equal contrast to black and to white lies at 0.179.
    return QColor("#0b0c0e") if luminance > 0.179 else QColor("#ffffff")


def icon(name: str, color: QColor | None = None, *, size: int = 20) -> QIcon:
    """The icon `name` of resources/icons, tinted: `color`, or the text colour with the accent where checked."""
    normal = color or theme().text
    result = QIcon()
    for factor in (1, 2):
        for mode, tint in ((QIcon.Mode.Normal, normal), (QIcon.Mode.Disabled, theme().disabled)):
            result.addPixmap(icon_pixmap(name, tint, size, factor), mode)
    return result


def icon_pixmap(name: str, color: QColor, size: int = 20, ratio: float = 1.0) -> QPixmap:
    """The icon `name` in one colour, `size` logical pixels square."""
    key = f"defectdesk:{name}:{color.name()}:{size}:{ratio}"
    # A page has dozens of buttons with four pictures each, and lists draw theirs again with every row.
    drawn = QPixmap()
    if QPixmapCache.find(key, drawn):
        return drawn
    renderer = QSvgRenderer(QByteArray(_read_svg(name).replace("currentColor", color.name()).encode()))
    pixmap = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, pixmap)
    return pixmap


def set_icon(target: QAction | QAbstractButton, name: str, token: str = "text", *, size: int = 20) -> None:
    """Give `target` the icon `name` in the theme's colour `token`, now and after every change of theme."""
    for old in target.findChildren(_IconTint, options=Qt.FindChildOption.FindDirectChildrenOnly):
        old.setParent(None)
        old.deleteLater()
    _IconTint(target, name, token, size)


class _IconTint(QObject):
    """Lives as a child of what it tints, so that the connection ends with it."""

    def __init__(self, target: QAction | QAbstractButton, name: str, token: str, size: int) -> None:
        super().__init__(target)
        self._target, self._name, self._token, self._size = target, name, token, size
        notifier.theme_changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self._target.setIcon(icon(self._name, getattr(theme(), self._token), size=self._size))


@cache
def _read_svg(name: str) -> str:
    return (files("resources") / "icons" / f"{name}.svg").read_text("utf-8")


def _build_font() -> QFont:
    font = QFont(FAMILIES)
    font.setPixelSize(FONT_PX)
    font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    return font


def _build_palette(colors: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for name, color in {
        role.Window: colors.window,
        role.WindowText: colors.text,
        role.Base: colors.field,
        role.AlternateBase: colors.panel,
        role.ToolTipBase: colors.raised,
        role.ToolTipText: colors.text,
        role.PlaceholderText: colors.muted,
        role.Text: colors.text,
        role.Button: colors.raised,
        role.ButtonText: colors.text,
        role.BrightText: colors.bad,
        role.Light: colors.hover,
        role.Midlight: colors.raised,
        role.Mid: colors.border,
        role.Dark: colors.border,
        role.Shadow: QColor("#000000"),
        role.Highlight: colors.accent,
        role.HighlightedText: colors.accent_text,
        role.Link: colors.link,
        role.LinkVisited: colors.link,
        role.Accent: colors.accent,
    }.items():
        palette.setColor(name, color)
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, colors.disabled)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, colors.strong_border)
    return palette


def _style_sheet(colors: Theme) -> str:
    words = {
        field.name: getattr(colors, field.name).name()
        for field in fields(colors)
        if isinstance(getattr(colors, field.name), QColor)
    }
    sheet = Template((files("resources") / "theme.qss").read_text("utf-8"))
    pictures = _style_pictures(colors)
    return sheet.substitute(words, gap=GAP, pad=PAD, small=SMALL_PX, **pictures)


# A style sheet can only point at files, so the tinted signs of check boxes and arrows are written out.
_pictures: list[QTemporaryDir] = []


def _style_pictures(colors: Theme) -> dict[str, str]:
    if not _pictures:
        _pictures.append(QTemporaryDir())
    folder = Path(_pictures[0].path())
    result = {}
    for key, name, color in (
        ("down", "chevron-down", colors.muted),
        ("up", "chevron-up", colors.muted),
        ("right", "chevron-right", colors.muted),
        ("check", "check", colors.accent_text),
        ("dash", "dash", colors.accent_text),
        ("dot", "dot", colors.accent_text),
    ):
        path = folder / f"{name}-{colors.name}.svg"
        if not path.exists():
            path.write_text(_read_svg(name).replace("currentColor", color.name()), "utf-8")
        result[f"picture_{key}"] = path.as_posix()
    return result
