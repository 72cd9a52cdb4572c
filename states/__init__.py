"""The short public name of the state classes: `states.Success` is `fsm.states.Success`.

`fsm` never imports this package. A module of yours, or of another distribution, that is called
`states` hides this short name and nothing else: write `from fsm.states import Success` then.
"""

from fsm.states import *  # noqa: F403  # all that its `__all__` lists
from fsm.states import __all__ as __all__
