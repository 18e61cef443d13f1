# syntax=docker/dockerfile:1

# What `sluice inject` puts into pods:
#   docker build --target proxy -t sluice-proxy:0.1.0 .
#   docker build --target init -t sluice-init:0.1.0 .

# The full image, since it has the compiler for the addon.
FROM node:24-bookworm AS build
WORKDIR /src
COPY . .
RUN npm ci
RUN sh deploy/image/assemble.sh /image

# The proxy: Node, the package, and the libraries of both. No shell, no package manager, nothing to write to.
FROM scratch AS proxy
COPY --from=build /image/ /
ENV PATH=/usr/local/bin NODE_ENV=production
WORKDIR /app
USER 2102:2102
# Inbound, outbound and admin, of config/sidecar.yaml.
EXPOSE 4143 4140 4191
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["run", "-c", "/etc/sluice/sluice.yaml"]

# The init container: the same package, with iptables of both kinds for `sluice intercept`, which needs root and NET_ADMIN.
FROM node:24-bookworm-slim AS init
RUN apt-get update \
  && apt-get install -y --no-install-recommends iptables \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /image/app/ /app/
ENV NODE_ENV=production
WORKDIR /app
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["intercept"]
