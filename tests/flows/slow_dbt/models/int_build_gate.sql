{{ config(materialized='table', schema='intermediate') }}
-- depends_on: {{ ref('steady') }}
select '{{ invocation_id }}' as build_id, sha256('') as ledger_sha256, cast(null as date) as as_of_date
