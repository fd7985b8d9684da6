"""How the use of a supply in a store is forecast and bounded: plain functions of arrays, which demand_forecasts calls.

Enters: units by series and day. Leaves: what was forecast at each of the past weeks, what became of it, and how far
the next forecast may be off. A package beside the model, for dbt copies a model's text elsewhere before it runs it;
`dbt/plugins` is on Python's path wherever dbt runs (docs/adr/0020). docs/adr/0021 has the reasons of the methods.
"""
