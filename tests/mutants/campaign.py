"""Mutants in, verdicts out: worker processes side by side, each with a folder of its own and a limit on its time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, Queue

from tests.mutants.mutations import Mutant
from tests.mutants.project import Project
from tests.mutants.worker import Verdict

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300

Tell = Callable[[Mutant, Verdict], None]


def judge_all(
    project: Project, template: Path, mutants: Sequence[Mutant], jobs: int = 2, tell: Tell = lambda _m, _v: None
) -> list[tuple[Mutant, Verdict]]:
    """The verdict on each mutant, in their order.

    `template` holds what a worker's folder holds (see tests/mutants/worker.py), and is copied for each worker.
    """
    waiting: Queue[Mutant] = Queue()
    for mutant in mutants:
        waiting.put(mutant)
    found: dict[Mutant, Verdict] = {}
    threads = [
        threading.Thread(target=_work, args=(project, template, number, waiting, found, tell)) for number in range(jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [(mutant, found[mutant]) for mutant in mutants]


def _work(
    project: Project, template: Path, number: int, waiting: Queue[Mutant], found: dict[Mutant, Verdict], tell: Tell
) -> None:
    folder = template.parent / f"worker-{number}"
    worker: Worker | None = None
    while True:
        try:
            mutant = waiting.get_nowait()
        except Empty:
            break
        worker = worker or Worker(template, folder)
        verdict = worker.judge(mutant, project)
        if verdict is None:  # out of time or out of memory: no build that anybody would take for a good one
            worker, verdict = None, Verdict("caught", "no end, or no memory left")
        found[mutant] = verdict
        tell(mutant, verdict)
    if worker:
        worker.close()


class Worker:
    """A process that builds mutants in `folder`, a fresh copy of the template."""

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        command = [sys.executable, "-m", "tests.mutants.worker", str(folder)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def judge(self, mutant: Mutant, project: Project) -> Verdict | None:
        """The verdict, or nothing if the process died or had to be ended."""
        job = {
            "file": mutant.file,
            "text": mutant.apply(project.text(mutant.file)),
            "select": project.select(mutant),
            "kpis": project.concerns_kpis(mutant),
        }
        assert self.process.stdin
        assert self.process.stdout
        alarm = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        alarm.start()
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            alarm.cancel()
        if not answer:
            self.process.wait()
            return None
        return Verdict(**json.loads(answer))

    def close(self) -> None:
        self.process.communicate()
