"""Steps of the optimiser: the same gradient however the batch is cut, and no half-done step whatever happens."""

from __future__ import annotations

import copy
import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from core.errors import InputError
from core.inference.predictor import Predictor
from core.jobs.events import CheckpointSaved, EpochDone, Notice, RunFailed, RunFinished
from core.models import checkpoint
from core.models.checkpoint import BEST, LAST
from core.models.device import is_out_of_memory
from core.models.multilabel import LossSums
from core.models.networks.detector import Network
from core.project.snapshot import Snapshot
from core.recipe.recipe import Recipe
from core.training import divergence, saving, steps
from core.training.averaging import Average
from core.training.data.dataset import Batch, TrainingSet
from core.training.data.image_cache import ImageCache
from core.training.loop import train
from core.training.out_of_memory import BufferGuard, TooLittleMemory, chunk_sizes
from core.training.preparation import Prepared, prepare_training
from core.training.process_group import ProcessGroup
from core.training.steps import Diverged, Stepper
from core.training.strategy import Plan, apply_strategy
from core.training.tasks.detection import DetectionTask
from core.types import Split
from tests.core.training.test_training import run, sample_snapshot, tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return sample_snapshot(tmp_path_factory.mktemp("images"), train=6, val=2, size=64)


class Bench:
    """A network and what takes its steps, with all its norms frozen, so that pictures do not depend on each other."""

    def __init__(self, recipe: Recipe, snapshot: Snapshot) -> None:
        self.prepared: Prepared = prepare_training(recipe, snapshot)
        self.plan: Plan = apply_strategy(self.prepared.network, recipe, pretrained=False)
        self.stepper = Stepper(
            self.plan, DetectionTask.of(recipe, snapshot), self.prepared.input, recipe, CPU, ProcessGroup()
        )
        self.prepared.network.eval()
        images = snapshot.of_split(Split.TRAIN)
        self.data = TrainingSet(images, len(snapshot.label_names), recipe, (64, 64), ImageCache())

    def batches(self, epoch: int = 1) -> list[Batch]:
        return list(self.data.batches(epoch))

    def weights(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.prepared.network.state_dict().items()}


def plain(**settings: Any) -> Recipe:
    """Without momentum, decay or clipping a step is the gradient."""
    chosen = {
        "optimizer__kind": "sgd",
        "optimizer__momentum": 0.0,
        "optimizer__weight_decay": 0.0,
        "optimizer__lr": 0.1,
        "optimizer__clip_norm": 1e9,
        "loss__kind": "focal",  # negatives that are mined depend on how a batch is divided
    }
    return tiny(**(chosen | settings))


def assert_close(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], atol=2e-6, rtol=1e-4, msg=lambda text, n=name: f"{n}: {text}")


def test_batches_that_are_added_up_give_the_step_of_one_large_batch(snapshot: Snapshot) -> None:
    whole = Bench(plain(schedule__batch_size=6), snapshot)
    parts = Bench(plain(schedule__batch_size=2, optimizer__accumulate=3), snapshot)
    before = whole.weights()
    one = whole.stepper.step(whole.batches(), 0)
    added = parts.stepper.step(parts.batches(), 0)
    assert_close(whole.weights(), parts.weights())
    assert max(float((before[n] - t).abs().max()) for n, t in whole.weights().items()) > 1e-3, "nothing was learnt"
    assert float(one.labels) == pytest.approx(float(added.labels), rel=1e-5)
    assert float(one.boxes) == pytest.approx(float(added.boxes), rel=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_batch_without_pictures_changes_nothing_of_a_step(precision: str, snapshot: Snapshot) -> None:
    """Of the last, few pictures of an epoch, some of many processes have none."""
    weights = []
    for empties in (0, 1):
        bench = Bench(plain(limits__precision=precision), snapshot)
        batch = bench.batches()[0]
        nothing = Batch(batch.images_b3hw[:0], steps.rows_of(batch.targets, slice(0, 0)))
        bench.stepper.step([*[nothing] * empties, batch], 0)
        weights.append(bench.weights())
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())


FAILURES: dict[str, Exception] = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "host": RuntimeError("[enforce fail at alloc_cpu.cpp:125] DefaultCPUAllocator: can't allocate memory"),
    "windows": RuntimeError("not enough memory: you tried to allocate 9437184 bytes."),
    "python": MemoryError(),
}


def failing(forward: Callable[[Tensor], Any], error: Exception, most: int) -> Callable[[Tensor], Any]:
    """The network on a device that fails with `error` when it is given more than `most` pictures."""

    def guarded(images: Tensor) -> Any:
        outputs = forward(images)  # what a forward pass changes, it has changed by the time that memory runs out
        if len(images) > most:
            raise error
        return outputs

    return guarded


@pytest.mark.parametrize("name", FAILURES)
def test_out_of_memory_halves_the_batch_and_keeps_the_step(
    name: str, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy, tight = (Bench(plain(schedule__batch_size=6), snapshot) for _ in range(2))
    monkeypatch.setattr(tight.stepper, "_forward", failing(tight.prepared.network, FAILURES[name], most=2))
    roomy.stepper.step(roomy.batches(), 0)
    tight.stepper.step(tight.batches(), 0)
    assert tight.stepper.halvings == 2 and tight.stepper.at_once == 1
    assert_close(roomy.weights(), tight.weights())
    news = tight.stepper.news()
    assert len(news) == 2 and "too little memory for 6 pictures at once: going on with 3" in news[0]
    assert not tight.stepper.news(), "each is told once"


def test_what_a_failed_try_did_to_the_statistics_is_undone(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(plain(schedule__batch_size=6), snapshot)
    bench.plan.training_mode()
    before = bench.weights()
    monkeypatch.setattr(bench.stepper, "_forward", failing(bench.prepared.network, FAILURES["cuda"], most=0))
    with pytest.raises(TooLittleMemory, match="one picture at a time"):
        bench.stepper.step(bench.batches(), 0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in bench.weights().items())
    assert all(parameter.grad is None for parameter in bench.prepared.network.parameters())


def test_other_errors_are_not_taken_for_too_little_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_run_out_of_memory_goes_on_and_says_so(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backward = Stepper._backward

    def tight(self: Stepper, batch: Batch, rows: slice) -> Tensor:
        if rows.stop - rows.start > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return backward(self, batch, rows)

    monkeypatch.setattr(Stepper, "_backward", tight)
    events = run(tiny(schedule__epochs=2), snapshot, tmp_path / "r001")
    told = [event.text for event in events if isinstance(event, Notice) and "too little memory" in event.text]
    assert len(told) == 1 and "4 pictures at once: going on with 2" in told[0]
    assert isinstance(events[-1], RunFinished) and events[-1].epoch == 2
    state = checkpoint.load_state(tmp_path / "r001" / "checkpoints" / LAST)
    assert state is not None and state.progress.halvings == 1


def test_too_little_memory_for_one_picture_ends_the_run_with_what_to_change(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Tensor:
        raise MemoryError

    monkeypatch.setattr(Stepper, "_backward", full)
    events = run(tiny(), snapshot, tmp_path / "r001")
    assert isinstance(events[-1], RunFailed)
    assert "too little memory" in events[-1].reason and "Input size" in events[-1].advice
    assert Predictor.load(tmp_path / "r001" / "checkpoints" / LAST, "cpu")


@given(pictures=st.integers(0, 300), most=st.integers(1, 64))
def test_pieces_hold_all_pictures_and_are_about_equal(pictures: int, most: int) -> None:
    sizes = chunk_sizes(pictures, most)
    assert sum(sizes) == pictures and len(sizes) == -(-pictures // most)
    assert not sizes or (max(sizes) <= most and max(sizes) - min(sizes) <= 1 and min(sizes) > 0)


def test_a_guard_restores_what_norms_have_seen(snapshot: Snapshot) -> None:
    network = prepare_training(tiny(schedule__batch_size=8), snapshot).network.train()
    guard = BufferGuard(network)
    guard.keep()
    before = copy.deepcopy(network.state_dict())
    network(torch.rand(2, 3, 64, 64))
    assert any(not torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    guard.restore()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


# -- precision and compiling ---------------------------------------------------------------------------------------


def test_in_fp16_gradients_that_overflow_scale_the_loss_down_and_harm_nothing(snapshot: Snapshot) -> None:
    bench = Bench(plain(limits__precision="fp16", schedule__batch_size=8), snapshot)
    before = bench.weights()
    bench.stepper.restore(0, bench.stepper.scaler_state() | {"scale": 2.0**60})
    bench.stepper.step(bench.batches(), 0)
    assert bench.stepper.scaler_state()["scale"] == 2.0**59
    assert all(torch.equal(tensor, before[name]) for name, tensor in bench.weights().items())
    bench.stepper.restore(0, bench.stepper.scaler_state() | {"scale": 2.0**8})
    bench.stepper.step(bench.batches(), 1)
    exact = Bench(plain(schedule__batch_size=8), snapshot)
    exact.stepper.step(exact.batches(), 1)
    moved = torch.cat([(t - before[n]).flatten() for n, t in bench.weights().items() if t.is_floating_point()])
    wanted = torch.cat([(t - before[n]).flatten() for n, t in exact.weights().items() if t.is_floating_point()])
    assert float((moved - wanted).norm() / wanted.norm()) < 0.05
    bench.stepper.restore(0, bench.stepper.scaler_state() | {"scale": steps.LEAST_SCALE / 4})
    with pytest.raises(Diverged, match="fp16"):
        bench.stepper.check()


def test_a_network_is_compiled_and_what_cannot_be_is_told(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.exc import TorchDynamoException

    whole = Bench(plain(schedule__batch_size=6), snapshot)
    whole.stepper.step(whole.batches(), 0)
    real = torch.compile
    monkeypatch.setattr(torch, "compile", partial(real, backend="eager"))
    compiled = Bench(plain(limits__compile=True, schedule__batch_size=6), snapshot)
    assert compiled.stepper._forward is not compiled.prepared.network
    compiled.stepper.step(compiled.batches(), 0)
    assert_close(whole.weights(), compiled.weights())
    assert not compiled.stepper.news()

    def no_compiler(_network: Any) -> Callable[[Tensor], Any]:
        def forward(_images: Tensor) -> Any:
            raise TorchDynamoException("no C++ compiler was found")

        return forward

    monkeypatch.setattr(torch, "compile", no_compiler)
    bench = Bench(plain(limits__compile=True, schedule__batch_size=6), snapshot)
    bench.stepper.step(bench.batches(), 0)
    assert_close(whole.weights(), bench.weights())
    [told] = bench.stepper.news()
    assert "no C++ compiler was found" in told and "going on without" in told


# -- averaging -----------------------------------------------------------------------------------------------------


def test_the_average_follows_as_its_formula_says(snapshot: Snapshot) -> None:
    network: Network = prepare_training(tiny(), snapshot).network
    average = Average(network, decay=0.5)
    name = "backbone.stem.0.weight"
    expected = network.state_dict()[name].clone()
    for step in range(1, 8):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = expected * decay + network.state_dict()[name] * (1 - decay)
        average.follow(step)
    torch.testing.assert_close(average.network.state_dict()[name], expected, rtol=1e-5, atol=1e-5)
    assert not average.network.training and not any(p.requires_grad for p in average.network.parameters())


def test_the_average_is_what_is_judged_and_saved_and_the_weights_that_learn_are_kept(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    run(tiny(optimizer__ema=0.99), snapshot, tmp_path / "r001")
    run(tiny(), snapshot, tmp_path / "r002")
    last, without = (tmp_path / name / "checkpoints" / LAST for name in ("r001", "r002"))
    state, plain_weights = checkpoint.load_state(last), checkpoint.load(without).tensors
    assert state is not None
    # What learns is not changed by being averaged.
    assert all(torch.equal(tensor, plain_weights[name]) for name, tensor in state.learning.items())
    averaged = checkpoint.load(last).tensors
    assert not torch.equal(averaged["backbone.stem.0.weight"], plain_weights["backbone.stem.0.weight"])
    best = checkpoint.load(last.with_name(BEST))
    assert checkpoint.load_state(last.with_name(BEST)) is None and best.description.best


class _Noting(ProcessGroup):
    """One process that notes whose statistics it would average with those of others."""

    noted: ClassVar[list[bool]] = []

    def average_buffers(self, network: torch.nn.Module) -> None:
        self.noted.append(next(network.parameters()).requires_grad)


def test_all_processes_average_statistics_in_one_order_wherever_the_networks_lie_in_memory(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a set of networks goes by; with addresses it is another order in every process.
    monkeypatch.setattr(Network, "__hash__", lambda self: int(self.training), raising=False)
    list(train(tiny(optimizer__ema=0.9), snapshot, tmp_path / "r001", lambda: False, process_group=_Noting()))
    assert _Noting.noted and _Noting.noted == [True, False] * (len(_Noting.noted) // 2)


# -- ends ----------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_the_run_goes_on_with_the_older_checkpoint_in_place(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "SAVES_APART", 0.0)
    monkeypatch.setattr(saving, "MOST_SAVING", 1e9)
    write, saves = checkpoint.save_file, 0

    def full(tensors: Any, path: Any, metadata: Any) -> None:
        nonlocal saves
        saves += 1
        if 4 <= saves <= 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(tensors, path, metadata=metadata)

    monkeypatch.setattr(checkpoint, "save_file", full)
    seen = []
    events = []
    folder = tmp_path / "r001" / "checkpoints"
    for event in saving_run(tiny(schedule__epochs=5), snapshot, tmp_path / "r001"):
        events.append(event)
        if isinstance(event, Notice) and "No space left" in event.text:
            assert event.level == "warning" and "the training goes on" in event.text
            seen.append(checkpoint.load_state(folder / LAST))
    assert len(seen) == 4 and all(state is not None for state in seen)
    assert isinstance(events[-1], RunFinished) and events[-1].epoch == 5 and not events[-1].stopped
    assert any(isinstance(event, CheckpointSaved) for event in events[events.index(_last_notice(events)) :])
    state = checkpoint.load_state(folder / LAST)
    assert state is not None and state.progress.epoch == 5
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def saving_run(recipe: Recipe, snapshot: Snapshot, folder: Path) -> Any:
    from core.training.loop import train

    return train(recipe, snapshot, folder, lambda: False)


def _last_notice(events: list[Any]) -> Any:
    return [event for event in events if isinstance(event, Notice)][-1]


def test_a_run_without_a_better_model_ends_early(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    judge, ranks = DetectionTask.judge, iter([0.1, 0.3, 0.2, 0.3, 0.9, 0.9])
    monkeypatch.setattr(DetectionTask, "judge", lambda *a: dataclasses.replace(judge(*a), rank=next(ranks)))
    events = run(tiny(schedule__epochs=20, evaluation__early_stop=2), snapshot, tmp_path / "r001")
    assert isinstance(events[-1], RunFinished) and events[-1].epoch == 4 and not events[-1].stopped
    assert any("2 evaluations brought no better model" in event.text for event in events if isinstance(event, Notice))
    assert checkpoint.load(tmp_path / "r001" / "checkpoints" / BEST).description.epoch == 2


def test_a_plateau_of_the_validation_loss_lowers_the_rate(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    judge = DetectionTask.judge
    monkeypatch.setattr(DetectionTask, "judge", lambda *a: dataclasses.replace(judge(*a), label_loss=1.0, box_loss=0.0))
    settings = {"schedule__decay": "plateau", "schedule__patience": 1, "schedule__factor": 0.5}
    events = run(tiny(schedule__epochs=4, schedule__warmup_steps=0, **settings), snapshot, tmp_path / "r001")
    rates = [event.lr for event in events if isinstance(event, EpochDone)]
    assert rates == pytest.approx([2e-3, 2e-3, 1e-3, 5e-4])
    assert sum("stopped falling" in event.text for event in events if isinstance(event, Notice)) == 3


# -- why a loss is no number ---------------------------------------------------------------------------------------


def cause(bench: Bench, recipe: Recipe, snapshot: Snapshot, batches: list[Batch]) -> divergence.Cause:
    images = snapshot.of_split(Split.TRAIN)
    task = DetectionTask.of(recipe, snapshot)
    return divergence.likely_cause(bench.plan, task, batches, bench.prepared.input, recipe, images, 0.5)


def test_the_learning_rate_is_named_where_nothing_else_is_wrong(snapshot: Snapshot) -> None:
    recipe = tiny(optimizer__lr=0.5)
    bench = Bench(recipe, snapshot)
    found = cause(bench, recipe, snapshot, bench.batches())
    assert "learning rate, 0.5" in found.reason and "Set Learning rate to 0.1" in found.advice


def test_a_box_that_augmentation_spoilt_is_named(snapshot: Snapshot) -> None:
    recipe = tiny()
    bench = Bench(recipe, snapshot)
    batches = bench.batches()
    row = int(batches[0].targets.valid_bm.any(dim=1).nonzero()[0])
    batches[0].targets.boxes_bm4[row, 0] = torch.tensor([5.0, 5.0, 5.0, 9.0])
    assert "augmentation left a box without area" in cause(bench, recipe, snapshot, batches).reason


def test_an_image_with_a_box_without_area_is_named(snapshot: Snapshot) -> None:
    import dataclasses

    recipe = tiny()
    bench = Bench(recipe, snapshot)
    images = snapshot.of_split(Split.TRAIN)
    place = next(index for index, image in enumerate(images) if len(image.boxes))
    boxes = images[place].boxes.copy()
    boxes[0, 2] = boxes[0, 0]
    images[place] = dataclasses.replace(images[place], boxes=boxes)
    task = DetectionTask.of(recipe, snapshot)
    found = divergence.likely_cause(bench.plan, task, bench.batches(), bench.prepared.input, recipe, images, 0.5)
    assert images[place].path in found.reason and "Delete that box" in found.advice


def test_a_normalisation_that_explodes_is_named(snapshot: Snapshot) -> None:
    recipe = tiny()
    bench = Bench(recipe, snapshot)
    tiny_std = bench.prepared.input.model_copy(update={"std": (1e-6, 1e-6, 1e-6)})
    task, images = DetectionTask.of(recipe, snapshot), snapshot.of_split(Split.TRAIN)
    found = divergence.likely_cause(bench.plan, task, bench.batches(), tiny_std, recipe, images, 0.5)
    assert "normalisation" in found.reason and "Normalisation" in found.advice


def test_a_value_too_large_for_fp16_is_named(snapshot: Snapshot) -> None:
    recipe = tiny(limits__precision="fp16")
    bench = Bench(recipe, snapshot)
    found = cause(bench, recipe, snapshot, bench.batches())
    assert "in fp16 a value was too large" in found.reason and "Precision" in found.advice


def test_a_loss_that_is_no_number_leaves_the_weights_as_they_were(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(plain(schedule__batch_size=6), snapshot)
    bench.plan.training_mode()
    sums = DetectionTask.loss_sums

    def spoilt(self: DetectionTask, *arguments: Any) -> LossSums:
        found = sums(self, *arguments)
        return LossSums(found.labels * float("nan"), found.boxes, found.positives)

    monkeypatch.setattr(DetectionTask, "loss_sums", spoilt)
    before = bench.weights()
    with pytest.raises(Diverged):
        bench.stepper.step(bench.batches(), 0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in bench.weights().items())


def test_an_unreadable_run_folder_is_refused_before_anything_is_computed(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = tmp_path / "r001" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / LAST).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="no checkpoint before it"):
        run(tiny(), snapshot, tmp_path / "r001")
