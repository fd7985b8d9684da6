"""What dbt did, as its `run_results.json` says, over all attempts of a run.

The states that prefect-dbt shows are not the truth: a node that dbt skipped is shown as completed there.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.run.artifacts import markdown_table
from flows.run.settings import Settings

FINE = ("success", "pass", "no-op")  # dbt does nothing with an exposure
GOOD = (*FINE, "warn")
BROKEN = ("error", "runtime error", "partial success")
MAX_SLOWEST = 10

# what PostgreSQL and Redshift say of a statement that is ended, and what we say (flows.warehouse.duckdb.limit)
TIMED_OUT = re.compile(
    r"cancell?(ed|ing)\b.*(statement timeout|user.s request)|RETAIL_STATEMENT_TIMEOUT_S", re.IGNORECASE
)

CURES = {  # what DuckDB says of the disk names the memory too
    ("max_temp_directory_size", "No space left on device"): (
        "The disk of the work folder is full, and DuckDB needs room there for what it has no memory for. Free space, "
        "or name another work folder with RETAIL_WORK_DIR."
    ),
    ("Out of Memory Error",): (
        "DuckDB had too little memory. Raise RETAIL_DUCKDB_MEMORY_MB (by default half of the machine's), or set "
        "RETAIL_DBT_THREADS=1 so that one node at a time has all of it."
    ),
}


@dataclass(frozen=True)
class NodeResult:
    """The last word of dbt on one node: `status` as in run_results.json, `attempts` how often it ran.

    `failures` is what a data test counted, 0 for other nodes; `sql` what ran, as dbt compiled it; `seconds` what its
    last attempt took; `rows_affected` what the warehouse said it wrote, None where it says nothing, as DuckDB does.
    """

    node: str
    status: str
    message: str
    attempts: int
    failures: int = 0
    sql: str = ""
    seconds: float = 0.0
    rows_affected: int | None = None

    @property
    def name(self) -> str:
        """The node's name, see `node_name`."""
        return node_name(self.node)

    @property
    def has_timed_out(self) -> bool:
        """Whether a statement of it was ended because it took too long."""
        return self.status in BROKEN and TIMED_OUT.search(self.message) is not None

    @property
    def finding(self) -> str:
        """What a test that only warns is about, e.g. `orders of unknown customers`."""
        return self.name.removeprefix("test.").removeprefix("warn_").replace("_", " ")


def node_name(node: str) -> str:
    """The name without its package and without the hash of a test, e.g. `model.dim_stores`."""
    kind, _, name = node.split(".", 2)
    return f"{kind}.{name.split('.')[0] if kind == 'test' else name}"


def attempts_dir(settings: Settings) -> Path:
    """Where the results of each attempt of the newest run are kept."""
    return settings.dbt_target_dir / "attempts"


def keep_attempt(results: Path, attempt: int, settings: Settings) -> None:
    """Keep what an attempt left in dbt's own file, which the next one overwrites."""
    if results.exists():
        attempts_dir(settings).mkdir(parents=True, exist_ok=True)
        shutil.copy(results, attempts_dir(settings) / f"{attempt:03d}.json")


def read_attempts(settings: Settings) -> list[NodeResult]:
    """The last result of each node over all attempts of this run, in the order dbt first ran them."""
    results: dict[str, NodeResult] = {}
    for path in sorted(attempts_dir(settings).glob("*.json")):
        for result in _read_attempt(path).get("results", []):
            before = results.get(result["unique_id"])
            results[result["unique_id"]] = NodeResult(
                result["unique_id"],
                result["status"],
                " ".join((result["message"] or "").split()),
                (before.attempts if before else 0) + (result["status"] != "skipped"),
                result["failures"] or 0,
                result.get("compiled_code") or "",
                float(result.get("execution_time") or 0),
                _read_rows(result.get("adapter_response") or {}),
            )
    is_hook = {node for node in results if node.startswith("operation.")}  # of interest only if it fails
    return [result for node, result in results.items() if node not in is_hook or result.status not in GOOD]


def _read_rows(response: Mapping[str, Any]) -> int | None:
    """What an adapter's answer says of rows; drivers say -1 where they do not know (PEP 249, `rowcount`)."""
    rows = response.get("rows_affected")
    return rows if isinstance(rows, int) and rows >= 0 else None


def list_slowest(results: Sequence[NodeResult]) -> list[dict[str, Any]]:
    """The ten nodes that took longest, the slowest first: `node`, `status`, `seconds` and `rows_affected`."""
    ran = [result for result in results if result.status != "skipped"]
    slowest = sorted(ran, key=lambda result: -result.seconds)[:MAX_SLOWEST]
    return [
        {
            "node": each.name,
            "status": each.status,
            "seconds": round(each.seconds, 3),
            "rows_affected": each.rows_affected,
        }
        for each in slowest
    ]


def read_invocations(settings: Settings) -> set[str]:
    """dbt's id of each attempt of this run."""
    attempts = map(_read_attempt, attempts_dir(settings).glob("*.json"))
    return {str(attempt["metadata"]["invocation_id"]) for attempt in attempts if attempt}


def _read_attempt(path: Path) -> dict[str, Any]:
    """What dbt wrote; nothing where a full disk cut it off, for what is not in the results has not passed."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        return {}


def count_nodes(results: Sequence[NodeResult]) -> dict[str, int]:
    """How many nodes ended how; a warning is a success."""
    success = sum(result.status in GOOD for result in results)
    skipped = sum(result.status == "skipped" for result in results)
    return {
        "nodes": len(results),
        "success": success,
        "error": len(results) - success - skipped,
        "skipped": skipped,
        "warned": sum(result.status == "warn" for result in results),
        "retried": sum(result.attempts > 1 for result in results),
    }


def read_meanings(settings: Settings) -> dict[str, str]:
    """What each node is described as, by the manifest, in one line; nothing where there is none."""
    try:
        nodes = json.loads((settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    except (OSError, ValueError):
        return {}
    return {node: " ".join(said["description"].split()) for node, said in nodes.items() if said.get("description")}


def describe_failure(failed: Sequence[NodeResult], meanings: Mapping[str, str] | None = None) -> str:
    """The nodes that failed, with dbt's words, and the cure where the machine was too small.

    Of a test that found something, what it tests is told too; `meanings` are by node.
    """
    meanings = meanings or {}
    causes = [result for result in failed if result.status != "skipped"]
    skipped = len(failed) - len(causes)
    return "\n".join(
        [
            f"{len(causes)} dbt nodes failed and {skipped} were skipped after them; the report was not renewed.",
            *(line for result in causes[:10] for line in _describe_cause(result, meanings.get(result.node, ""))),
            *_find_cure(causes),
        ]
    )


def _describe_cause(result: NodeResult, meaning: str) -> list[str]:
    asked = [f"  What it tests: {meaning}"] if meaning and result.status == "fail" else []
    return [f"- {result.name}: {result.status}: {result.message}", *asked]


def _find_cure(causes: Sequence[NodeResult]) -> list[str]:
    """What to do about a machine that is too small, by DuckDB's words; the first that fits, or none."""
    for words, cure in CURES.items():
        if any(word in result.message for result in causes for word in words):
            return [cure]
    return []


def describe_counts(results: Sequence[NodeResult], seconds: float) -> str:
    """How many nodes ended how, in one line."""
    counts = count_nodes(results)
    return (
        f"{counts['nodes']} nodes in {seconds:.0f} s: {counts['success']} succeeded "
        f"({counts['warned']} with a warning), "
        f"{counts['error']} failed, {counts['skipped']} skipped; {counts['retried']} ran more than once"
    )


def describe_build(results: Sequence[NodeResult], seconds: float, summary: Mapping[str, Any]) -> str:
    """A build in Markdown: the counts, each node that is worth a look, and how old the sources are."""
    sections = ["# dbt build", f"{describe_counts(results, seconds)}."]
    notable = [result for result in results if result.status not in FINE or result.attempts > 1]
    if notable:
        nodes = [(result.name, result.status, result.attempts, result.message) for result in notable]
        sections.append(markdown_table(("node", "status", "attempts", "what dbt says"), nodes))
    if summary["freshness"]:
        columns = ("source", "status", "max_loaded_at", "age_hours", "message")
        sections.append(
            markdown_table(
                columns, [["" if each[c] is None else each[c] for c in columns] for each in summary["freshness"]]
            )
        )
    return "\n\n".join(sections)
