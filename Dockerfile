# One image for every process; compose.yaml says which. Debian slim: the CEL library has no musl wheel.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv /opt/headrace && /opt/headrace/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY engine engine
COPY webhooks webhooks
COPY schemas schemas
RUN pip wheel --no-deps --wheel-dir /dist . && /opt/headrace/bin/pip install --no-deps --no-index /dist/*.whl

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 headrace && mkdir -p /var/lib/headrace/artifacts \
    && chown headrace /var/lib/headrace /var/lib/headrace/artifacts
COPY --from=build /opt/headrace /opt/headrace
ENV PATH=/opt/headrace/bin:$PATH HEADRACE_STATE_DIR=/var/lib/headrace HEADRACE_LOG_FORMAT=json
USER headrace
WORKDIR /var/lib/headrace
ENTRYPOINT ["headrace"]
