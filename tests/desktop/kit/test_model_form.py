"""Forms built from pydantic models: what is declared with a field is what its control does."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea, QToolButton

from core.augmentation.config import PRESETS, AugmentationConfig
from core.recipe.recipe import Recipe, default_recipe
from desktop.kit.field_controls import (
    ChoiceControl,
    FlagControl,
    IntControl,
    NumberControl,
    SliderControl,
    TextControl,
)
from desktop.kit.list_controls import ListControl
from desktop.kit.model_form import ModelForm


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True)
    depth: int = Field(3, ge=1, le=9, title="Depth")


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True)
    amount: float = Field(0.5, ge=0, le=1, title="Amount", description="How much of it.")
    rate: float = Field(1e-3, gt=0, le=10, title="Rate")
    limit: float = Field(10.0, ge=0, title="Limit", json_schema_extra={"unit": "min"})
    size: int = Field(64, ge=64, le=2048, multiple_of=4, json_schema_extra={"unit": "px"})
    kind: Literal["first_one", "second"] = "first_one"
    on: bool = False
    device: str = Field("auto", pattern="^(auto|cpu)$")
    places: tuple[float, ...] = (0.5,)
    layers: tuple[Inner, ...] = ()
    inner: Inner = Inner()


@pytest.fixture
def form(qtbot):
    form = ModelForm(Settings())
    qtbot.addWidget(form)
    form.show()
    return form


def heard(form: ModelForm) -> list[Settings]:
    models: list[Settings] = []
    form.changed.connect(models.append)
    return models


def test_each_kind_of_field_has_its_control(form):
    kinds = {name: type(form.control(name)) for name in Settings.model_fields if name != "inner"}
    assert kinds == {
        "amount": SliderControl,
        "rate": NumberControl,
        "limit": NumberControl,
        "size": IntControl,
        "kind": ChoiceControl,
        "on": FlagControl,
        "device": TextControl,
        "places": ListControl,
        "layers": ListControl,
    }
    assert type(form.control("inner.depth")) is IntControl


def test_titles_helps_limits_and_units_come_from_the_fields(form):
    titles = {label.text() for label in form.findChildren(QLabel)}
    assert {"Amount", "Rate", "Depth", "Kind", "Inner"} <= titles
    assert "How much of it." in form.control("amount").toolTip()
    size = form.control("size").number
    assert (size.minimum(), size.maximum(), size.singleStep(), size.suffix()) == (64, 2048, 4, " px")
    assert form.control("limit").number.suffix() == " min"


def test_a_slider_and_its_number_go_together_and_tell_once(form, qtbot):
    models, control = heard(form), form.control("amount")
    control.slider.setValue(25)
    assert control.number.value() == 0.25
    control.number.setValue(0.7)
    assert control.slider.value() == 70
    assert [model.amount for model in models] == [0.25, 0.7]
    assert form.value() == Settings(amount=0.7)


def test_setting_a_value_shows_it_and_tells_nobody(form):
    models = heard(form)
    wanted = Settings(
        amount=0.123, rate=2e-5, limit=1.5, size=128, kind="second", on=True, device="cpu", inner=Inner(depth=7)
    )
    form.set_value(wanted)
    assert models == [] and form.value() == wanted
    assert form.control("rate").number.text() == "2e-05"
    assert form.control("kind").combo.currentText() == "second"
    assert form.control("on").box.isChecked() and form.control("device").line.text() == "cpu"


def test_a_change_leaves_digits_that_other_controls_do_not_show(form):
    form.set_value(Settings(amount=0.123456))
    form.control("size").number.setValue(72)
    assert form.value() == Settings(amount=0.123456, size=72)


def test_what_the_model_refuses_is_shown_at_the_field_until_it_is_mended(form):
    models, states = heard(form), []
    form.valid_changed.connect(states.append)
    form.control("size").number.setValue(66)
    assert list(form.errors()) == ["size"] and "multiple of 4" in form.errors()["size"]
    assert not form.is_valid() and form.value() == Settings() and models == []
    # Another field does not hide that the size is wrong.
    form.control("on").box.click()
    assert list(form.errors()) == ["size"] and models == []
    form.control("size").number.setValue(68)
    assert form.errors() == {} and form.is_valid() and states == [False, True]
    assert models == [Settings(size=68, on=True)]


def test_an_error_label_is_visible_only_with_an_error(form):
    def shown() -> list[str]:
        errors = [label for label in form.findChildren(QLabel) if label.property("role") == "error"]
        return [label.text() for label in errors if label.isVisible()]

    assert shown() == []
    form.control("device").line.setText("gpu")
    form.control("device").line.textEdited.emit("gpu")
    assert len(shown()) == 1 and form.control("device").line.property("invalid")
    form.set_value(Settings())
    assert shown() == [] and not form.control("device").line.property("invalid")


def test_a_rule_over_several_fields_is_shown_at_the_field_that_it_names(qtbot):
    form = ModelForm(default_recipe("ssd_compact"), ["weights.source", "weights.path", "strategy.kind"])
    qtbot.addWidget(form)
    combo = form.control("weights.source").combo
    combo.setCurrentText("file")
    combo.activated.emit(combo.currentIndex())
    assert list(form.errors()) == ["weights.path"] and form.errors()["weights.path"].startswith("name the file")
    line = form.control("weights.path").line
    line.setText("a.pth")
    line.textEdited.emit("a.pth")
    assert form.errors() == {}
    value = form.value()
    assert isinstance(value, Recipe) and (value.weights.source, value.weights.path) == ("file", "a.pth")


def test_a_rule_about_fields_that_are_not_shown_is_told_below(qtbot):
    form = ModelForm(default_recipe("ssd_compact"), ["strategy.kind"])
    qtbot.addWidget(form)
    combo = form.control("strategy.kind").combo
    combo.setCurrentText("frozen")
    combo.activated.emit(combo.currentIndex())
    assert "random weights" in form.errors()["strategy.kind"]
    only_seed = ModelForm(default_recipe("ssd_compact"), ["weights.source"])
    qtbot.addWidget(only_seed)
    combo = only_seed.control("weights.source").combo
    combo.setCurrentText("file")
    combo.activated.emit(combo.currentIndex())
    assert "weights.path" in only_seed.errors()[""]


def test_every_field_of_the_recipe_gets_a_control_and_survives_the_form(qtbot):
    recipe = default_recipe("ssd300_vgg16")
    form = ModelForm(recipe, choices={"model": [(name, name) for name in ("ssd_compact", "ssd300_vgg16")]})
    qtbot.addWidget(form)
    assert form.value() == recipe
    models = []
    form.changed.connect(models.append)
    other = default_recipe("ssd_compact").model_copy(update={"augmentation": PRESETS["Strong"]})
    form.set_value(other)
    assert form.value() == other and models == []


@pytest.mark.parametrize("field", list(AugmentationConfig.model_fields))
def test_every_augmentation_slider_reaches_both_limits_and_every_place_between(qtbot, field):
    form = ModelForm(PRESETS["None"])
    qtbot.addWidget(form)
    slider = form.control(field).slider
    limits = AugmentationConfig.model_json_schema()["properties"][field]
    for tick in (slider.maximum(), slider.minimum()):
        slider.setValue(tick)
    assert getattr(form.value(), field) == limits["minimum"]
    slider.setValue(slider.maximum())
    assert getattr(form.value(), field) == limits["maximum"]
    models = []
    form.changed.connect(models.append)
    for tick in range(slider.maximum() - 1, -1, -1):
        slider.setValue(tick)
    assert len(models) == slider.maximum() and form.errors() == {}


def test_the_wheel_over_a_control_without_focus_scrolls_instead(qtbot):
    area = QScrollArea()
    qtbot.addWidget(area)
    form = ModelForm(Settings())
    area.setWidget(form)
    form.setMinimumHeight(2000)
    area.resize(400, 200)
    area.show()
    slider = form.control("amount").slider
    area.setFocus()

    def wheel() -> None:
        where = QPointF(slider.rect().center())
        event = QWheelEvent(
            where,
            slider.mapToGlobal(where),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(slider, event)

    wheel()
    assert form.value() == Settings()
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    wheel()
    assert form.value() != Settings()


def test_a_rate_steps_through_its_magnitudes(form):
    number = form.control("rate").number
    seen = []
    for _ in range(4):
        number.stepBy(1)
        seen.append(form.value().rate)
    assert seen == [0.002, 0.005, 0.01, 0.02]
    number.stepBy(-5)
    assert form.value().rate == 0.0005


def test_a_rate_can_be_typed_in_scientific_notation(form, qtbot):
    number = form.control("rate").number
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "3e-4")
    # What was typed counts, also when Train is pressed before the field is left.
    assert form.value().rate == pytest.approx(3e-4)


def test_only_what_matters_is_shown_but_what_is_wrong_always(form):
    every = set(Settings.model_fields) | {"inner.depth"}
    form.set_relevant(every - {"size", "inner.depth"})
    assert not form.control("size").isVisible() and form.control("rate").isVisible()
    assert "Inner" not in {label.text() for label in form.findChildren(QLabel) if label.isVisible()}
    form.control("size").number.setValue(66)
    assert form.control("size").isVisible() and "size" in form.errors()
    form.control("size").number.setValue(68)
    assert not form.control("size").isVisible() and form.value().size == 68


def test_a_folded_section_opens_by_its_heading_and_when_something_in_it_is_wrong(qtbot):
    form = ModelForm(Settings(), {"First": ["rate"], "More": ["size", "device"]}, folded=["More"])
    qtbot.addWidget(form)
    form.show()
    (heading,) = [one for one in form.findChildren(QToolButton) if one.property("role") == "fold"]
    assert not form.control("size").isVisible()
    qtbot.mouseClick(heading, Qt.MouseButton.LeftButton)
    assert form.control("size").isVisible()
    qtbot.mouseClick(heading, Qt.MouseButton.LeftButton)
    assert not form.control("size").isVisible()
    form.control("size").number.setValue(66)
    assert form.control("size").isVisible() and form.errors()


def test_what_differs_from_the_usual_is_set_off_and_says_what_is_usual(form):
    form.set_value(Settings(rate=0.5))
    form.mark_changed(Settings())
    marked = {label.text() for label in form.findChildren(QLabel) if label.property("changed")}
    assert marked == {"Rate"} and "Usual for this model: 0.001" in form.control("rate").toolTip()
    form.set_value(Settings())
    form.mark_changed(Settings())
    assert not [label for label in form.findChildren(QLabel) if label.property("changed")]


def test_what_differs_from_the_usual_can_be_set_back_by_its_button(form, qtbot):
    heard = []
    form.changed.connect(heard.append)
    form.mark_changed(Settings())
    form.show()
    button = form.reset_button("rate")
    assert not button.isVisible()
    form.set_value(Settings(rate=0.5))
    form.mark_changed(Settings())
    assert button.isVisible() and button.accessibleName() == "Rate: back to the usual: 0.001"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert heard == [Settings()] == [form.value()]
    assert form.control("rate").number.value() == 0.001
    form.mark_changed(Settings())
    assert not button.isVisible()


def type_text(form: ModelForm, field: str, text: str) -> None:
    line = form.control(field).line
    line.setText(text)
    line.textEdited.emit(text)


def test_several_values_are_written_with_commas_between(form):
    assert form.control("places").line.text() == "0.5"
    type_text(form, "places", "0.25, 0.75,")
    type_text(form, "layers", "4, 9")
    assert form.value().places == (0.25, 0.75) and form.value().layers == (Inner(depth=4), Inner(depth=9))
    form.set_value(Settings(places=(0.1, 1), layers=(Inner(depth=2),)))
    assert (form.control("places").line.text(), form.control("layers").line.text()) == ("0.1, 1", "2")


def test_a_wrong_value_among_several_is_told_at_their_field(form):
    type_text(form, "places", "0.25, half")
    type_text(form, "layers", "12")
    assert set(form.errors()) == {"places", "layers"} and form.value() == Settings()
    type_text(form, "places", "0.25")
    type_text(form, "layers", "")
    assert form.errors() == {} and form.value() == Settings(places=(0.25,))


class Words(BaseModel):
    epochs: int = Field(2, ge=1, json_schema_extra={"unit": "epochs"})
    minutes: float = Field(0, ge=0, json_schema_extra={"unit": "min", "zero": "no limit"})
    images: int = Field(0, ge=0, json_schema_extra={"zero": "all"})
    share: float = Field(0.0, ge=0, le=1, json_schema_extra={"zero": "off"})
    decay: float = Field(0.0, ge=0, lt=1, json_schema_extra={"control": "number", "zero": "off"})
    momentum: float = Field(0.9, ge=0, lt=1)


@pytest.fixture
def worded(qtbot):
    form = ModelForm(Words())
    qtbot.addWidget(form)
    form.show()
    return form


def test_one_of_what_is_counted_is_named_as_one(worded):
    number = worded.control("epochs").number
    assert number.text() == "2 epochs"
    number.setValue(1)
    assert number.text() == "1 epoch"
    worded.set_value(Words(epochs=3))
    assert number.text() == "3 epochs"


def test_a_number_that_stands_for_none_or_all_says_so_and_is_typed_over(worded, qtbot):
    texts = {name: worded.control(name).number.text() for name in ("minutes", "images", "share", "decay")}
    assert texts == {"minutes": "no limit", "images": "all", "share": "off", "decay": "off"}
    for name, typed, value in (("minutes", "1.5", 1.5), ("images", "40", 40), ("share", "0.25", 0.25)):
        number = worded.control(name).number
        qtbot.mouseClick(number.lineEdit(), Qt.MouseButton.LeftButton)
        qtbot.keyClicks(number.lineEdit(), typed)
        qtbot.keyClick(number, Qt.Key.Key_Return)
        assert getattr(worded.value(), name) == value
    minutes = worded.control("minutes").number
    assert minutes.text() == "1.5 min"
    minutes.selectAll()
    qtbot.keyClicks(minutes.lineEdit(), "0")
    qtbot.keyClick(minutes, Qt.Key.Key_Return)
    assert minutes.text() == "no limit" and worded.value().minutes == 0


def test_a_decay_close_to_one_can_be_typed_with_all_its_digits(worded, qtbot):
    number = worded.control("decay").number
    number.selectAll()
    qtbot.keyClicks(number.lineEdit(), "0.9998")
    qtbot.keyClick(number, Qt.Key.Key_Return)
    assert worded.value().decay == 0.9998 and number.text() == "0.9998" and worded.is_valid()


def test_the_end_of_a_slider_is_a_value_that_the_field_takes(worded):
    worded.control("momentum").slider.setValue(worded.control("momentum").slider.maximum())
    assert worded.is_valid() and worded.value().momentum == 0.99
