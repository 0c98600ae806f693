import type { NextConfig } from "next";

const nextConfig: NextConfig = {
  // Named outright: Next.js would otherwise guess the root from any lock file in a folder above.
  turbopack: { root: import.meta.dirname },
};

export default nextConfig;
