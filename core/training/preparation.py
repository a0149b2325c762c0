"""Everything that is decided before the first step: device, input, anchors, starting weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import InputError
from core.models import anchors, checkpoint, weights
from core.models.anchors import NO_ANCHORS, Anchors
from core.models.checkpoint import Checkpoint, Resumable
from core.models.inputs import NORMALIZATIONS, InputSpec
from core.models.networks.detector import Network
from core.models.networks.families import Architecture
from core.models.registry import MODELS, model_spec
from core.project.snapshot import Snapshot
from core.randomness import seed_for
from core.recipe.field_words import describe_change, field_title
from core.recipe.finding import Finding
from core.recipe.recipe import Recipe
from core.training.data.crops import input_size
from core.training.data.mends import fit_anchors
from core.training.data.recipe_findings import judge_recipe
from core.training.data.taught_boxes import TaughtBoxes, find_taught_boxes
from core.training.strategy import idle_notice, weights_notices
from core.types import Split

# A checkpoint's anchors are kept unless fitted ones reach this much more.
WORTH_REFITTING = 0.02
# Share of boxes longer than the crops from which on prediction looks at tiles of the crops' size, which takes longer.
MANY_PARTS = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A network ready to learn."""

    network: Network
    architecture: Architecture
    input: InputSpec
    reachable: float
    pretrained: bool
    weights_text: str
    notices: list[str]
    skipped: tuple[str, ...] = ()  # tensors of the starting weights that were not taken over, and why
    findings: tuple[Finding, ...] = ()  # what the recipe does badly on these data, where that was asked for

    def start(self) -> dict[str, Any]:
        """What the last checkpoint keeps of it, as plain values, besides what every checkpoint says."""
        return Start(
            reachable=self.reachable, pretrained=self.pretrained, weights=self.weights_text, skipped=self.skipped
        ).model_dump()


class Start(BaseModel):
    """How a run began, for when it goes on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    reachable: float
    pretrained: bool
    weights: str
    skipped: tuple[str, ...]


def prepared_again(saved: Resumable) -> Prepared:
    """The network of a run that goes on, as it was saved: the starting weights are not asked for again.

    Raises InputError if the checkpoint does not say how the run started.
    """
    try:
        start = Start.model_validate(saved.state.progress.more.get("start"))
    except ValidationError as error:
        raise InputError(
            f"{saved.checkpoint.description.run}: its last checkpoint is damaged, it does not say how the run started; "
            "start a new run"
        ) from error
    return Prepared(
        network=saved.checkpoint.build().train(),
        architecture=saved.checkpoint.architecture,
        input=saved.checkpoint.description.input,
        reachable=start.reachable,
        pretrained=start.pretrained,
        weights_text=start.weights,
        notices=[saved.notice] if saved.notice else [],
        skipped=start.skipped,
    )


def prepare_training(recipe: Recipe, snapshot: Snapshot, *, judged: bool = True) -> Prepared:
    """Build the network that `recipe` asks for. Raises InputError that names the setting to change.

    `judged`: with what the recipe does badly, which takes seconds where much is wrong.
    """
    images = snapshot.of_split(Split.TRAIN)
    check_snapshot(snapshot)
    source = _weights_source(recipe)
    width, height = input_size(recipe, [(image.width, image.height) for image in images])
    found = find_taught_boxes(recipe, images)
    notices: list[str] = []
    fitted = _choose_anchors(recipe, found, source)
    # A model that finds no boxes has none to reach; what no picture shows enough of is not reached either.
    reachable = found.share
    if recipe.spec.task == "detect":
        reachable *= anchors.reachable_share(found.boxes[found.taught], fitted)
    options = source.architecture.options if source else recipe.options
    architecture = Architecture(recipe.model, fitted, len(snapshot.label_names), options)
    torch.manual_seed(seed_for(recipe.seed, "weights"))
    network = architecture.build()
    report, normalization = _load_weights(network, recipe, snapshot, source, notices)
    mean, std = (
        (source.description.input.mean, source.description.input.std) if source else NORMALIZATIONS[normalization]
    )
    largest = max((side for level in fitted.shapes for shape in level for side in shape), default=0)
    spec = InputSpec(
        mode=recipe.sampling.mode,
        width=width,
        height=height,
        mean=mean,
        std=std,
        **_choose_tiles(recipe, found, largest),
    )
    if report:
        notices += weights_notices(recipe, report, tuple(network.backbone.stages()))
    if idle := idle_notice(recipe, network):
        notices.append(idle)
    return Prepared(
        network,
        architecture,
        spec,
        reachable,
        report is not None,
        report.text if report else "random",
        notices,
        report.skipped if report else (),
        judge_recipe(recipe, snapshot, fitted) if judged else (),
    )


def check_snapshot(snapshot: Snapshot) -> None:
    """Raises InputError, with the mend, if there is nothing to learn from."""
    if not snapshot.label_names:
        raise InputError("labels: the project has none; add a label and draw some boxes")
    images = snapshot.of_split(Split.TRAIN)
    if not images:
        raise InputError(
            "images: none that is labelled, reviewed or clean is in the train split; label some, and split the images"
        )
    if not any(len(image.boxes) for image in images):
        raise InputError("boxes: the train split has no labelled box; draw some")


def _choose_tiles(recipe: Recipe, found: TaughtBoxes, largest: float) -> dict[str, int]:
    """Tiles for prediction.

    Where defects are longer than the crops, crops teach parts of them, cut at the border. A network says in a tile of the
    crops' size what it was taught, parts that end at the tile's border and are joined over it; in a larger one it would
    say parts that end nowhere. Half of such a tile is the overlap: every part is then seen in two.
    """
    side = recipe.sampling.input_size
    parts = float((found.sides > side).any(axis=1).mean()) if len(found.sides) else 0.0
    if recipe.sampling.mode == "crops" and recipe.spec.task == "detect" and parts >= MANY_PARTS:
        return {"tile": side, "overlap": side // 2}
    return {"overlap": int(min(max(128, 2 * largest), 512))}


def _weights_source(recipe: Recipe) -> Checkpoint | None:
    if recipe.weights.source != "checkpoint":
        return None
    source = checkpoint.load(Path(recipe.weights.path))
    if source.description.model != recipe.model:
        raise InputError(
            f"weights.path: the checkpoint is a {source.description.model}, the recipe wants {recipe.model}; choose the same model"
        )
    tap = source.architecture.options.get("tap", recipe.sampling.tap)
    if tap != recipe.sampling.tap:
        raise InputError(
            f"sampling.tap: the checkpoint's first map has stride {tap}; {describe_change({'sampling.tap': tap})}"
        )
    return source


def _choose_anchors(recipe: Recipe, found: TaughtBoxes, source: Checkpoint | None) -> Anchors:
    fitted, boxes = fit_anchors(recipe, found), found.boxes[found.taught]
    if source is not None and fitted != NO_ANCHORS:
        theirs = source.architecture.anchors
        if anchors.reachable_share(boxes, theirs) >= anchors.reachable_share(boxes, fitted) - WORTH_REFITTING:
            return theirs
    return fitted


def _load_weights(
    network: Network, recipe: Recipe, snapshot: Snapshot, source: Checkpoint | None, notices: list[str]
) -> tuple[weights.Report | None, str]:
    """Take over the starting weights; also the name of the normalisation that belongs to them."""
    kind, chosen = recipe.weights.source, recipe.weights.normalization
    if source is not None:
        return weights.load_checkpoint(
            network, list(snapshot.label_names), source, Path(recipe.weights.path).name
        ), "imagenet"
    if kind == "none":
        return None, "imagenet" if chosen == "auto" else chosen
    if kind == "file":
        path = Path(recipe.weights.path)
        tensors = weights.read_weights(path)
        report = weights.load_torchvision(network, tensors, path.name)
        whole_detector = any(name.startswith("backbone.") for name in tensors)
        guess = _own_normalization(recipe.model, "coco" if whole_detector else "imagenet", path.name)
        if chosen == "auto":
            notices.append(
                f"normalisation: taken as {guess} for {path.name}; set {field_title('weights.normalization')} if it was trained otherwise"
            )
        return report, guess if chosen == "auto" else chosen
    file = model_spec(recipe.model).weights[kind]
    report = weights.load_torchvision(network, weights.download_weights(file), file.file_name)
    return report, file.normalization if chosen == "auto" else chosen


def _own_normalization(model: str, kind: str, file_name: str) -> str:
    """How the library scales pixels for its weights of this model, which tell themselves apart by their file's name."""
    known = MODELS[model].weights
    for file in known.values():
        if file.file_name == file_name:
            return file.normalization
    return known[kind].normalization if kind == "coco" and kind in known else "imagenet"
