"""Execution: real work under the lifecycle, in this process or in others.

`drive` decides without IO, in wishes; a `Trip` brings a run to its end by fulfilling them, and a
`Scheduler` many trips at once. A `Pool` is where tasks run; what leaves the process is a `Parcel`
with an `Attempt` in it. `Runner`, `perform` and `aperform` are the doors; `fsm` has them too.
"""
