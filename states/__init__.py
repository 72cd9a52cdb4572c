"""The short public name of the state classes: `states.Success` is `fsm.states.Success`.

Nothing of `fsm` imports this package. A file or package of the user's that is called `states`
hides this name, and nothing else.
"""

from fsm.states import *  # noqa: F403  # its `__all__` says what
from fsm.states import __all__ as __all__
