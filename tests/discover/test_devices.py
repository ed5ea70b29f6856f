"""The seam to a GPU, with a stand-in: NumPy in arrays that refuse to meet any of this process. No GPU was there."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover import Model, devices, low_rank
from counterpoint.discover.devices import CPU, device_of
from counterpoint.discover.methods import fitted
from counterpoint.errors import InputError


class OnDevice(np.ndarray[Any, Any]):
    """An array of the device: what it meets must be one too, or a plain number."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **given: Any) -> Any:
        out = given.get("out", ())
        assert all(isinstance(each, OnDevice | float | int | np.generic) for each in (*inputs, *out)), ufunc
        if out:
            given["out"] = tuple(each.view(np.ndarray) for each in out)
        plain = [each.view(np.ndarray) if isinstance(each, OnDevice) else each for each in inputs]
        return _there(getattr(ufunc, method)(*plain, **given))

    def __setitem__(self, place: Any, value: Any) -> None:
        assert isinstance(value, OnDevice | float | int), "a transfer that nobody asked for"
        super().__setitem__(place, value)


def _there(value: Any) -> Any:
    return np.asarray(value).view(OnDevice)


class Sparse:
    """A sparse matrix of the device."""

    def __init__(self, matrix: sp.csr_matrix) -> None:
        self._matrix = matrix

    def __matmul__(self, other: Any) -> Any:
        assert isinstance(other, OnDevice)
        return _there(self._matrix @ other.view(np.ndarray))


class StandIn:
    """NumPy posing as the module of a device, with transfers that are counted."""

    name = "gpu (stand-in)"

    def __init__(self) -> None:
        self.put_there = self.brought_back = 0
        self.xp: Any = SimpleNamespace(
            einsum=self._all(np.einsum),
            where=self._all(np.where),
            isfinite=self._all(np.isfinite),
            zeros_like=self._all(np.zeros_like),
            ones_like=self._all(np.ones_like),
            concatenate=self._all(np.concatenate),
            linalg=SimpleNamespace(inv=self._all(np.linalg.inv)),
        )

    def _all(self, function: Any) -> Any:
        def call(*given: Any) -> Any:
            flat = [one for each in given for one in (each if isinstance(each, list) else [each])]
            assert all(isinstance(each, OnDevice | str) for each in flat), function
            plain = [
                [one.view(np.ndarray) for one in each]
                if isinstance(each, list)
                else each.view(np.ndarray)
                if isinstance(each, OnDevice)
                else each
                for each in given
            ]
            return _there(function(*plain))

        return call

    def put(self, array: NDArray[Any]) -> Any:
        assert not isinstance(array, OnDevice)
        self.put_there += 1
        return _there(np.array(array))

    def get(self, array: Any) -> NDArray[Any]:
        assert isinstance(array, OnDevice)
        self.brought_back += 1
        return np.array(array.view(np.ndarray))

    def sparse(self, matrix: sp.csr_matrix) -> Any:
        return Sparse(matrix)

    def with_values(self, matrix: sp.csr_matrix, values: Any) -> Any:
        assert isinstance(values, OnDevice)
        return Sparse(CPU.with_values(matrix, values.view(np.ndarray)))


def plays() -> sp.csr_matrix:
    return sp.csr_matrix(sp.random(400, 120, 0.06, random_state=np.random.default_rng(3)))


@pytest.mark.parametrize(
    ("method", "options"),
    [("als", {"factors": 8}), ("ease", {}), ("item-graph", {"rank": 24})],
)
def test_it_is_computed_there_and_comes_to_the_same(
    method: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_rank, "BLOCK", 16)
    monkeypatch.setattr(low_rank, "EXACT", 0)
    device = StandIn()
    there = fitted(method, plays(), options, seed=1, device=device)
    here = fitted(method, plays(), options, seed=1)
    assert device.put_there >= 1
    assert device.brought_back >= 1
    scores = [each.scores(plays()) for each in (here, there)]
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-4, atol=1e-4 * np.abs(scores[0]).max())
    assert type(next(iter(vars_of(there)))) is np.ndarray, "what is kept is of this process"


def vars_of(model: Any) -> list[Any]:
    names = {"als": "factors", "ease": "weights", "item-graph": "vectors"}
    return [getattr(model, names[model.name])]


def test_a_device_that_gives_up_is_left_and_that_is_said() -> None:
    class Small(StandIn):
        def put(self, array: NDArray[Any]) -> Any:
            raise MemoryError("out of memory")

    said: list[str] = []
    model = fitted("ease", plays(), {}, seed=1, device=Small(), said=said.append)
    assert "the gpu (stand-in) gives up (out of memory); ease is fitted on the processor" in said
    np.testing.assert_array_equal(model.scores(plays()), fitted("ease", plays(), {}, seed=1).scores(plays()))


class _Cuda(ModuleType):
    """A module with as many GPUs as it is told."""

    def __init__(self, name: str, gpus: int) -> None:
        super().__init__(name)
        runtime = SimpleNamespace(getDeviceCount=lambda: gpus)
        self.cuda = SimpleNamespace(runtime=runtime, is_available=lambda: gpus > 0)

    @classmethod
    def installed(cls, monkeypatch: pytest.MonkeyPatch, **gpus: int) -> type[Self]:
        monkeypatch.setattr(devices, "find_spec", lambda name: name if name in gpus else None)
        for name, count in gpus.items():
            monkeypatch.setitem(sys.modules, name, cls(name, count))
        sparse = ModuleType("cupyx.scipy.sparse")
        for name in ("cupyx", "cupyx.scipy", "cupyx.scipy.sparse"):
            monkeypatch.setitem(sys.modules, name, sparse)
        return cls


@pytest.mark.parametrize(
    ("asked", "gpus", "driver", "name", "sentence"),
    [
        ("auto", {"cupy": 1}, True, "gpu (CuPy)", "dense parts are computed on the gpu (CuPy)"),
        ("auto", {"cupy": 0, "torch": 1}, True, "gpu (PyTorch)", "dense parts are computed on the gpu (PyTorch)"),
        ("auto", {"cupy": 1}, False, "cpu", None),
        ("auto", {}, True, "cpu", None),
        ("cpu", {"cupy": 1}, True, "cpu", None),
        ("gpu", {"torch": 1}, False, "gpu (PyTorch)", "dense parts are computed on the gpu (PyTorch)"),
        ("gpu", {"torch": 0, "cupy": 0}, True, "cpu", "no GPU is found by CuPy or PyTorch, so that all is computed on the processor"),
    ],
)  # fmt: skip
def test_a_gpu_is_taken_where_one_is_there_and_never_needed(
    asked: Any, gpus: dict[str, int], driver: bool, name: str, sentence: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    _Cuda.installed(monkeypatch, **gpus)
    monkeypatch.setattr(devices, "DRIVERS", ("/",) if driver else ())
    said: list[str] = []
    assert device_of(asked, said.append).name == name
    assert said == ([] if sentence is None else [sentence])


def test_a_driver_that_fails_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    _Cuda.installed(monkeypatch, cupy=1)

    def fails() -> int:
        raise OSError("no driver")

    monkeypatch.setattr(sys.modules["cupy"].cuda.runtime, "getDeviceCount", fails)
    assert device_of("gpu") is CPU


def test_a_device_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="device == 'tpu'"):
        Model("als", device="tpu")  # type: ignore[arg-type]
