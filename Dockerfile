# One image for a worker and for single runs: `docker run … worker retail-prod`, `docker run … pipeline --help`.
# Everything that a run writes goes to /state; nothing in here is secret, and settings come from the environment alone.
ARG PYTHON=3.11.13-slim-bookworm

FROM python:${PYTHON} AS build
COPY requirements.runtime.lock /tmp/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
       --only-binary :all: --require-hashes -r /tmp/requirements.runtime.lock

FROM python:${PYTHON}
RUN useradd --uid 10001 --home-dir /state --create-home --shell /usr/sbin/nologin retail
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY prefect.yaml ./
COPY infra/entry infra/dbt_plugins.py infra/
COPY dbt dbt
COPY reports reports
COPY flows flows
# The user may not write what Python compiles, and each run would compile it anew, seconds long; pip has done so for the packages
RUN /opt/venv/bin/python infra/dbt_plugins.py \
    && /opt/venv/bin/python -m compileall -q dbt/plugins flows reports
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp \
    PREFECT_HOME=/state/prefect \
    RETAIL_SOURCE=/source \
    RETAIL_WORK_DIR=/state/work
VOLUME /state
USER 10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["infra/entry", "health"]
ENTRYPOINT ["infra/entry"]
CMD ["worker"]
