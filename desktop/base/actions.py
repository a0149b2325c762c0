"""The table of actions: name, text, keys, icon. Menus, tool bars and tool tips are built from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from desktop.base.theme import set_icon


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One thing that a user can do."""

    name: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""  # a sentence, where the text is not enough
    checkable: bool = False
    repeats: bool = False  # whether holding the key does it again and again


WINDOW = (
    ActionSpec("new_project", "New project…", ("Ctrl+N",), "new-project"),
    ActionSpec("open_project", "Open project…", ("Ctrl+O",), "open-project"),
    ActionSpec("sample_project", "Sample project…", (), "sample", "Make a project with generated images of defects"),
    ActionSpec("add_images", "Add images…", ("Ctrl+I",), "image"),
    ActionSpec("add_folder", "Add a folder of images…", ("Ctrl+Shift+I",), "add-images"),
    ActionSpec(
        "import_annotations",
        "Import annotations…",
        ("Ctrl+Alt+I",),
        "import",
        "Import COCO, VOC, YOLO, labelme, CSV, CVAT, VIA, DeepPCB or masks",
    ),
    ActionSpec(
        "import_as_project", "Import as a new project…", (), "import", "Make a project of annotations and their images"
    ),
    ActionSpec(
        "export_annotations", "Export annotations…", ("Ctrl+Alt+E",), "export", "Write COCO, VOC, YOLO, labelme or CSV"
    ),
    ActionSpec(
        "find_missing", "Find missing images…", (), "search", "Refer to images again that were moved or renamed"
    ),
    ActionSpec("backups", "Backups…", (), "backup", "See the backups of the project, and go back to one"),
    ActionSpec(
        "project_properties", "Project properties…", ("Alt+Return",), "info", "Scale, images above 8 bits, counts"
    ),
    ActionSpec("assign_splits", "Split images…", (), "shuffle", "Divide the images over train, val and test"),
    ActionSpec("close_project", "Close project", ("Ctrl+W",)),
    ActionSpec("undo", "Undo", ("Ctrl+Z",), "undo", repeats=True),
    ActionSpec("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", repeats=True),
    ActionSpec("palette", "Run an action…", ("Ctrl+K",), "search", "Find any action by typing, and run it"),
    ActionSpec("settings", "Settings…", ("Ctrl+,",), "settings"),
    ActionSpec("quit", "Quit", ("Ctrl+Q",)),
    ActionSpec("page_1", "Label page", ("Ctrl+1",), "label"),
    ActionSpec("page_2", "Augment page", ("Ctrl+2",), "augment"),
    ActionSpec("page_3", "Train page", ("Ctrl+3",), "train"),
    ActionSpec("page_4", "Checkpoints page", ("Ctrl+4",), "checkpoints"),
    ActionSpec("page_5", "Inspect page", ("Ctrl+5",), "inspect"),
    ActionSpec("next_control", "Go to the next control", ("F6",), tip="Go on from the image, where Tab selects boxes"),
    ActionSpec("previous_control", "Go to the control before", ("Shift+F6",)),
    ActionSpec("theme_system", "Colours as the system", checkable=True),
    ActionSpec("theme_dark", "Dark colours", checkable=True),
    ActionSpec("theme_light", "Light colours", checkable=True),
    ActionSpec("full_screen", "Full screen", ("F11",), checkable=True),
    ActionSpec("help", "Help topics", ("Shift+F1",), "info", "Read and search the help"),
    ActionSpec("shortcuts", "Keyboard shortcuts", ("F1", "?"), "info"),
    ActionSpec("about", "About DefectDesk"),
)

# Keys without a menu entry, for the list of shortcuts.
MORE_KEYS = (
    ("Arrows", "Nudge the selected boxes by 1 px, with Shift by 10 px"),
    ("Ctrl+arrows", "Resize the selected boxes by 1 px, with Shift by 10 px"),
    ("Double click on a box", "Pick its labels, as Enter does"),
    ("Tab, or click again", "Select the next of the boxes that overlap there; Shift+Tab the one before"),
    ("Alt", "While a box is drawn, moved or resized: do not snap to the image's border"),
    ("Shift", "While measuring: level, upright or at 45 degrees"),
    ("Ctrl+Tab", "Leave the image for the next field"),
    ("Enter", "Pick labels of the selected boxes; in the picker Shift+Enter or Space stays for more, Esc closes"),
    (
        "Esc",
        "Cancel: the gesture, then the tool, then the selection, then the next box's labels and the panel of the view's adjustment",
    ),
    ("Wheel", "Scroll the image; with Shift sideways"),
    ("Ctrl+wheel, pinch", "Zoom at the cursor"),
    ("Space-drag, middle button", "Move the image"),
    ("Alt+Up, Alt+Down, F2, Del", "In the list of labels: move, rename or delete the label; Space toggles it"),
    ("Shift+click, Ctrl+click", "Add a box to the selection; drag to frame several"),
)

# The Label page: boxes, how the image is shown, and images.
LABEL_BOXES = (
    ActionSpec("draw", "Draw a box", ("W", "R"), "draw", "Draw a box, also over other boxes", checkable=True),
    ActionSpec("delete", "Delete", ("Del", "Backspace"), "delete", "Delete the selected boxes"),
    ActionSpec("duplicate", "Duplicate", ("Ctrl+D",), "duplicate", "Duplicate the selected boxes"),
    ActionSpec("copy", "Copy boxes", ("Ctrl+C",)),
    ActionSpec("cut", "Cut boxes", ("Ctrl+X",)),
    ActionSpec("paste", "Paste boxes", ("Ctrl+V",), tip="Paste boxes at the same place, also on other images"),
    ActionSpec("paste_previous", "Paste the boxes of the image before", ("Ctrl+Shift+V",)),
    ActionSpec("select_all", "Select all boxes", ("Ctrl+A",)),
    ActionSpec("labels_menu", "Pick labels…", ("Ctrl+E",), "tag", "Find labels by typing, for the selected boxes"),
    ActionSpec(
        "difficult",
        "Difficult",
        ("Shift+X",),
        tip="Mark the selected boxes as difficult, or not: training and judging ignore what is there",
    ),
    ActionSpec("hide_box", "Hide box", ("Ctrl+H",), "hide", "Put the selected boxes out of sight"),
    ActionSpec(
        "only_box", "Show only this box", ("Ctrl+Shift+H",), tip="Put all other boxes of the image out of sight"
    ),
    ActionSpec(
        "show_hidden", "Show hidden boxes", ("Ctrl+Alt+H",), "show", "Show the boxes that were hidden one by one"
    ),
    ActionSpec(
        "lock_box", "Lock or unlock box", ("Shift+L",), "lock", "Selected boxes cannot be moved, resized or deleted"
    ),
    ActionSpec("keep_labels", "Keep labels for the next box", ("K",), checkable=True),
    ActionSpec(
        "ask_labels",
        "Ask for labels after each box",
        (),
        tip="Open the list of labels at every box that was drawn",
        checkable=True,
    ),
    ActionSpec("focus_labels", "Go to the list of labels", ("Ctrl+L",)),
    ActionSpec("focus_boxes", "Go to the list of boxes", ("Ctrl+Shift+L",)),
)

LABEL_VIEW = (
    ActionSpec("fit", "Fit to the window", ("F", "Ctrl+F"), "fit"),
    ActionSpec("actual_size", "Actual size", ("Ctrl+0",), "actual"),
    ActionSpec("zoom_in", "Zoom in", ("Ctrl++", "Ctrl+="), repeats=True),
    ActionSpec("zoom_out", "Zoom out", ("Ctrl+-",), repeats=True),
    ActionSpec("zoom_selection", "Zoom to the selection", ("Z",), "zoom-selection"),
    ActionSpec("hide", "Hide the boxes", ("H",), "hide", checkable=True),
    ActionSpec("hide_names", "Hide the names at the boxes", ("Shift+H",), "tag-off", checkable=True),
    ActionSpec(
        "lock",
        "Lock the boxes",
        ("L",),
        "lock",
        "Lock: boxes cannot be moved, resized or drawn by mistake",
        checkable=True,
    ),
    ActionSpec("measure", "Measure", ("M",), "measure", "Measure distances on the image", checkable=True),
    ActionSpec(
        "guides", "Guides at the mouse", ("G",), "guides", "Guides at the mouse, also before drawing", checkable=True
    ),
    ActionSpec("pixel_grid", "Pixel grid and values", (), "grid", "Pixel grid and values at high zoom", checkable=True),
    ActionSpec("rulers", "Rulers at the edges", ("Shift+R",), "ruler", checkable=True),
    ActionSpec("minimap", "Overview in the corner", ("Shift+M",), "minimap", checkable=True),
    ActionSpec(
        "adjust",
        "Adjust the view…",
        ("B",),
        "adjust",
        "Brightness, contrast, channels: for the eye only",
        checkable=True,
    ),
    ActionSpec(
        "compare", "Without the adjustment", ("O",), "compare", "See the image as it is: hold or press", checkable=True
    ),
)

LABEL_IMAGES = (
    ActionSpec("clean", "Clean", ("C",), "clean", "Mark as free of defects: teaches the model what is good"),
    ActionSpec("reviewed", "Reviewed", ("Ctrl+Space",), "reviewed", "Mark the image as reviewed and go to the next"),
    ActionSpec("previous", "Previous image", ("A", "PgUp"), "previous", repeats=True),
    ActionSpec("next", "Next image", ("D", "PgDown"), "next", repeats=True),
    ActionSpec("first", "First image", ("Home",)),
    ActionSpec("last", "Last image", ("End",)),
    ActionSpec("go_to_image", "Go to image…", ("Ctrl+G",), tip="Go to an image by its number in the list"),
    ActionSpec("next_unlabelled", "Next unlabelled image", ("N",), "next-unlabelled", repeats=True),
    ActionSpec("previous_unlabelled", "Previous unlabelled image", ("Shift+N",), repeats=True),
    ActionSpec("note", "Note on the image", ("Ctrl+M",), "edit", "Write down something about the image"),
    ActionSpec("find_images", "Find images", ("/", "Ctrl+Shift+F"), "search", "Search the names and notes of images"),
    ActionSpec("filter_images", "Filter the images", ("Ctrl+Alt+F",), "filter"),
    ActionSpec("group_images", "Group images…", (), "group", "Group images by folder or by a pattern on their names"),
    ActionSpec("open_folder", "Open the containing folder", (), "folder", "Show the image's file in the file manager"),
    ActionSpec(
        "copy_path", "Copy the path", ("Ctrl+Shift+C",), tip="Put the path of the image's file on the clipboard"
    ),
    ActionSpec("remove_image", "Take out of the project", (), "delete", "The file stays where it is"),
    ActionSpec(
        "image_grid", "Images as a grid", ("Shift+T",), "grid", "Thumbnails of the images in a grid", checkable=True
    ),
    ActionSpec("show_images", "Show the list of images", ("Ctrl+B",), "panel-left", checkable=True),
    ActionSpec("show_panels", "Show labels and boxes", ("Ctrl+Shift+B",), "panel-right", checkable=True),
)

LABEL_DIGITS = tuple(
    ActionSpec(f"digit_{digit}", f"Toggle the label of key {digit}", (digit,)) for digit in "1234567890"
)

LABEL = (*LABEL_BOXES, *LABEL_VIEW, *LABEL_IMAGES, *LABEL_DIGITS)

AUGMENT = (
    ActionSpec("previous", "Previous image", ("A", "PgUp"), "previous", repeats=True),
    ActionSpec("next", "Next image", ("D", "PgDown"), "next", repeats=True),
    ActionSpec("new_seeds", "New seeds", ("N",), "shuffle", "Show the pictures that training takes later on"),
    ActionSpec("all_previews", "All previews", ("Esc",), "grid", "Back from the enlarged picture"),
)

TRAIN = (
    ActionSpec("train", "Train", ("Ctrl+Return",), "play", "Start a training with this recipe"),
    ActionSpec("pause_training", "Pause training", (), "pause", "Save, free the device, and go on later"),
    ActionSpec("stop_training", "Stop training", (), "stop", "Stop, and keep what was learnt"),
    ActionSpec("resume_training", "Resume the run that is shown", (), "play", "Go on where the run was left"),
    ActionSpec("use_recipe", "Use the recipe of the run that is shown", (), "duplicate", "Put it into the form"),
    ActionSpec(
        "propose",
        "Propose a recipe…",
        (),
        "search",
        "Say how long the training may take, and see what is proposed and why",
    ),
    ActionSpec("find_rate", "Find a learning rate…", (), "search", "Try rates for some minutes, and propose one"),
    ActionSpec("study", "Transfer study…", (), "compare", "Train several strategies on this data and see which helps"),
    ActionSpec("delete_run", "Delete the run that is shown…", (), "delete", "Delete it with its checkpoints"),
    ActionSpec("watch_run", "Watch a run folder…", (), "inspect", "Follow a training on another machine by its folder"),
)

CHECKPOINTS = (
    ActionSpec("use", "Use for prediction", ("Return",), "inspect", "Show on the Inspect page what the model finds"),
    ActionSpec(
        "continue_training", "Continue training", (), "train", "Train on from the checkpoint, on the Train page"
    ),
    ActionSpec("show_run", "Show the run", (), "play", "Show on the Train page the training that saved the checkpoint"),
    ActionSpec("star", "Star", ("S",), "star", "Mark the checkpoint, or take the mark away"),
    ActionSpec(
        "find_checkpoints", "Find checkpoints", ("/", "Ctrl+F"), "search", "Search names, models, labels and notes"
    ),
    ActionSpec(
        "open_folder", "Open the containing folder", (), "folder", "Show the checkpoint's file in the file manager"
    ),
    ActionSpec(
        "copy_path", "Copy the path", ("Ctrl+Shift+C",), tip="Put the path of the checkpoint's file on the clipboard"
    ),
    ActionSpec("delete", "Delete checkpoint…", ("Del",), "delete"),
)

INSPECT = (
    ActionSpec("next", "Next image", ("D", "PgDown"), "next", repeats=True),
    ActionSpec("previous", "Previous image", ("A", "PgUp"), "previous", repeats=True),
    ActionSpec("truth", "Show or hide the truth", ("T",)),
    ActionSpec("lower", "Lower threshold", ("[",), repeats=True),
    ActionSpec("higher", "Higher threshold", ("]",), repeats=True),
    ActionSpec("side_by_side", "Side by side", ("B",), "grid"),
    ActionSpec("hide_names", "Hide or show the names at the boxes", ("Shift+H",), "tag-off"),
    ActionSpec("fit", "Fit to the window", ("F", "Ctrl+F"), "fit"),
    ActionSpec("correct", "Correct on the Label page", ("E",), "edit"),
    ActionSpec("nothing", "Select nothing", ("Esc",)),
)

# Where actions are heard: `window` everywhere, the others on their page. With the scope an action's name is unique.
SCOPES: Mapping[str, Mapping[str, ActionSpec]] = {
    scope: {spec.name: spec for spec in specs}
    for scope, specs in (
        ("window", WINDOW),
        ("label", LABEL),
        ("augment", AUGMENT),
        ("train", TRAIN),
        ("checkpoints", CHECKPOINTS),
        ("inspect", INSPECT),
    )
}

SCOPE_TITLES: Mapping[str, str] = {
    "window": "Everywhere",
    "label": "Label page",
    "augment": "Augment page",
    "train": "Train page",
    "checkpoints": "Checkpoints page",
    "inspect": "Inspect page",
}


class ActionSet(Mapping[str, QAction]):
    """Actions of one widget by name, built before what performs them, which is handed them and adds its handlers.

    They have the keys of their specs; `Keymap.attach_actions` gives them the user's own.
    """

    def __init__(
        self,
        parent: QWidget,
        specs: Iterable[ActionSpec],
        context: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
    ) -> None:
        self._actions = {spec.name: _build_action(parent, spec, context) for spec in specs}
        self._unhandled = set(self._actions)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actions)

    def __len__(self) -> int:
        return len(self._actions)

    def add_handlers(self, handlers: Mapping[str, Callable[..., object]]) -> None:
        """Let each named action call its handler; a checkable one passes whether it is checked.

        Raises ValueError for a name that is no action or has a handler already.
        """
        if wrong := sorted(handlers.keys() - self._unhandled):
            raise ValueError(f"no such actions, or handled twice: {wrong}")
        for name, handler in handlers.items():
            action = self._actions[name]
            signal = action.toggled if action.isCheckable() else action.triggered
            signal.connect(_adapt_handler(handler, action.isCheckable()))
        self._unhandled -= handlers.keys()

    def require_handlers(self) -> None:
        """Raise ValueError if an action has no handler: it would be offered and do nothing."""
        if self._unhandled:
            raise ValueError(f"actions without a handler: {sorted(self._unhandled)}")


def build_actions(
    parent: QWidget,
    specs: Iterable[ActionSpec],
    handlers: Mapping[str, Callable[..., object]],
    context: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
) -> ActionSet:
    """Actions that are all performed by one owner. Every spec needs a handler, and every handler a spec."""
    actions = ActionSet(parent, specs, context)
    actions.add_handlers(handlers)
    actions.require_handlers()
    return actions


def _build_action(parent: QWidget, spec: ActionSpec, context: Qt.ShortcutContext) -> QAction:
    action = QAction(spec.text, parent)
    action.setObjectName(spec.name)
    action.setShortcuts([QKeySequence(key) for key in spec.keys])
    action.setShortcutContext(context)
    action.setAutoRepeat(spec.repeats)
    action.setToolTip(tool_tip(spec, spec.keys))
    action.setCheckable(spec.checkable)
    if spec.icon:
        set_icon(action, spec.icon)
    parent.addAction(action)
    return action


def tool_tip(spec: ActionSpec, keys: Iterable[str]) -> str:
    """The text or sentence of an action and the keys that it has now."""
    native = " or ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys)
    words = spec.tip or spec.text.rstrip("…")
    return f"{words}   {native}" if native else words


def _adapt_handler(handler: Callable[..., object], checkable: bool) -> Callable[[bool], None]:
    def call_handler(checked: bool) -> None:
        handler(checked) if checkable else handler()

    return call_handler
