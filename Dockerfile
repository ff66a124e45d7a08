# One image for every process: the API by default, the dispatcher and the migrations by command.
#   docker run … trae-webhooks                                 the API
#   docker run … trae-webhooks node dist/apps/dispatcher/main.js
#   docker run … trae-webhooks node dist/apps/cli/main.js migrate

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && rm -rf dist/apps/local

FROM node:24-bookworm-slim AS production-dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production-dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
USER node
# 3000: the API. 3001: metrics and health of the dispatcher.
EXPOSE 3000 3001
# Of the API; docker-compose.yml tells the dispatcher's. Node is asked, since the image has no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and gets SIGTERM itself, so that it can finish what is in flight.
CMD ["node", "dist/apps/api/main.js"]
