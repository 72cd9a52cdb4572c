"""Performs callables under the lifecycle of runs, in this process or in others.

`decide` yields commands without IO. A `Job` carries out the commands of one run, a `Scheduler`
many jobs side by side, and a `Pool` is where their tasks are executed. `run_remote_task` is the
entry point in a worker process.
"""
