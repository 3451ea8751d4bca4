# The service under Node: docker build -t faultline . && docker run -p 8787:8787 faultline
# To pin the base: --build-arg NODE_IMAGE=node:22-slim@sha256:…, the digest that `docker buildx imagetools inspect node:22-slim` prints.
ARG NODE_IMAGE=node:22-slim
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32

# src/ compiled to lib/, which Node runs without a compiler; and the page /lab with the forms of /docs.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY scripts scripts
COPY src src
RUN npm run build:lib
COPY examples examples
COPY kernels kernels
COPY models models
RUN npm run build:browser

FROM ${NODE_IMAGE}
# The Vulkan loader for WebGPU, and a library that NVIDIA's driver requires; docker run --gpus all mounts the driver itself.
RUN apt-get update && apt-get install --yes --no-install-recommends libvulkan1 libxext6 && rm -rf /var/lib/apt/lists/*
# Two arenas of glibc's allocator in place of eight per core: threads that come and go leave less behind.
ENV NODE_ENV=production NVIDIA_DRIVER_CAPABILITIES=graphics,utility MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/lib lib
COPY --from=build /app/dist/browser dist/browser
COPY package.json ./
COPY bin bin
COPY kernels kernels
COPY models models
RUN install --directory --owner=node --group=node /data/uploads /data/evaluations
USER node
EXPOSE 8787
# Health checks are answered while a network runs, as networks run in a thread of their own.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://localhost:8787/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Options after the image's name are added: docker run -v faultline:/data/uploads faultline --uploads /data/uploads
ENTRYPOINT ["node", "lib/serve/main.js", "--host", "0.0.0.0"]
