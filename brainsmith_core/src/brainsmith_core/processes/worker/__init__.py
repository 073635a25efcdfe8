"""The worker program: imports a module of tasks once, then forks a supervised child for each task.

It runs inside a foreign interpreter (Python 3.8 or later) and is started by path, so it uses the standard
library only and never imports `brainsmith_core`. Our side of it is `brainsmith_core.processes.client`.

Who is who, and what happens when one of them dies::

    controller        the process that uses `Worker`; when it is gone, the worker ends all, itself last
     └ worker         imports the tasks, forks; when it is gone, the kernel sends supervisors SIGTERM
        └ supervisor  one per task: log, limits, clean-up; SIGTERM makes it end its tree, then itself
           └ child    runs the task; when its supervisor is gone, the kernel sends it SIGKILL
              └ ...   what the task starts; orphans fall to the supervisor, or else to the worker

Modules, each above those that it uses: `program` (command line), `server` (the worker), `supervisor`, `limits`,
`child` (the task), `tree` (processes), `task_log`, `lines` (JSON on pipes), `system` (signals, fork,
prctl). `commands` is a module of tasks: it runs any program, for `brainsmith_core.processes.command`.
"""
