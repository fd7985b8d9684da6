"""dbt Python models on Amazon Redshift: dbt imports this package by its name and asks it to begin at each command.

Enters: the adapter class of dbt-redshift, if this command of dbt has loaded it. Leaves: the same class, which can run a
Python model in dbt's own process (see `adapter`). Nothing is changed, nor is dbt-redshift imported, where the target is
another warehouse. `REDSHIFT_PYTHON_OFF=1` switches it off.
"""

from __future__ import annotations

import sys

from dbt.plugins.manager import dbtPlugin


class RedshiftPythonModels(dbtPlugin):
    """What dbt makes anew at the beginning of each command, in whatever process it runs."""

    def initialize(self) -> None:
        """Let the Redshift adapter run Python models, if it is the adapter of this command."""
        if "dbt.adapters.redshift.impl" in sys.modules:
            from dbt_redshift_python.adapter import enable

            enable()


plugins = [RedshiftPythonModels]
