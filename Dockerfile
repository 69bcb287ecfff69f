# The image of the jobs that migrate, open the first account and move traffic (terraform/operate). Functions are built
# from their bundles, not from this.
FROM python:3.11-slim-bookworm
WORKDIR /imangor
COPY requirements.txt .
RUN pip install --no-cache-dir --root-user-action=ignore -r requirements.txt
COPY shared shared
COPY functions functions
COPY tools tools
COPY openapi.json .
USER nobody
ENTRYPOINT ["python"]
CMD ["-m", "tools.migrate"]
