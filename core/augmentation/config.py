"""What augmentation does, as data. The form, the command line and the file are built from these fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AugmentationConfig(BaseModel):
    """Random changes of an image and its boxes. Zero switches a change off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # fmt: off
    horizontal_flip: float = Field(
        0.5, ge=0, le=1, title="Horizontal flip", description="Chance to mirror left and right.",
    )
    vertical_flip: float = Field(0.5, ge=0, le=1, title="Vertical flip", description="Chance to mirror up and down.")
    quarter_turn: float = Field(
        0.0, ge=0, le=1, title="Quarter turn",
        description="Chance to turn by 90°, which costs no sharpness; with both flips, all eight ways to lay a part "
        "down. Where defects may lie any way, this makes much of few images.",
    )
    rotation: float = Field(
        0.0, ge=0, le=180, title="Rotation", json_schema_extra={"unit": "°"},
        description="Largest turn, either way. The box of a long thin defect grows to stay upright, "
        "so keep this small for such.",
    )
    scale: float = Field(
        0.0, ge=0, le=0.9, title="Scale", json_schema_extra={"unit": "±"},
        description="Largest change of size as a fraction: 0.2 gives 80% to 125%.",
    )
    shift: float = Field(
        0.0, ge=0, le=0.5, title="Shift", json_schema_extra={"unit": "±"},
        description="Largest shift as a fraction of the image's side.",
    )
    shear: float = Field(
        0.0, ge=0, le=45, title="Shear", json_schema_extra={"unit": "°"}, description="Largest shear, either way.",
    )
    crop: float = Field(
        0.0, ge=0, le=1, title="Crop", description="Chance to cut out a part that keeps every box in it whole.",
    )
    crop_smallest: float = Field(
        0.5, ge=0.1, le=1, title="Smallest crop",
        description="Smallest side of the cut as a fraction of the image's side.",
    )
    brightness: float = Field(
        0.1, ge=0, le=1, title="Brightness", json_schema_extra={"unit": "±"},
        description="Largest change as a fraction of full white.",
    )
    contrast: float = Field(
        0.1, ge=0, le=0.95, title="Contrast", json_schema_extra={"unit": "±"},
        description="Largest change of contrast as a fraction.",
    )
    saturation: float = Field(
        0.0, ge=0, le=1, title="Saturation", json_schema_extra={"unit": "±"},
        description="Largest change of colour strength. Grey images do not change.",
    )
    blur: float = Field(
        0.0, ge=0, le=10, title="Blur", json_schema_extra={"unit": "px"},
        description="Largest standard deviation of a Gaussian blur.",
    )
    noise: float = Field(
        0.0, ge=0, le=64, title="Noise", json_schema_extra={"unit": "/255"},
        description="Largest standard deviation of Gaussian noise, in grey levels.",
    )
    min_visible: float = Field(
        0.5, ge=0, le=1, title="Keep boxes visible by",
        description="A box of which less than this fraction is left inside the picture is no longer taught.",
    )
    # fmt: on


# Starting points, weakest first. Turns stay small: the upright hull of a long thin defect grows quickly.
PRESETS: dict[str, AugmentationConfig] = {
    name: AugmentationConfig.model_validate(values)
    for name, values in {
        "None": {"horizontal_flip": 0, "vertical_flip": 0, "brightness": 0, "contrast": 0},
        "Light": {},
        "Medium": {
            "rotation": 5,
            "scale": 0.15,
            "shift": 0.05,
            "crop": 0.2,
            "crop_smallest": 0.6,
            "brightness": 0.15,
            "contrast": 0.2,
            "saturation": 0.1,
            "blur": 0.7,
            "noise": 4,
        },
        "Strong": {
            "rotation": 15,
            "scale": 0.3,
            "shift": 0.1,
            "shear": 5,
            "crop": 0.5,
            "crop_smallest": 0.5,
            "brightness": 0.25,
            "contrast": 0.35,
            "saturation": 0.3,
            "blur": 1.5,
            "noise": 10,
        },
    }.items()
}
