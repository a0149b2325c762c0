"""CVAT's XML for images, as its task and project exports write it."""

import math
from pathlib import Path

import pytest

from core.errors import InputError
from core.formats.annotations import Format
from core.formats.registry import detect_format, read_annotations
from core.types import Split
from tests.builders import picture, write_picture
from tests.core.formats.matrix import HEIGHT, WIDTH, Dialect, Found, check_dialect

BOX = '<box label="pit" occluded="0" xtl="10" ytl="20" xbr="40" ybr="60" z_order="0"{}></box>'
PIT: Found = ((10, 20, 40, 60), {"pit"})
AROUND = "the box around it was taken"
LABELS = """<meta><task><labels>
<label><name>rust</name><color>#AA0000</color></label><label><name>pit</name><color>#00ff00</color></label>
<label><name>body</name><type>skeleton</type></label><label><name>knee</name><type>points</type><parent>body</parent></label>
</labels></task></meta>"""


def xml(*shapes: str, name: str = "a.png", more: str = "", head: str = "") -> str:
    image = f'<image id="0" name="{name}" width="200" height="100"{more}>{"".join(shapes)}</image>'
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{head}{image}</annotations>'


def one_image(
    shapes: tuple[str, ...], *found: Found, told: tuple[str, ...] = (), head: str = "", **more: object
) -> Dialect:
    return Dialect(Format.CVAT, {"annotations.xml": xml(*shapes, head=head)}, {"a.png": list(found)}, told, **more)  # type: ignore[arg-type]


def turned(degrees: float) -> tuple[float, float, float, float]:
    """The box around 10 20 40 60, turned."""
    a, b = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    across, down = 15 * a + 20 * b, 15 * b + 20 * a
    return (round(25 - across, 3), round(40 - down, 3), round(25 + across, 3), round(40 + down, 3))


CASES = {
    "boxes": one_image((BOX.format(""),), PIT),
    "labels of the task, with an empty one": one_image(
        (BOX.format(""),), PIT, head=LABELS, labels=("rust", "pit", "body")
    ),
    "turned boxes": one_image(
        (BOX.format(' rotation="90.00"'), BOX.format(' rotation="30"'), BOX.format(' rotation="0"')),
        ((5, 25, 45, 55), {"pit"}),
        (turned(30), {"pit"}),
        PIT,
        told=(f"image 0, shape 1: turned by 90 degrees; {AROUND}", f"image 0, shape 2: turned by 30 degrees; {AROUND}"),
    ),
    "outlines": one_image(
        (
            '<polygon label="pit" points="10.0,10.0;50.0,10.0;50.0,40.0"></polygon>',
            '<polyline label="pit" points="60,20;90,20"></polyline>',
            '<ellipse label="pit" cx="50" cy="70" rx="20" ry="10"></ellipse>',
            '<ellipse label="pit" cx="120" cy="50" rx="20" ry="10" rotation="90"></ellipse>',
            '<mask label="pit" left="150" top="5" width="20" height="30" rle="0, 600"></mask>',
            '<cuboid label="pit" xtl1="1" ytl1="2" xbl1="1" ybl1="9" xtr1="5" ytr1="2" xbr1="5" ybr1="9" '
            'xtl2="3" ytl2="1" xbl2="3" ybl2="8" xtr2="8" ytr2="1" xbr2="8" ybr2="8"></cuboid>',
            '<skeleton label="pit"><points label="1" points="170,50"></points><points label="2" points="190,70"></points></skeleton>',
        ),
        ((10, 10, 50, 40), {"pit"}),
        ((60, 19.5, 90, 20.5), {"pit"}),
        ((30, 60, 70, 80), {"pit"}),
        ((110, 30, 130, 70), {"pit"}),
        ((150, 5, 170, 35), {"pit"}),
        ((1, 1, 8, 9), {"pit"}),
        ((170, 50, 190, 70), {"pit"}),
        told=tuple(
            f"a {kind}; {AROUND}"
            for kind in ("polygon", "polyline", "ellipse", "ellipse", "mask", "cuboid", "skeleton")
        ),
    ),
    "shapes that are none": one_image(
        (
            '<points label="pit" points="10,10"></points>',
            '<polygon label="pit" points="a,b;c"></polygon>',
            '<box label="pit" xtl="1"></box>',
            '<blob label="pit"></blob>',
            '<box label="" xtl="1" ytl="1" xbr="5" ybr="5"></box>',
            BOX.format(""),
        ),
        PIT,
        told=(
            "a point covers no area",
            "its points are not pairs of numbers",
            "its ytl is no number",
            "a blob is no shape that is read",
            "its label '' cannot be used",
        ),
    ),
    "tags, attributes and marks": one_image(
        (
            '<tag label="blurred"></tag>',
            '<tag label="light"><attribute name="side">left</attribute></tag>',
            BOX.format("")
            .replace("></box>", '><attribute name="depth">3</attribute></box>')
            .replace('occluded="0"', 'occluded="1"'),
        ),
        PIT,
        notes={"a.png": "blurred; light (side: left)"},
        told=(
            "attributes of shapes were left out: depth",
            "tags of 1 image were taken as notes",
            "1 box is marked as occluded",
        ),
    ),
    "subsets": Dialect(
        Format.CVAT,
        {
            "annotations.xml": "<annotations>"
            + "".join(
                xml(BOX.format(""), name=f"{name}.png", more=f' subset="{subset}"')
                .partition("</version>")[2]
                .removesuffix("</annotations>")
                for name, subset in (("a", "Train"), ("b", "Validation"), ("c", "default"), ("d", "odd"))
            )
            + "</annotations>"
        },
        {"images/Train/a.png": [PIT], "images/b.png": [PIT], "c.png": [PIT], "images/odd/d.png": [PIT]},
        ("subset 'odd' is no split (train, val or test); left out",),
        splits={"images/Train/a.png": Split.TRAIN, "images/b.png": Split.VAL},
    ),
    "an image without shapes": one_image(()),
}


@pytest.mark.parametrize("name", CASES)
def test_cvat_dialects(tmp_path: Path, name: str) -> None:
    check_dialect(tmp_path, CASES[name])


def test_colours_of_the_task_are_taken(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(WIDTH, HEIGHT))
    (tmp_path / "a.xml").write_text(xml(BOX.format(""), head=LABELS))
    assert read_annotations(tmp_path).colors == {"rust": "#aa0000", "pit": "#00ff00"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<annotations><track id='0' label='pit'></track></annotations>", "export it as CVAT for images 1.1"),
        ("<annotations><image>", "not XML"),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><annotations>&x;</annotations>", "it declares types or entities"),
        ("<annotations>" + "<image>" * 100, "nested deeper than 50 levels"),
        (f"<annotations><image name='{'x' * 2**23}'/></annotations>", "a tag of more than 8 MiB"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    assert detect_format(path).format is Format.CVAT
    with pytest.raises(InputError, match=why):
        read_annotations(path)
