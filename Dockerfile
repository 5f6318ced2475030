# syntax=docker/dockerfile:1
# One image for all nodes and every management command; compose.yaml puts PostgreSQL, Redis and nginx beside them.
ARG PYTHON=python:3.13.11-slim-bookworm
ARG NODE=node:24.11.1-bookworm-slim

# esbuild, by the version and the hash in the lock file. It is one program that needs nothing of this image.
FROM ${NODE} AS esbuild
WORKDIR /esbuild
COPY .ci/esbuild/package.json .ci/esbuild/package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.txt /tmp/
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --require-hashes --requirement /tmp/requirements.txt
WORKDIR /srv/holdfast
COPY manage.py ./
COPY holdfast ./holdfast
COPY realtime ./realtime
COPY notifications ./notifications
COPY chat ./chat
COPY templates ./templates
COPY nginx/probe ./nginx/probe
COPY --from=esbuild /esbuild/node_modules/esbuild/bin/esbuild /usr/local/bin/
# The files of this release, with the list by which its pages name them; nginx has a directory of its own that keeps those of former releases.
RUN export SECRET_KEY=only-for-this-command \
    && /opt/venv/bin/python manage.py bundle --verbosity 0 \
    && /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /opt/venv/bin/python -m compileall -q /opt/venv .

FROM ${PYTHON}
# A number and not a name, so that an orchestrator can see that it is not root. nginx's container is in the group: it opens the sockets.
RUN groupadd --gid 10001 holdfast \
    && useradd --uid 10001 --gid holdfast --no-create-home --shell /usr/sbin/nologin holdfast \
    && install -d -o holdfast -g holdfast -m 0750 /run/holdfast \
    && install -d -o holdfast -g holdfast -m 0755 /srv/static
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/holdfast /srv/holdfast
WORKDIR /srv/holdfast
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# For the health check below: in a container, only its own processes have these addresses.
ENV METRICS_NETWORKS=127.0.0.0/8
USER 10001:10001
STOPSIGNAL SIGTERM
EXPOSE 8000
# For a node on a port; compose.yaml asks nodes on Unix sockets, and Kubernetes has probes of its own.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["python", "nginx/probe", "8000"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve", "--host", "0.0.0.0"]
