"""The worker program: imports a module of tasks once, then forks a supervised child for each task.

It runs inside a foreign interpreter (Python 3.8 or later) and is started by path, so it uses the standard
library only and never imports `brainsmith_core`. Our side of it is `brainsmith_core.worker_client`.

Who is who, and what each of them does when another one dies::

    controller          the Python process that uses `Worker`
      └─ worker         imports the tasks, forks; ends when its command pipe or its controller ends
           └─ supervisor   one per task: log, limits, clean-up; ends its tree on SIGTERM or the worker's death
                └─ child      runs the task; is killed by the kernel when its supervisor dies
                     └─ ...      whatever the task starts; orphans fall to the supervisor, which ends them

Modules: `server` (the worker), `supervisor`, `child`, and below them `tree` (processes), `task_log`, `lines` (JSON
lines on pipes), `system` (signals, fork, prctl).
"""
