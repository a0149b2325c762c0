"""What a prediction says of images whose depth is not that of the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.imaging.cameras import Camera, Cameras
from core.inference.prediction_loop import ImagePrediction, ImageSource, describe_depth, read_source
from core.models.checkpoint import Description
from core.operations.predict import DepthNotices
from tests.builders import picture, write_picture

GREY = Cameras((Camera((0, 4095), 1, 16),))


def describe(cameras: Cameras | None, bits: list[int]) -> Description:
    values = None if cameras is None else cameras.to_json()
    return Description.model_construct(id="r001-best", window=None, cameras=values, bits=bits)


def told(path: Path, description: Description, group: str = "") -> str:
    read = read_source(ImageSource(str(path), group=group), description.scale)
    return "; ".join(describe_depth(read, description, group))


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    values = np.full((40, 60), 1000, np.uint16)
    values[5:9, 5:9] = 5000
    return write_picture(tmp_path / "deep.png", values)


def test_the_scale_that_was_taken_is_said_and_what_exceeds_it(deep: Path) -> None:
    said = told(deep, describe(GREY, [16]))
    assert "grey, 16 bits: read through the depth scale from 0 to 4,095" in said and "above 4,095" in said


def test_images_of_8_bits_are_said_where_the_training_had_none(tmp_path: Path, deep: Path) -> None:
    shallow = write_picture(tmp_path / "8.png", picture(60, 40))
    assert "trained on images of 16 bits alone" in told(shallow, describe(GREY, [16]))
    assert told(shallow, describe(GREY, [8, 16])) == told(shallow, describe(Cameras(), [8])) == ""
    assert told(shallow, describe(None, [])) == ""
    said = told(deep, describe(Cameras(), [8]))
    assert "trained on images of 8 bits alone" in said and "no depth scale" in said


def test_an_image_of_no_camera_of_the_checkpoint_is_said(tmp_path: Path) -> None:
    colour = write_picture(tmp_path / "c.png", np.full((40, 60, 3), 900, np.uint16))
    assert "colour, 16 bits: no depth scale" in told(colour, describe(GREY, [16]))


def test_a_checkpoint_from_before_scales_goes_on_as_it_was_trained_and_says_so(deep: Path) -> None:
    description = describe(None, [])
    assert "scaled by its own values" in told(deep, description)
    read = read_source(ImageSource(str(deep)), description.scale)
    assert read.pixels[0, 0] == 1000 >> 8
    older = Description.model_construct(id="r001-best", window=(0, 2000), cameras=None, bits=[])
    assert "from 0 to 2,000" in told(deep, older)


def test_a_group_that_is_not_known_is_said_where_it_tells_cameras(deep: Path) -> None:
    cameras = Cameras((*GREY.cameras, Camera((0, 60000), group="B")))
    assert "its group is not known" in told(deep, describe(cameras, [16]))
    said = told(deep, describe(cameras, [16]), "B")
    assert "not known" not in said and "from 0 to 60,000" in said


def test_the_same_notice_of_many_images_is_one_line() -> None:
    notices = DepthNotices()
    for name in ("a.png", "b.png"):
        notices.add(ImagePrediction(name, None, about_depth=("dark",)))
    notices.add(ImagePrediction("c.png", None, about_depth=("light",)))
    assert notices.list_texts() == ["dark (2 images, such as a.png)", "c.png: light"]
    assert notices.to_json()[0] == {"text": "dark", "images": 2, "example": "a.png"}
