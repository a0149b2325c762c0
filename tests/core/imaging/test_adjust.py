import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.imaging.adjust import Adjustment, adjust_pixels, make_tone, shrunk_to
from tests.builders import picture

adjustments = st.builds(
    Adjustment,
    channel=st.sampled_from(["rgb", "red", "green", "blue", "grey"]),
    stretch=st.booleans(),
    low=st.floats(0, 49),
    high=st.floats(51, 100),
    clahe=st.sampled_from([0.0, 1.0, 4.0, 10.0]),
    gamma=st.floats(0.1, 5),
    contrast=st.integers(-100, 100),
    brightness=st.integers(-100, 100),
)


def test_a_neutral_adjustment_gives_the_very_image() -> None:
    image = picture()
    assert adjust_pixels(image, Adjustment()) is image
    assert make_tone(image, Adjustment()) is None


@given(adjustments, st.integers(1, 90), st.integers(1, 70))
@settings(max_examples=60, deadline=None)
def test_any_adjustment_of_any_image_keeps_its_shape_and_leaves_it_unchanged(
    adjustment: Adjustment, width: int, height: int
) -> None:
    image = picture(width, height)
    before = image.copy()
    result = adjust_pixels(image, adjustment)
    assert result.shape == image.shape and result.dtype == np.uint8
    assert np.array_equal(image, before)
    if adjustment.channel != "rgb":
        assert np.array_equal(result[..., 0], result[..., 1]) and np.array_equal(result[..., 0], result[..., 2])


def test_brightness_adds_contrast_spreads_about_the_middle_and_gamma_keeps_both_ends() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)

    def shown(**changes: float) -> list[int]:
        return adjust_pixels(ramp, Adjustment.model_validate(changes))[0, :, 0].tolist()

    assert shown(brightness=20)[:3] == [51, 52, 53] and shown(brightness=20)[-1] == 255
    assert shown(contrast=50)[100] == pytest.approx(2 * (100 - 127.5) + 127.5, abs=0.6)
    assert shown(contrast=-50)[::255] == [64, 191]
    light = shown(gamma=2)
    assert light[0] == 0 and light[255] == 255 and light[64] == 128


@pytest.mark.parametrize(("channel", "plane"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_channel_is_shown_alone_as_grey(channel: str, plane: int) -> None:
    image = picture()
    result = adjust_pixels(image, Adjustment.model_validate({"channel": channel}))
    assert np.array_equal(result, np.repeat(image[..., plane : plane + 1], 3, axis=2))


def test_stretching_brings_the_percentiles_to_black_and_white_and_keeps_hues() -> None:
    rng = np.random.default_rng(0)
    image = (60 + rng.integers(0, 40, (200, 200, 3))).astype(np.uint8)
    result = adjust_pixels(image, Adjustment(stretch=True, low=1, high=99))
    assert (result == 0).mean() == pytest.approx(0.02, abs=0.03) and (result == 255).mean() == pytest.approx(
        0.02, abs=0.03
    )
    assert result.std() > 5 * image.std()
    grey = np.repeat(image[..., :1], 3, axis=2)
    stretched = adjust_pixels(grey, Adjustment(stretch=True))
    assert np.array_equal(stretched[..., 0], stretched[..., 2])


def test_an_image_of_one_value_is_stretched_without_harm() -> None:
    for value in (0, 7, 255):
        flat = np.full((256, 256, 3), value, np.uint8)
        assert len(np.unique(adjust_pixels(flat, Adjustment(stretch=True, clahe=2)))) == 1


@pytest.mark.parametrize("limit", [2.0, 4.0])
def test_equalisation_is_that_of_opencv(limit: float) -> None:
    rng = np.random.default_rng(1)
    grey = np.clip(picture(512, 512)[..., 0] / 4 + rng.normal(0, 6, (512, 512)) + 20, 0, 255).astype(np.uint8)
    expected = cv2.createCLAHE(limit, (8, 8)).apply(grey)
    result = adjust_pixels(np.repeat(grey[..., None], 3, axis=2), Adjustment(channel="grey", clahe=limit))[..., 0]
    difference = np.abs(result.astype(int) - expected)
    assert difference.mean() < 1.0 and difference.max() <= 4


@given(st.integers(0, 150), st.integers(0, 100), st.integers(1, 50), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_a_part_of_an_image_looks_as_it_does_within_the_whole(left: int, top: int, width: int, height: int) -> None:
    image = picture(200, 150)
    tone = make_tone(image, Adjustment(clahe=3, stretch=True, gamma=1.5))
    assert tone is not None
    right, bottom = left + width, top + height
    part = image[top:bottom, left:right]
    frame = (left / 200, top / 150, (left + part.shape[1]) / 200, (top + part.shape[0]) / 150)
    difference = tone.apply(image)[top:bottom, left:right].astype(int) - tone.apply(np.ascontiguousarray(part), frame)
    assert np.abs(difference).max() <= 1


def test_a_zoomed_out_view_looks_like_the_whole_image_seen_from_afar() -> None:
    image = picture(1600, 1200)
    tone = make_tone(image, Adjustment(clahe=3))
    assert tone is not None
    far = tone.apply(shrunk_to(image, 400))
    assert np.abs(far.astype(int) - shrunk_to(tone.apply(image), 400)).mean() < 2


def test_local_contrast_makes_a_faint_mark_in_the_dark_visible() -> None:
    dark = np.full((400, 400, 3), 12, np.uint8)
    dark[:, 200:] = 200
    dark[100:120, 80:100] = 15
    shown = adjust_pixels(dark, Adjustment(clahe=8)).astype(int)
    assert shown[110, 90, 0] - shown[60, 60, 0] > 1.5 * 3


def test_a_long_line_scan_is_equalised_in_about_square_tiles() -> None:
    tone = make_tone(picture(3000, 200), Adjustment(clahe=2))
    assert tone is not None and tone.tiles is not None
    rows, columns = tone.tiles.shape[:2]
    assert rows == 2 and columns == 24


@pytest.mark.parametrize("channel", ["rgb", "green", "grey"])
def test_a_grey_image_stays_grey_and_looks_as_its_colour_version_does(channel: str) -> None:
    grey = picture(300, 200)[..., 1].copy()
    colour = grey[..., None].repeat(3, axis=2)
    tone = make_tone(colour, Adjustment.model_validate({"channel": channel, "clahe": 2, "stretch": True, "gamma": 2}))
    assert tone is not None
    one, other = tone.apply(grey), tone.apply(colour)
    assert one.shape == grey.shape
    assert np.abs(one[..., None].astype(int) - other).max() <= 2


@pytest.mark.parametrize("gamma", [1.0, 1.7])
def test_equalisation_changes_the_brightness_and_not_the_colour(gamma: float) -> None:
    image = (60 + picture(320, 240) // 3).astype(np.uint8)
    tone = make_tone(image, Adjustment(clahe=2, gamma=gamma))
    assert tone is not None
    luma, *colour = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    equalised = tone.apply(np.asarray(luma, np.uint8))
    expected = cv2.cvtColor(cv2.merge([equalised, *colour]), cv2.COLOR_YCrCb2RGB)
    difference = np.abs(tone.apply(image).astype(int) - expected)
    # On the way there and back colours are rounded to steps of nearly two.
    assert difference.max() <= 3 and difference.mean() < 1
    assert np.abs(equalised.astype(int) - luma).mean() > 5
