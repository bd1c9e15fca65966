FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY planit_mailer planit_mailer
COPY migrations migrations
COPY templates templates
RUN python -m venv /opt/planit && /opt/planit/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.11-slim
RUN useradd --system --uid 1000 --create-home --home-dir /var/lib/planit planit
COPY --from=build /opt/planit /opt/planit
ENV PATH=/opt/planit/bin:$PATH PYTHONUNBUFFERED=1
USER planit
# The configuration, its secrets and, with SQLite, the database live here.
WORKDIR /var/lib/planit
VOLUME /var/lib/planit
# Healthy as long as the mailbox has been read without failure in the last 15 minutes.
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s \
  CMD planit-mailer status --within 15m || exit 1
ENTRYPOINT ["planit-mailer"]
CMD ["run"]
