"""The devices that share a batch: how many, and of which rows."""

import jax
import pytest

from wavenet_jax.devices import devices_for, local, make_mesh, replicate, share, share_of
from wavenet_jax.errors import InputError


@pytest.mark.parametrize(
    ("rows", "devices", "expected"), [(32, 8, 8), (32, 3, 2), (1, 8, 1), (9, 6, 3), (7, 1, 1)]
)
def test_as_many_devices_share_a_batch_as_can_have_equally_many_rows(
    rows: int, devices: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax, "device_count", lambda: devices)
    assert devices_for(rows) == expected


def test_several_processes_need_a_row_for_every_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax, "device_count", lambda: 4)
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    assert devices_for(8) == 4
    with pytest.raises(InputError, match=r"a step has 6 rows .* expected a multiple such as 8"):
        devices_for(6)


def test_one_device_needs_no_mesh_and_no_copies() -> None:
    assert make_mesh(32) is None
    array = jax.numpy.arange(3)
    copy = local(replicate(None, array))
    assert copy.unsafe_buffer_pointer() == array.unsafe_buffer_pointer()


def test_one_process_has_all_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert share("alone") == ["alone"]
    assert share_of(10) == range(10)
    monkeypatch.setattr(jax, "process_count", lambda: 4)
    shares = []
    for index in range(4):
        monkeypatch.setattr(jax, "process_index", lambda index=index: index)
        shares.append(share_of(10))
    assert [number for each in shares for number in each] == list(range(10))
