"""Images that are smaller than a crop look in prediction as they do in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.augmentation.config import PRESETS
from core.augmentation.pipeline import View, augment
from core.inference.runner import Runner, normalized, to_batch
from core.models.inputs import InputSpec
from core.models.networks.detector import Network
from core.training.data.dataset import ImageCache, TrainingSet
from tests.builders import picture
from tests.core.training.test_dataset import images, recipe  # noqa: F401 - a fixture

CROP = InputSpec(mode="crops", width=256, height=256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


class _NoNetwork(torch.nn.Module):
    """The pixels do not depend on it."""


def make_runner(spec: InputSpec) -> Runner:
    network: Network = _NoNetwork()  # type: ignore[assignment]
    return Runner(network, spec, torch.device("cpu"), "fp32")


@pytest.mark.parametrize("size", [(200, 200), (256, 256), (201, 131), (37, 256), (9, 5)])
@pytest.mark.parametrize("on_box", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_an_image_smaller_than_the_crop_gives_one_tensor_in_training_and_prediction(
    size: tuple[int, int], on_box: float, seed: int
) -> None:
    image = picture(*size, seed=seed)
    boxes, labels = np.array([[1, 1, 6, 4]], np.float32), np.ones((1, 1), bool)
    shown = augment(image, boxes, labels, PRESETS["None"], seed, View((256, 256), "crop", on_box))
    [part] = make_runner(CROP).split_image(image)
    assert np.array_equal(part.pixels, shown.image)
    assert np.array_equal(part.part.to_input(boxes), shown.boxes)
    trained, predicted = (normalized(to_batch([pixels]), CROP) for pixels in (shown.image, part.pixels))
    assert torch.equal(trained, predicted)


def test_a_batch_of_small_images_holds_what_prediction_sees(images: list) -> None:  # noqa: F811
    chosen = recipe("crops", sampling__input_size=192, augmentation=PRESETS["None"].model_dump())
    data = TrainingSet(images, 3, chosen, (192, 192), ImageCache(10**8))
    runner, cache = make_runner(CROP.model_copy(update={"width": 192, "height": 192})), ImageCache(10**8)
    seen = [runner.split_image(cache.whole(image, None))[0].pixels for image in images]
    for batch in data.batches(1):
        for picture_3hw in batch.images_b3hw:
            assert any(np.array_equal(picture_3hw.permute(1, 2, 0).numpy(), one) for one in seen)


def test_only_the_short_side_of_a_strip_is_filled_up() -> None:
    image = picture(900, 100, seed=1)
    parts = make_runner(CROP.model_copy(update={"tile": 512})).split_image(image)
    assert [(one.part.x1, one.part.x2, one.part.y1, one.part.y2) for one in parts] == [
        (0, 512, -78, 178),
        (194, 706, -78, 178),
        (388, 900, -78, 178),
    ]
    for one in parts:
        assert one.pixels.shape == (256, 512, 3)
        assert np.array_equal(one.pixels[78:178], image[:, one.part.x1 : one.part.x2])
        assert (one.pixels[:78] == one.pixels[0, 0]).all() and (one.pixels[178:] == one.pixels[0, 0]).all()
