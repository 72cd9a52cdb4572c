"""What operators do to runs through a journal: approve, cancel, retry, rescue, deliver, verify."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .control import ControlResult, approve, cancel, rerun_children, resume, retry
    from .delivery import Delivery, deliver
    from .rescuing import Rescued, rescue
    from .verification import Problem, verify

__all__ = [
    "ControlResult",
    "Delivery",
    "Problem",
    "Rescued",
    "approve",
    "cancel",
    "deliver",
    "rerun_children",
    "rescue",
    "resume",
    "retry",
    "verify",
]

# Names are imported on demand: a worker, which rescues runs, does not load the other operations.
_MODULES = {
    "ControlResult": "control",
    "Delivery": "delivery",
    "Problem": "verification",
    "Rescued": "rescuing",
    "approve": "control",
    "cancel": "control",
    "deliver": "delivery",
    "rerun_children": "control",
    "rescue": "rescuing",
    "resume": "control",
    "retry": "control",
    "verify": "verification",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
