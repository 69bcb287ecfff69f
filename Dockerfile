# The image of the job that migrates and opens the first account (docs/operations/deploy.md). Functions are built from
# their bundles, not from this.
FROM python:3.11-slim-bookworm
WORKDIR /imangor
COPY requirements.txt .
RUN pip install --no-cache-dir --root-user-action=ignore -r requirements.txt
COPY shared shared
COPY functions functions
COPY tools tools
USER nobody
ENTRYPOINT ["python"]
CMD ["-m", "tools.migrate"]
