"""How large an image may be. A file's header is believed before a pixel is decoded, so it must be reasonable first."""

from __future__ import annotations

import os

DEFAULT_MEGAPIXELS = 269  # 16,384 x 16,384; 0.8 GB once decoded
MOST_MEGAPIXELS = 1073  # what OpenCV decodes at most
VARIABLE = "DEFECTDESK_MAX_MEGAPIXELS"

# An image of more pixels whose data is shorter than a thousandth part or so was made to exhaust memory, not to be
# looked at: deflate reaches 1,032 to 1 on zeros, photographs stay below 50 to 1.
SUSPICIOUS_PIXELS = 100_000_000
SUSPICIOUS_RATIO = 200


def max_pixels() -> int:
    """The most pixels an image may have."""
    try:
        wanted = int(os.environ.get(VARIABLE, ""))
    except ValueError:
        wanted = DEFAULT_MEGAPIXELS
    return min(max(wanted, 1), MOST_MEGAPIXELS) * 1_000_000


def set_max_megapixels(megapixels: int) -> None:
    """Set the limit for this process and for those that it starts from now on."""
    os.environ[VARIABLE] = str(megapixels)
