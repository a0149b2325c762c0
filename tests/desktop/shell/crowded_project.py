"""A project that leaves no room: 1,000 images, long names, and a run that ended."""

from __future__ import annotations

from pathlib import Path

from core.jobs.folder import JobFolder
from core.project.edits import image_edits
from core.project.project import Project
from core.recipe.recipe import default_recipe, save_recipe
from core.types import Split
from tests.builders import draw, write_picture
from tests.desktop.model_builders import write_checkpoint, write_predictions
from tests.desktop.training_child import events

IMAGES = 1_000
EPOCHS = 40
# In every name that is too long for its place: what carries it may be elided, since its end is in the tool tip.
LONG = "wonderfully"
LABELS = (f"scratch {LONG} long along the rolling direction", f"pit {LONG} deep", "stain")


def make_crowded_project(folder: Path, images: int = IMAGES) -> Project:
    """Images of three splits, most without a box; the last run took 40 epochs and left a best checkpoint."""
    made = Project.create(folder, LABELS)
    for number in range(1, images + 1):
        write_picture(folder / "images" / f"camera_{LONG}_far_{number:04}.png", seed=number)
    made.files.add_images([folder / "images"])
    ids = made.image_ids()
    for image_id in ids[:8]:
        draw(made, image_id, (4, 4, 24, 26), LABELS[:2])
        draw(made, image_id, (34, 12, 54, 40), LABELS[2:])
    made.apply(image_edits.set_split(made, ids[:4], Split.VAL))
    made.apply(image_edits.set_split(made, ids[4:900], Split.TRAIN))
    made.apply(image_edits.set_group(made, ids[:500], f"batch {LONG} long 2025-03-01"))
    made.apply(image_edits.set_note(made, ids[0], f"The lamp was {LONG} dim; look at it again."))
    run = JobFolder.create(made.runs.make_folder(), {"kind": "train", "created": "2025-03-01T10:00:00+00:00"})
    save_recipe(default_recipe("ssd_compact"), run.path / "recipe.yaml")
    for event in events(EPOCHS, lambda: False, pause=0):
        run.append_event(event)
    write_checkpoint(made, run.path.name, "best", map50=0.6, epoch=EPOCHS)
    made.runs.sync_folders()
    write_predictions(made, made.runs.list_checkpoints()[0], "val")
    return made
