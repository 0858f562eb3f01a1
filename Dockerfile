# Loss Explorer as an unprivileged user. The README's section "In a container" says how to start it.
FROM python:3.12-slim

# Another index for pip, for example one whose torch is for processors alone, which is much smaller
ARG PIP_EXTRA_INDEX_URL

# The store is a volume. All else that is written at run time goes to /tmp: the root may be read-only
ENV EXPLORER_STORE=/store \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# What rasterio's wheel takes from the system
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin explorer \
    && mkdir --mode=0700 /store \
    && chown explorer:explorer /store

WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --compile -r requirements.txt
COPY LICENSE app.py ./
COPY .streamlit .streamlit
COPY assets assets
COPY explorer explorer
COPY pages pages
RUN python -m compileall -q app.py explorer pages

USER explorer
VOLUME /store
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.address", "0.0.0.0", "--server.port", "8501", "--server.headless", "true"]
