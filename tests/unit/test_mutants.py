"""The mutator of the dbt project: which changes it makes, which it never makes, and what a toy project notices."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.mutants.campaign import judge_all
from tests.mutants.mutations import Mutant, mutate_sql
from tests.mutants.project import Project
from tests.mutants.properties import mutate_yaml
from tests.mutants.report import Review, caught_pct, describe
from tests.mutants.template import copy_project
from tests.mutants.worker import BUILT, Verdict, Workshop


def changed(sql: str, kind: str) -> list[str]:
    """The mutants of one kind, as texts."""
    return [mutant.apply(sql) for mutant in mutate_sql("models/m.sql", sql) if mutant.kind == kind]


@pytest.mark.parametrize(
    ("kind", "sql", "mutants"),
    [
        ("arithmetic", "select a - b", ["select a + b"]),
        ("arithmetic", "select count(*), t.*, a * b", ["select count(*), t.*, a + b"]),
        ("arithmetic", "select coalesce(a, -1)", []),
        ("comparison", "where a <= b", ["where a < b"]),
        ("comparison", "where a <> b", ["where a = b"]),
        ("word", "where a and b", ["where a or b"]),
        ("word", "where d between a and b", []),
        ("word", "select false as is_on", ["select true as is_on"]),
        (
            "word",
            "over (order by a desc nulls last)",
            ["over (order by a asc nulls last)", "over (order by a desc nulls first)"],
        ),
        ("word", "lag(a) over (partition by k order by d)", ["lag(a) over (partition by k order by d desc)"]),
        ("word", "select last, first from t", []),
        ("join", "left join t", ["inner join t"]),
        ("join", "inner join t", ["left join t"]),
        ("join", "select left(a, 2)", []),
        ("set", "a union all b union c", ["a union b union c", "a union all b union all c"]),
        ("set", "select distinct a", ["select  a"]),
        ("not", "where not a", ["where  a"]),
        ("not", "where a is not null", ["where a is  null"]),
        ("not", "where a is null", ["where a is not null"]),
        ("not", "where a in (b)", ["where a not in (b)"]),
        ("function", "select min(a), sum(b)", ["select max(a), sum(b)", "select min(a), max(b)"]),
        (
            "default",
            "select coalesce(coalesce(a, b), 0), c",
            ["select coalesce(coalesce(a), 0), c", "select coalesce(coalesce(a, b)), c"],
        ),
        ("constant", "select a + 1", ["select a + 0", "select a + 2"]),
        ("constant", "cast(a as decimal(18, 2)) + cast(b as varchar(64))", []),
        ("constant", "cast('1900-01-01' as date)", ["cast('1900-01-02' as date)"]),
        ("constant", "then 'Monday'", ["then 'Mondayx'"]),
        (
            "condition",
            "on t.a = u.a and t.b",
            ["on 1 = 1 and t.b", "on t.a = u.a and 1 = 1", "on t.a = u.a and not (t.b)"],
        ),
        (
            "condition",
            "where a = 1 or b = 2 group by c",
            ["where 1 = 0 or b = 2 group by c", "where a = 1 or 1 = 0 group by c"],
        ),
        (
            "branch",
            "case when a then b else c end",
            ["case when 1 = 0 then b else c end", "case when a then b else null end"],
        ),
        (
            "branch",
            "case a when 1 then b when 2 then c end",
            ["case a when null then b when 2 then c end", "case a when 1 then b when null then c end"],
        ),
        (
            "partition",
            "over (partition by a, b order by c)",
            ["over (partition by 1, b order by c)", "over (partition by a, 1 order by c)"],
        ),
        (
            "column",
            "select o.store_id, o.customer_id as who_id, o.price_cents from o",
            [
                "select o.customer_id as store_id, o.customer_id as who_id, o.price_cents from o",
                "select o.store_id, o.store_id as who_id, o.price_cents from o",
            ],
        ),
        ("flag", "select is_sold from t", ["select not is_sold as is_sold from t"]),
        ("flag", "case when is_sold then 1 end", ["case when not is_sold then 1 end"]),
    ],
)
def test_mutation_of_each_kind_changes_one_place(kind: str, sql: str, mutants: list[str]) -> None:
    assert sorted(changed(sql, kind)) == sorted(mutants)


def test_mutation_of_sql_handed_to_a_macro_changes_only_the_sql() -> None:
    sql = "select {{ cents('(price_cents - cost_cents)') }} as margin_usd, {{ ref('a - b') }}, {% if a < b %} 1"
    assert changed(sql, "arithmetic") == [sql.replace("price_cents - cost", "price_cents + cost")]
    assert changed(sql, "comparison") == []


def test_mutation_of_a_column_in_a_macro_takes_the_next_one_of_the_same_macro() -> None:
    sql = "select {{ usd('price_cents') }} as price_usd, {{ usd('cost_cents') }} as cost_usd from t"
    assert changed(sql, "column") == [
        sql.replace("'price_cents'", "'cost_cents'"),
        sql.replace("'cost_cents'", "'price_cents'"),
    ]


@pytest.mark.parametrize(
    "sql",
    ["-- a < 1 and b", "/* a < 1 */", "{# a < 1 and not b -#}", "{% if a < 1 and b %}", "{{ config(a='b = 1') }}"],
)
def test_mutation_of_comments_and_jinja_does_not_happen(sql: str) -> None:
    assert mutate_sql("models/m.sql", f"{sql}\n") == []


def test_mutants_of_a_file_are_all_different_and_differ_from_it() -> None:
    sql = "select a, 1 = 1 from t where a = 1 and b = 1"
    texts = [mutant.apply(sql) for mutant in mutate_sql("models/m.sql", sql)]
    assert len({*texts, sql}) == len(texts) + 1


def test_mutation_of_yaml_changes_conditions_and_vars_only() -> None:
    text = "columns:\n  - data_type: decimal(18,2)\n    config:\n      where: \"status <> 'a'\"\n"
    assert {mutant.apply(text) for mutant in mutate_yaml("models/_m.yml", text)} == {
        text.replace("<>", "="),
        text.replace("'a'", "'ax'"),
    }
    project = "vars:\n  # a share\n  max_ratio: 0.005\n  as_of: null\n\nmodels:\n  threads: 2\n"
    assert [mutant.apply(project) for mutant in mutate_yaml("dbt_project.yml", project)] == [
        project.replace("0.005", "0.01")
    ]


PROJECT_YML = "name: toy\nprofile: retail\nflags: {send_anonymous_usage_stats: false}\n"
MODEL = "select sale_id, price_cents - cost_cents as margin_cents from {{ ref('sales') }} where price_cents > 0\n"
TEST = "select * from {{ ref('margins') }} where sale_id = 'b' and margin_cents <> 6\n"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A project of one model, built in a worker's folder."""
    folder = tmp_path_factory.mktemp("toy")
    files = {
        "dbt_project.yml": PROJECT_YML,
        "seeds/sales.csv": "sale_id,price_cents,cost_cents\na,7,3\nb,9,3\n",
        "models/margins.sql": MODEL,
        "tests/assert_margin.sql": TEST,
    }
    for name, text in files.items():
        (folder / "toy" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "toy" / name).write_text(text)
    template = folder / "template"
    copy_project(folder / "toy", template / "project")
    (template / "states").mkdir()
    workshop = Workshop(template)
    assert workshop.invoke(["build"]).success
    shutil.move(workshop.warehouse, template / "states" / f"{BUILT}.duckdb")
    return Project(folder / "toy", template / "target" / "manifest.json"), template


def pick(project: Project, replacement: str, kind: str) -> Mutant:
    return next(mutant for mutant in project.list_mutants() if (mutant.replacement, mutant.kind) == (replacement, kind))


def test_toy_project_mutants_are_caught_by_its_test_or_survive(toy: tuple[Project, Path]) -> None:
    project, template = toy
    mutants = [pick(project, "+", "arithmetic"), pick(project, ">=", "comparison")]
    judged = judge_all(project, template, mutants, jobs=1)
    assert [verdict for _, verdict in judged] == [Verdict("caught", "assert_margin"), Verdict("survived")]
    assert (project.folder / "models/margins.sql").read_text() == MODEL

    said = describe(judged, project, [])
    assert "models/margins.sql:1 comparison" in said
    assert said.endswith("2 mutants: 1 caught, 1 survived, 0 reviewed, 0 equivalent, 0 invalid; 50.0 % caught")


def test_ratio_survivors_reviewed_count_unless_no_data_can_tell_them_apart(tmp_path: Path) -> None:
    (tmp_path / "m.sql").write_text("select 1 = 1 where a > 0")
    manifest = {"nodes": {}, "macros": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    project = Project(tmp_path, tmp_path / "manifest.json")
    mutants = mutate_sql("m.sql", project.text("m.sql"))[:2]
    judged = [(mutants[0], Verdict("caught", "t")), (mutants[1], Verdict("survived"))]
    after = mutants[1].describe(project.text("m.sql"))[1]
    assert caught_pct(judged, project, []) == 50
    assert caught_pct(judged, project, [Review("m.sql", after, "why", equivalent=False)]) == 50
    assert caught_pct(judged, project, [Review("m.sql", after, "why", equivalent=True)]) == 100
    assert caught_pct(judged, project, [Review("other.sql", "*", "why", equivalent=True)]) == 50


def test_invalid_mutants_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "m.sql").write_text("select a - b")
    project = Project(tmp_path, tmp_path / "manifest.json")
    mutant = mutate_sql("m.sql", project.text("m.sql"))[0]
    assert caught_pct([(mutant, Verdict("invalid"))], project, []) == 100
