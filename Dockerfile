# Two stages: wheels are installed where there is a compiler, what runs is copied without it.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /app/venv
COPY requirements.lock ./
RUN /app/venv/bin/pip install --no-cache-dir --disable-pip-version-check --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY abis abis
COPY hedger hedger
COPY streams streams
COPY devnet devnet
RUN /app/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin hedger
COPY --from=build /app/venv /app/venv
ENV PATH=/app/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001
EXPOSE 8080
ENTRYPOINT ["hedger"]
CMD ["run"]
