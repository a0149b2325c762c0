"""Kill a training that saves after every step a hundred times, at random moments.

    uv run python tests/benchmarks/kill_training.py [KILLS]

Ends with exit code 1 if a last checkpoint could not be read, or a state that was promised was not there.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.core.training.kill_training import kill_again_and_again
from tests.core.training.small_training import small_recipe, small_snapshot, write_run


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        recipe = small_recipe(schedule__epochs=100_000, optimizer__ema=0.9)
        images = small_snapshot(Path(folder) / "images", train=4, val=0)
        begun = time.monotonic()
        tally = kill_again_and_again(write_run(Path(folder) / "r001", images, recipe), kills)
    print(
        f"| kills | unreadable | promised but lost | while saving | before the first save | steps | seconds |\n{'|---' * 7}|"
    )
    print(
        f"| {tally.kills} | {tally.unreadable} | {tally.lost} | {tally.saving} | {tally.early} | {tally.steps} | "
        f"{time.monotonic() - begun:.0f} |"
    )
    sys.exit(1 if tally.unreadable or tally.lost else 0)


if __name__ == "__main__":
    main()
