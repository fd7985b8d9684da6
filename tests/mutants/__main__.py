"""`make mutants`: breaks the dbt project in one place at a time, and shows which breaks no test of it notices.

Exits with 1 if fewer than 95 % are caught. Survivors that somebody judged are in survivors.toml, each with the reason.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.mutants.campaign import judge_all
from tests.mutants.mutations import Mutant
from tests.mutants.project import Project
from tests.mutants.report import LEAST_CAUGHT_PCT, caught_pct, describe, describe_survivor, read_reviews
from tests.mutants.template import make_template
from tests.mutants.worker import Verdict


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    for name in [name for name in os.environ if name.startswith(("DBT_", "RETAIL_"))]:
        del os.environ[name]  # what is set in a shell must not decide what is caught
    reviews = read_reviews()
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        print("Building the small shop, on which each mutant is tried", flush=True)
        template = make_template(Path(folder))
        project = Project(template / "project", template / "target" / "manifest.json")
        mutants = draw(project.list_mutants(options.only), options.sample, options.seed)
        print(f"{len(mutants)} mutants, {options.jobs} at a time", flush=True)

        def tell(mutant: Mutant, verdict: Verdict) -> None:
            if verdict.outcome == "survived":
                print(describe_survivor(mutant, project, reviews), flush=True)
            elif options.verbose:
                print(f"{mutant.file}:{mutant.line} {mutant.kind} {verdict.outcome} by {verdict.by}", flush=True)

        judged = judge_all(project, template, mutants, options.jobs, tell)
    print(f"\n{describe(judged, project, reviews)}")
    return 0 if caught_pct(judged, project, reviews) >= LEAST_CAUGHT_PCT else 1


def draw(mutants: list[Mutant], sample: int | None, seed: int) -> list[Mutant]:
    """`sample` of them, the same ones for the same seed, in the order of drawing; all of them if no number is given."""
    if sample is None or sample >= len(mutants):
        return mutants
    return random.Random(seed).sample(mutants, sample)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, help="try only so many, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the drawing")
    parser.add_argument("--only", default="*", help="files to mutate, e.g. 'models/data_mart/*'")
    parser.add_argument("--jobs", type=int, default=2, help="builds at the same time")
    parser.add_argument("--verbose", action="store_true", help="say of each mutant what caught it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
