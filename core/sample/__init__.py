"""A procedural sample: pictures of surfaces with defects, for the demo, the tests and the benchmarks.

Every picture follows from (seed, index, size) alone. Some defects truly carry two labels (a stained scratch, an
inclusion with a crack running out of it, a corroded patch with a pit), and some surfaces are clean.
"""

from core.sample.picture import SAMPLE_LABELS, USUAL_SIZE, generate_image
from core.sample.project import make_sample_project

__all__ = ["SAMPLE_LABELS", "USUAL_SIZE", "generate_image", "make_sample_project"]
