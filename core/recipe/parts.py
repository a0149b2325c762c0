"""The parts of a recipe. Each field's title, limits, unit and help are declared here, once."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _a_switch_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        # "epochs: true", or "epochs: yes", would be taken for one epoch.
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError(f"must be a number, not {str(value).lower()}")
        return value


class Weights(Part):
    """What the network knows before it sees the project."""

    source: Literal["none", "imagenet", "coco", "file", "checkpoint"] = Field(
        "none",
        title="Starting weights",
        description="none: random. imagenet: the backbone. coco: the whole detector. file: weights on disk. "
        "checkpoint: a model saved by this program; label heads are carried over by name.",
    )
    path: str = Field("", title="File", description="The weights or checkpoint file, where the source needs one.")
    normalization: Literal["auto", "imagenet", "caffe", "centred"] = Field(
        "auto",
        title="Normalisation",
        description="How pixels are scaled for the network. It belongs to the weights, so auto is right unless a "
        "weights file was trained otherwise. caffe: mean 123 117 104, unscaled. centred: -1 to 1.",
    )


class Unfreeze(Part):
    """From this epoch on, a stage and all that lie behind it learn."""

    epoch: int = Field(ge=1, le=100_000, title="Epoch")
    stage: str = Field(title="Stage")


class Strategy(Part):
    """Which parameters learn, when, and how fast."""

    kind: Literal["scratch", "frozen", "fine_tune", "two_phase", "gradual"] = Field(
        "scratch",
        title="Strategy",
        description="scratch: everything learns at one rate. frozen: the backbone stays as it was. fine_tune: the "
        "backbone learns from a chosen stage upward, at a smaller rate. two_phase: first the head alone, then the "
        "last stages too. gradual: stage after stage is unfrozen.",
    )
    backbone_lr_factor: float = Field(
        0.1,
        gt=0,
        le=1,
        title="Backbone rate",
        json_schema_extra={"unit": "x"},
        description="The learning rate of the backbone's last stage as a fraction of the head's.",
    )
    stage_lr_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        title="Rate by stage",
        json_schema_extra={"unit": "x"},
        description="Each stage nearer to the image learns at this fraction of the rate of the stage behind it; "
        "1: all stages at the backbone's rate.",
    )
    from_stage: str = Field(
        "",
        title="Learn from stage",
        description="For fine_tune: this stage and those behind it learn, those before it stay frozen. Empty: all learn.",
    )
    head_epochs: int = Field(
        5,
        ge=1,
        le=100_000,
        title="Head first",
        json_schema_extra={"unit": "epochs"},
        description="For two_phase: epochs in which the head learns alone.",
    )
    last_stages: int = Field(
        2, ge=1, le=32, title="Then stages", description="For two_phase: how many of the last stages learn after that."
    )
    unfreeze: tuple[Unfreeze, ...] = Field(
        (),
        title="Unfreezing",
        description="For gradual: from which epoch each stage learns. Empty: stages from the last to the first, spread "
        "evenly over the first half of the run.",
    )
    norms: Literal["auto", "frozen", "learn"] = Field(
        "auto",
        title="BatchNorm statistics",
        description="auto: a pre-trained backbone keeps the statistics it has learnt; random weights learn them. Small "
        "batches spoil statistics.",
    )


class Sampling(Part):
    """How images become network inputs."""

    mode: Literal["whole", "crops"] = Field(
        "whole",
        title="Input",
        description="whole: each image is resized to the input size. crops: native-resolution cut-outs of the input size, "
        "so small defects keep their pixels; prediction then runs on the whole image, or on tiles of it.",
    )
    input_size: int = Field(
        320,
        ge=64,
        le=2048,
        multiple_of=4,
        title="Input size",
        json_schema_extra={"unit": "px"},
        description="Side of the network's input.",
    )
    crops_per_image: int = Field(
        0,
        ge=0,
        le=64,
        title="Crops per image",
        json_schema_extra={"zero": "by its size"},
        description="Crops taken from each image in an epoch; 0 chooses by the image's size.",
    )
    placing: Literal["random", "tiles"] = Field(
        "random",
        title="Place crops",
        description="random: anywhere, most of them on a defect. tiles: a grid over each image, so that an epoch shows "
        "every defect once; for large images with many.",
    )
    empty_tiles: float = Field(
        1.0,
        ge=0,
        le=100,
        title="Empty tiles",
        json_schema_extra={"unit": "x"},
        description="For tiles: tiles without a defect that an epoch shows, for each tile with one; which ones changes from "
        "epoch to epoch.",
    )
    on_box: float = Field(
        0.8,
        ge=0,
        le=1,
        title="Crops on a box",
        description="Share of the crops that are placed on a defect, where an image has one.",
    )
    clipped: Literal["ignore", "teach"] = Field(
        "ignore",
        title="Parts of long defects",
        description="For crops: what a crop shows of a long thin defect that is cut by its edge, less than is taught "
        "otherwise. ignore: neither a defect nor background. teach: the part is taught as a box, and prediction joins "
        "parts over the edges of its tiles.",
    )
    empty_share: float = Field(
        1.0,
        ge=0,
        le=1,
        title="Clean images",
        description="Share of the images without a defect that an epoch shows; which ones changes from epoch to epoch. "
        "1: all of them.",
    )
    rare_labels: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Repeat rare labels",
        json_schema_extra={"zero": "off"},
        description="Images with a label that fewer than this share of the images carry are repeated, up to "
        "sqrt(share / the label's share) times (LVIS's repeat factor). 0: off.",
    )
    anchor_shapes: int = Field(
        0,
        ge=0,
        le=24,
        title="Anchor shapes",
        json_schema_extra={"zero": "by reach"},
        description="Box shapes that anchors are fitted to; 0 chooses by reach.",
    )
    tap: int = Field(
        16,
        title="First map",
        json_schema_extra={"unit": "px"},
        description="For pooling-pyramid models: stride of the map that is tapped, 8 (small defects) or 16 (faster).",
    )

    @field_validator("tap")
    @classmethod
    def _known_tap(cls, tap: int) -> int:
        if tap not in (8, 16):
            raise ValueError("must be 8 or 16, the strides of the maps that can be tapped")
        return tap


class Mixing(Part):
    """Pictures put together from several. Off by default: on small sets they teach scenes that never occur."""

    mosaic: float = Field(0.0, ge=0, le=1, title="Mosaic", description="Chance that four pictures become one.")
    mixup: float = Field(0.0, ge=0, le=1, title="MixUp", description="Chance that two pictures are blended.")
    cutmix: float = Field(
        0.0, ge=0, le=1, title="CutMix", description="Chance that a rectangle of another picture is pasted in."
    )
    off_for_last: int = Field(
        5,
        ge=0,
        le=100_000,
        title="Off for the last",
        json_schema_extra={"unit": "epochs"},
        description="The last epochs show pictures as they are.",
    )

    @property
    def is_on(self) -> bool:
        return max(self.mosaic, self.mixup, self.cutmix) > 0


class Optimizer(Part):
    """How parameters follow their gradients."""

    kind: Literal["adamw", "adam", "sgd"] = Field("adamw", title="Optimiser")
    lr: float = Field(1e-3, gt=0, le=10, title="Learning rate", description="Peak rate of the head, after warm-up.")
    lr_scaling: Literal["none", "linear", "sqrt"] = Field(
        "none",
        title="Rate by batch",
        description="none: the learning rate is taken as it is. linear, sqrt: it is given for 16 pictures in a step and "
        "multiplied by (pictures in a step / 16), or the square root of that (the rule for Adam).",
    )
    weight_decay: float = Field(1e-4, ge=0, le=1, title="Weight decay", description="Not applied to norms and biases.")
    momentum: float = Field(0.9, ge=0, lt=1, title="Momentum", description="For SGD.")
    clip_norm: float = Field(10.0, gt=0, title="Gradient clip", description="Largest norm of the whole gradient.")
    accumulate: int = Field(
        1,
        ge=1,
        le=1024,
        title="Accumulate",
        json_schema_extra={"unit": "batches"},
        description="Batches whose gradients are added up before a step: a larger effective batch in the same memory.",
    )
    ema: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Weight averaging",
        json_schema_extra={"control": "number", "zero": "off"},
        description="Decay of the exponential moving average of the weights, which is judged and saved; such as 0.999. 0: off.",
    )


class Schedule(Part):
    """How long, in what portions, and how the learning rate moves."""

    epochs: int = Field(20, ge=1, le=100_000, title="Epochs")
    batch_size: int = Field(
        16,
        ge=1,
        le=1024,
        title="Batch",
        description="Images or crops computed at once. With fewer than 8, new layers of SSD Compact and SSDLite have "
        "GroupNorm instead of BatchNorm, so that one picture is enough; a checkpoint keeps its own norms.",
    )
    warmup_steps: int = Field(50, ge=0, title="Warm-up", description="Steps in which the rate grows from near zero.")
    decay: Literal["cosine", "constant", "step", "exponential", "one_cycle", "cyclical", "plateau"] = Field(
        "cosine",
        title="Decay",
        description="cosine: falls smoothly to near zero. step: multiplied by the factor at each milestone. exponential: "
        "falls by the same share in each step, to the factor at the end. one_cycle: rises for 30% of the run, then falls. "
        "cyclical: swings between a tenth of the rate and the rate. plateau: multiplied by the factor when the "
        "validation loss stops falling.",
    )
    milestones: tuple[float, ...] = Field(
        (0.67, 0.92),
        title="Milestones",
        description="For step: where the rate drops, as shares of the run.",
    )
    factor: float = Field(
        0.1,
        gt=0,
        lt=1,
        title="Factor",
        description="For step and plateau: what the rate is multiplied by at each drop. For exponential: what is left of "
        "it at the end of the run.",
    )
    cycle_epochs: float = Field(
        4,
        gt=0,
        le=100_000,
        title="Cycle",
        json_schema_extra={"unit": "epochs"},
        description="For cyclical: epochs from one peak to the next.",
    )
    patience: int = Field(
        3,
        ge=1,
        le=100_000,
        title="Patience",
        json_schema_extra={"unit": "evaluations"},
        description="For plateau: evaluations without a better validation loss before the rate drops.",
    )

    @field_validator("milestones")
    @classmethod
    def _milestones_rise(cls, milestones: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < one < 1 for one in milestones) or list(milestones) != sorted(set(milestones)):
            raise ValueError("must be rising shares of the run, each between 0 and 1, such as 0.67, 0.92")
        return milestones


class Loss(Part):
    """What counts as wrong."""

    kind: Literal["focal", "mined_bce"] = Field(
        "focal",
        title="Label loss",
        description="focal: every anchor counts, easy ones little. mined_bce: the hardest "
        "negatives of the whole batch. Clean images teach in both.",
    )
    focal_alpha: float = Field(0.25, gt=0, lt=1, title="Focal alpha", description="Weight of positives in focal loss.")
    focal_gamma: float = Field(2.0, ge=0, le=10, title="Focal gamma", description="How little easy anchors count.")
    negatives: float = Field(
        3.0,
        gt=0,
        le=100,
        title="Negatives",
        json_schema_extra={"unit": "x"},
        description="For mined_bce: hard negatives taken for each positive.",
    )
    class_weights: Literal["none", "balanced", "sqrt"] = Field(
        "none",
        title="Label weights",
        description="balanced: a label counts by the inverse of its frequency. sqrt: by the root of that, which is gentler.",
    )
    box: Literal["l1", "smooth_l1", "giou"] = Field(
        "l1",
        title="Box loss",
        description="l1: absolute error of the encoded box, sharp on small defects. smooth_l1: forgiving of large errors. "
        "giou: the overlap itself.",
    )
    box_weight: float = Field(
        0.2, ge=0, le=100, title="Box weight", description="Weight of the box loss beside the label loss."
    )


class EvaluationSettings(Part):
    """How the run is judged while it goes on."""

    every: int = Field(
        1,
        ge=1,
        title="Evaluate every",
        json_schema_extra={"unit": "epochs"},
        description="The last epoch is always evaluated.",
    )
    max_images: int = Field(
        0,
        ge=0,
        title="Validation images",
        json_schema_extra={"zero": "all"},
        description="Evaluate on at most this many, the same ones each time; 0: all.",
    )
    early_stop: int = Field(
        0,
        ge=0,
        le=100_000,
        title="Early stop",
        json_schema_extra={"unit": "evaluations", "zero": "never"},
        description="Evaluations without a better model after which the run ends; 0: never.",
    )
    samples: int = Field(
        6,
        ge=0,
        le=24,
        title="Sample images",
        json_schema_extra={"zero": "none"},
        description="Validation images, chosen by the seed, on which what is found is shown beside the curves after each "
        "evaluation; 0: none.",
    )


class Limits(Part):
    """What a run may use, and how the device computes."""

    time_minutes: float = Field(
        0,
        ge=0,
        title="Time limit",
        json_schema_extra={"unit": "min", "zero": "no limit"},
        description="The schedule is fitted to end within this time; 0: no limit.",
    )
    ram_cache_mb: int = Field(
        0,
        ge=0,
        title="Images in memory",
        json_schema_extra={"unit": "MB", "zero": "a quarter of it"},
        description="Decoded images kept in memory; 0: a quarter of the memory.",
    )
    disk_cache_mb: int = Field(
        20_000,
        ge=0,
        title="Images on disk",
        json_schema_extra={"unit": "MB", "zero": "none"},
        description="Decoded images kept in the project's cache folder once memory is full; 0: none.",
    )
    workers: int = Field(
        0,
        ge=0,
        le=64,
        title="Workers",
        json_schema_extra={"zero": "by the cores"},
        description="Threads that decode and augment images ahead of the network; 0: two, or up to eight where there are "
        "more cores.",
    )
    threads: int = Field(
        0,
        ge=0,
        le=1024,
        title="Threads",
        json_schema_extra={"zero": "as the settings say"},
        description="Threads that compute on the CPU; 0: as OMP_NUM_THREADS or the settings say, else all cores that may be "
        "used. Another number gives sums that differ in their last bits.",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto",
        title="Precision",
        description="auto: bf16 for the network where the device computes it natively, fp16 on older GPUs, else fp32. "
        "The loss is always fp32.",
    )
    channels_last: bool = Field(
        True, title="Channels last", description="Memory order that is faster for convolutions on most devices."
    )
    compile: bool = Field(
        False, title="Compile", description="torch.compile: minutes of preparation for faster steps on a GPU."
    )


class Tracking(Part):
    """What a run writes besides its own events."""

    tensorboard: bool = Field(
        False, title="TensorBoard", description="Event files for TensorBoard in the run's folder, under tensorboard/."
    )
