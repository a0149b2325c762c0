"""A picture of plots in a file, as pixels or as lines."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QSize
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from core.errors import InputError
from core.files import find_free_path, write_new_bytes
from desktop.base.theme import theme

_SCALE = 2  # pixels of the picture for one of the screen
_HEAD, _MARGIN = 28, 10  # pixels of the screen: the line with the title, and around all


def save_picture(plots: QWidget, title: str, wanted: Path) -> Path:
    """Write what `plots` shows to a new file, PNG or SVG by its ending; a free name where `wanted` is there already.

    Returns the file. Raises InputError where the ending is another, or the file cannot be written.
    """
    kinds = {".png": _draw_png, ".svg": _draw_svg}
    if wanted.suffix.lower() not in kinds:
        raise InputError(f"{wanted.name}: a picture of the plots is a PNG or an SVG; end the name in .png or .svg")
    data = kinds[wanted.suffix.lower()](plots, title)
    path = find_free_path(wanted)
    try:
        write_new_bytes(path, data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    return path


def _find_size(plots: QWidget) -> QSize:
    return QSize(plots.width() + 2 * _MARGIN, plots.height() + _HEAD + 2 * _MARGIN)


def _draw_png(plots: QWidget, title: str) -> bytes:
    size = _find_size(plots)
    image = QImage(size * _SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SCALE)
    image.setText("Title", title)
    painter = QPainter(image)
    _draw_plots(painter, plots, title, size)
    painter.end()
    buffer = _open_buffer()
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())


def _draw_svg(plots: QWidget, title: str) -> bytes:
    size, buffer = _find_size(plots), _open_buffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(96)
    generator.setSize(size)
    generator.setViewBox(QRect(QPoint(0, 0), size))
    generator.setTitle(title)
    painter = QPainter(generator)
    _draw_plots(painter, plots, title, size)
    painter.end()
    return bytes(buffer.data().data())


def _draw_plots(painter: QPainter, plots: QWidget, title: str, size: QSize) -> None:
    painter.fillRect(QRect(QPoint(0, 0), size), theme().window)
    painter.setPen(theme().text)
    painter.setFont(plots.font())
    painter.drawText(QPoint(_MARGIN, _MARGIN + _HEAD // 2), title)
    plots.render(painter, QPoint(_MARGIN, _MARGIN + _HEAD), renderFlags=QWidget.RenderFlag.DrawChildren)


def _open_buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer
