# One image for api, worker, scheduler and migrate; compose.yaml has the commands. Debian, because wheels need glibc.
FROM python:3.13-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app
WORKDIR /app

# Runtime packages only: no embedded servers, no development tools.
COPY requirements.runtime.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
        --require-hashes -r requirements.runtime.lock \
    && printf '#!/bin/sh\nexec python -m ops.cli "$@"\n' > /usr/local/bin/onsale \
    && chmod 755 /usr/local/bin/onsale \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin onsale

COPY schema.sql ./
COPY core core
COPY db db
COPY workers workers
COPY api api
COPY ops ops
RUN python -m compileall -q .

USER onsale
CMD ["onsale", "--help"]
