# The service, without a compiler and without root. pip, not uv: the CPU build of torch comes from PyTorch's own index.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/handrail
ENV PATH=/opt/handrail/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN pip install torch==2.13.0 --extra-index-url https://download.pytorch.org/whl/cpu
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY retrieval retrieval
COPY corpus corpus
COPY web web
RUN pip install .

FROM python:3.11-slim-bookworm
COPY --from=build /opt/handrail /opt/handrail
RUN useradd --system --uid 10001 --home-dir /data handrail && mkdir /data && chown handrail /data
ENV PATH=/opt/handrail/bin:$PATH PYTHONUNBUFFERED=1 HANDRAIL_DATA=/data HANDRAIL_LOG_JSON=true
USER handrail
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["handrail", "serve", "--host", "0.0.0.0", "--port", "8000"]
