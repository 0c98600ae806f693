import type { NextConfig } from "next";
import { withSentryConfig } from "@sentry/nextjs/config";

const nextConfig: NextConfig = {
  // Named outright: Next.js would otherwise guess the root from any lock file in a folder above.
  turbopack: { root: import.meta.dirname },
  // Node loads these two as they are: left to Turbopack, they add half again to the CPU time of a start of `next dev`.
  serverExternalPackages: ["@sentry/node", "@sentry/core"],
};

export default withSentryConfig(nextConfig, {
  org: process.env.SENTRY_ORG,
  project: process.env.SENTRY_PROJECT,
  authToken: process.env.SENTRY_AUTH_TOKEN,
  silent: !process.env.CI,
  telemetry: false,
});
