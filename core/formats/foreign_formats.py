"""Files of other programs that are known and not read, so that they are refused by their name."""

from __future__ import annotations

# Keys that stand in a file of the format, all of them.
_KEYS = (
    ("the format of Supervisely", (b'"classTitle"', b'"objects"')),
    ("the JSON of Label Studio", (b'"annotations"', b'"result"', b'"from_name"')),
    ("the JSON of Label Studio", (b'"annotations"', b'"result"', b'"original_width"')),
    ("CreateML", (b'"annotations"', b'"coordinates"', b'"image"')),
    ("the format of Datumaro", (b'"items"', b'"categories"', b'"label_id"')),
    ("the export of Labelbox", (b'"data_row"', b'"projects"')),
)


def name_foreign_format(text: bytes) -> str:
    """The name of the format that a JSON file of this beginning and end is in; empty if it is none of these."""
    return next((name for name, keys in _KEYS if all(key in text for key in keys)), "")
