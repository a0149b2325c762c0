"""Files that users take for images and that are none that this program reads, so that they are refused by their name."""

from __future__ import annotations

# By how the file begins: where, with what.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"%PDF", "a PDF"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xffO\xffQ", "JPEG 2000"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (0, b"IIRO", "camera raw"),
    (0, b"IIU\0", "camera raw"),
    (0, b"FUJIFILMCCD-RAW", "camera raw"),
    (0, b"\x8aMNG", "MNG"),
    (0, b"DDS ", "DDS"),
    (0, b"\0\0\1\0", "an icon"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"\x89HDF", "HDF5"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"qoif", "QOI"),
    (0, b"icns", "an icon"),
    (0, b"\x01\xda", "SGI"),
    *((0, b"\x0a" + version + b"\x01", "PCX") for version in (b"\0", b"\2", b"\3", b"\4", b"\5")),
    *(
        (0, b"P" + kind + blank, "a Netpbm image")
        for kind in (b"1", b"2", b"3", b"4", b"5", b"6")
        for blank in (b"\n", b" ")
    ),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (128, b"DICM", "DICOM"),
)


def name_foreign_kind(data: bytes) -> str:
    """What a file seems to be that is no image this program reads; empty if it tells nothing."""
    for place, magic, name in _MAGIC:
        if data[place : place + len(magic)] == magic:
            return name
    beginning = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if beginning.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in data[:65536].lower():
        return "an SVG drawing"
    return ""
