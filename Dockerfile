# One container, one process. External servers by NIGHTDESK_DATABASE_URL and NIGHTDESK_REDIS_URL, or embedded ones
# in the volume /data.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements-uv.lock requirements.lock ./
RUN python -m venv /opt/nightdesk \
    && /opt/nightdesk/bin/pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && /opt/nightdesk/bin/uv pip install --no-cache --python /opt/nightdesk/bin/python --require-hashes -r requirements.lock
COPY pyproject.toml README.md schema.sql config.toml ./
COPY app ./app
RUN /opt/nightdesk/bin/uv pip install --no-cache --python /opt/nightdesk/bin/python --no-deps --no-build-isolation -e .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 nightdesk && mkdir /data && chown nightdesk /data
COPY --from=build /opt/nightdesk /opt/nightdesk
COPY --from=build /src /src
WORKDIR /src
USER nightdesk
ENV PATH=/opt/nightdesk/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NIGHTDESK_DATA__DIR=/data \
    NIGHTDESK_SERVER__PUBLIC_HOST=0.0.0.0 \
    NIGHTDESK_SERVER__DESK_HOST=0.0.0.0
VOLUME /data
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=3)"]
CMD ["python", "-m", "app.main"]
