from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmark.errors import DataError
from benchmark.states import encode, load_state, save_state


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    weight = torch.randn(4, 6)
    return {
        "weight": weight,
        "tied": weight,
        "turned": weight.t(),
        "half": weight.to(torch.bfloat16),
        "steps": torch.tensor(7),
        "mask": weight > 0,
        "none": torch.empty(0, 3),
    }


def test_round_trip_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "weights.safetensors"
    save_state(path, state())
    loaded = load_state(path)
    assert loaded.keys() == state().keys()
    for name, tensor in state().items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)
    assert [p.name for p in path.parent.iterdir()] == ["weights.safetensors"]


def test_saved_tensors_are_left_alone_and_loaded_ones_are_writable(tmp_path: Path) -> None:
    mine = {"w": torch.ones(3, requires_grad=True)}
    save_state(tmp_path / "w", mine)
    load_state(tmp_path / "w")["w"].zero_()
    assert mine["w"].requires_grad
    assert torch.equal(load_state(tmp_path / "w")["w"], torch.ones(3))


def test_equal_states_give_equal_bytes() -> None:
    assert encode(state()) == encode(dict(reversed(state().items())))


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.safetensors"
    save_state(path, {"w": torch.zeros(2)})

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_state(path, {"w": torch.ones(2)})
    assert torch.equal(load_state(path)["w"], torch.zeros(2))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kept", [0, 5, 40, -1])
def test_cut_file_is_named_in_one_line(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "w.safetensors"
    save_state(path, state())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"w\.safetensors are damaged .*delete the file and run again") as error:
        load_state(path)
    assert "\n" not in str(error.value)


def test_other_file_is_damaged_and_absent_file_is_absent(tmp_path: Path) -> None:
    (tmp_path / "pickle").write_bytes(b"\x80\x04" + bytes(100))
    with pytest.raises(DataError, match="damaged"):
        load_state(tmp_path / "pickle")
    with pytest.raises(DataError, match=r"cannot read the weights .*absent: No such file"):
        load_state(tmp_path / "absent")
