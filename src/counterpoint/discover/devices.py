"""Where dense arithmetic is done: here by NumPy, or on a GPU by CuPy or PyTorch where one is present. Never needed. Pure.

The methods are written once, in what the three have in common (`@`, `.T`, slices, `einsum`, `where`, …); a device says
how arrays and sparse matrices get there and back. A GPU adds in another order, so that results agree to single
precision and not to the bit.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.stats.checks import choice

__all__ = ["CPU", "DEVICES", "Asked", "Device", "device_of"]

Asked = Literal["auto", "cpu", "gpu"]
DEVICES: tuple[Asked, ...] = ("auto", "cpu", "gpu")
DRIVERS = ("/dev/nvidiactl", "/dev/kfd")
"""One of them is there where a GPU of NVIDIA or AMD has its driver: without it nothing slow is imported to find out."""


class Device(Protocol):
    """What does the arithmetic."""

    name: str
    xp: Any
    """The module: `einsum`, `where`, `isfinite`, `zeros_like`, `ones_like`, `concatenate`, `linalg.inv`."""

    def put(self, array: NDArray[Any]) -> Any:
        """An array of this process as one of the device's own, which may be written to."""

    def get(self, array: Any) -> NDArray[Any]:
        """An array of the device as one of this process."""

    def sparse(self, matrix: sp.csr_matrix) -> Any:
        """A sparse matrix that can be multiplied with arrays of the device."""

    def with_values(self, matrix: sp.csr_matrix, values: Any) -> Any:
        """The same cells with other values, which are the device's."""


class _Here:
    """NumPy and SciPy."""

    name = "cpu"
    xp: Any = np

    def put(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.array(array)

    def get(self, array: NDArray[Any]) -> NDArray[Any]:
        return array

    def sparse(self, matrix: sp.csr_matrix) -> sp.csr_matrix:
        return matrix

    def with_values(self, matrix: sp.csr_matrix, values: NDArray[Any]) -> sp.csr_matrix:
        return sp.csr_matrix((values, matrix.indices, matrix.indptr), shape=matrix.shape)


class _Cupy:
    name = "gpu (CuPy)"

    def __init__(self, module: Any, sparse: Any) -> None:
        self.xp, self._sparse = module, sparse

    def put(self, array: NDArray[Any]) -> Any:
        return self.xp.array(array)

    def get(self, array: Any) -> NDArray[Any]:
        return np.asarray(self.xp.asnumpy(array))

    def sparse(self, matrix: sp.csr_matrix) -> Any:
        return self._sparse.csr_matrix(matrix)

    def with_values(self, matrix: sp.csr_matrix, values: Any) -> Any:
        starts, columns = self.put(matrix.indptr), self.put(matrix.indices)
        return self._sparse.csr_matrix((values, columns, starts), shape=matrix.shape)


class _Torch:
    name = "gpu (PyTorch)"

    def __init__(self, module: Any) -> None:
        self.xp = module

    def put(self, array: NDArray[Any]) -> Any:
        return self.xp.from_numpy(np.ascontiguousarray(array)).to("cuda")

    def get(self, array: Any) -> NDArray[Any]:
        return np.asarray(array.cpu().numpy())

    def sparse(self, matrix: sp.csr_matrix) -> Any:
        return self.with_values(matrix, self.put(matrix.data))

    def with_values(self, matrix: sp.csr_matrix, values: Any) -> Any:
        starts, columns = self.put(matrix.indptr), self.put(matrix.indices)
        return self.xp.sparse_csr_tensor(starts, columns, values, size=tuple(matrix.shape))


CPU: Device = _Here()


def device_of(asked: Asked, say: Callable[[str], None] = lambda _: None) -> Device:
    """The device that was asked for: `auto` takes a GPU where there is one, `gpu` says where there is none.

    Raises:
        InputError: there is no such device.
    """
    choice("device", asked, DEVICES)
    if asked == "cpu" or (asked == "auto" and not any(Path(each).exists() for each in DRIVERS)):
        return CPU
    found = _cupy() or _torch()
    if found is not None:
        say(f"dense parts are computed on the {found.name}")
        return found
    if asked == "gpu":
        say("no GPU is found by CuPy or PyTorch, so that all is computed on the processor")
    return CPU


def _cupy() -> Device | None:
    if find_spec("cupy") is None:
        return None
    try:
        module, sparse = import_module("cupy"), import_module("cupyx.scipy.sparse")
        return _Cupy(module, sparse) if module.cuda.runtime.getDeviceCount() else None
    except (
        Exception
    ):  # a driver that is none, a library that is missing: whatever it is, there is no GPU for us
        return None


def _torch() -> Device | None:
    if find_spec("torch") is None:
        return None
    try:
        module = import_module("torch")
        return _Torch(module) if module.cuda.is_available() else None
    except Exception:  # as above
        return None
