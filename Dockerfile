FROM node:24-bookworm-slim AS build
# Compiles the Starlark interpreter.
COPY --from=golang:1.26-bookworm /usr/local/go /usr/local/go
ENV PATH=$PATH:/usr/local/go/bin
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=error --ignore-scripts=false
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git openssh-client tini \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/veranda
COPY --from=build /src/package.json /src/LICENSE ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/bin bin
COPY --from=build /src/crds crds
COPY --from=build /src/dist dist
ENV NODE_ENV=production
# By number, so that a cluster can check that it is not root.
USER 65532:65532
# Reaps what a git that was ended at its deadline leaves behind, and passes signals on.
ENTRYPOINT ["/usr/bin/tini", "--", "/opt/veranda/bin/veranda"]
CMD ["--help"]
