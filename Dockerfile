# One image for dashboard, worker and migration. For a GPU, build with
#   --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128
FROM python:3.11-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 \
    GRICE_HOME=/var/lib/grice HF_HOME=/var/lib/grice/huggingface \
    HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_IMPLICIT_TOKEN=1

WORKDIR /srv/grice

# What changes rarely comes first, so that a change of our own code is built in seconds.
COPY constraints.txt .
RUN pip install torch -c constraints.txt --index-url "$TORCH_INDEX"

COPY pyproject.toml README.md LICENSE NOTICE alembic.ini ./
COPY .streamlit .streamlit
COPY grice_core grice_core
COPY worker worker
COPY app app
COPY migrations migrations
RUN pip install -c constraints.txt -e '.[s3,notify]'

RUN useradd --system --uid 10001 --create-home grice \
    && install --directory --owner=grice --group=grice /var/lib/grice
USER grice
VOLUME /var/lib/grice

CMD ["python", "-m", "app.serve"]
