import { betterAuth } from "better-auth";
import { emailOTP, jwt } from "better-auth/plugins";
import { pool } from "./pool.mjs";

/**
 * The one auth configuration, for the app (app/api/auth) and for the stand-alone server (auth-server.mjs):
 * same database, same secret, same cookie, so a session made by either holds for both.
 * @param {{ origin: string | undefined, basePath: string, trustedOrigins?: string[] }} place
 */
export function createAuth({ origin, basePath, trustedOrigins = [] }) {
  return betterAuth({
    baseURL: origin,
    basePath,
    secret: process.env.BETTER_AUTH_SECRET,
    database: pool(),
    trustedOrigins,
    plugins: [
      emailOTP({
        // Mail is sent by a worker that reads the verification table; a code must never reach a log.
        async sendVerificationOTP() {},
      }),
      jwt(),
    ],
  });
}
