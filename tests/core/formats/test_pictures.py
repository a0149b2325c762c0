"""Images that are turned while they are copied."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tifffile

from core.formats.frames import read_frame
from core.formats.pictures import copy_upright
from tests.builders import picture


def test_a_tiff_is_copied_as_the_program_reads_it(tmp_path: Path) -> None:
    colours = picture(40, 24).astype(np.uint16) * 200 + 3
    planes = np.moveaxis(colours, 2, 0).copy()
    extra = [(274, "H", 1, 6, True)]
    tifffile.imwrite(
        tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate", metadata=None, extratags=extra
    )
    copy_upright(tmp_path / "a.tif", tmp_path / "b.png", read_frame(tmp_path / "a.tif"))
    copied = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    assert copied.dtype == np.uint16
    assert np.array_equal(copied[..., ::-1], np.rot90(colours, -1))
