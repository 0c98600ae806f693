import { betterAuth } from "better-auth";
import { emailOTP, jwt } from "better-auth/plugins";
import { pool } from "./pool.mjs";

/**
 * The one auth configuration, for the app (app/api/auth) and for the stand-alone server (auth-server.mjs):
 * same database, same secret, same cookie, so a session made by either holds for both.
 * @param {{ origin: string | undefined, basePath: string, trustedOrigins?: string[] }} place
 * @param {{ storeOTP?: "plain" | "hashed" | "encrypted", rateLimit?: boolean, emailOTP?: boolean, signUp?: boolean,
 *   jwt?: boolean, mailpit?: string, neonCookies?: boolean }} choice other ways to set it up
 */
export function createAuth({ origin, basePath, trustedOrigins = [] }, choice = {}) {
  return betterAuth({
    baseURL: origin,
    basePath,
    secret: process.env.BETTER_AUTH_SECRET,
    database: pool(),
    trustedOrigins,
    // The names under which Neon's own SDK looks for cookies; it drops all others.
    ...(choice.neonCookies ? { advanced: { cookiePrefix: "neon-auth", useSecureCookies: true } } : {}),
    ...(choice.rateLimit === undefined ? {} : { rateLimit: { enabled: choice.rateLimit } }),
    plugins: [
      emailOTP({
        storeOTP: choice.storeOTP ?? "plain",
        disableSignUp: choice.signUp === false,
        // Mail is sent by a worker that reads the verification table; a code must never reach a log.
        async sendVerificationOTP({ email, otp }) {
          if (choice.mailpit) await sendThrough(choice.mailpit, email, otp);
        },
      }),
      jwt(),
    ].filter(({ id }) => !(id === "email-otp" && choice.emailOTP === false) && !(id === "jwt" && choice.jwt === false)),
  });
}

/** Send a code by Mailpit's own API, as a mail server would have delivered it. */
async function sendThrough(mailpit, email, otp) {
  const mail = {
    From: { Email: "notes@example.com" },
    To: [{ Email: email }],
    Subject: "Your code",
    Text: `Sign in to next-notes\n\nYour code is ${otp}. It is good for 5 minutes.`,
  };
  await fetch(`${mailpit}/api/v1/send`, { method: "POST", body: JSON.stringify(mail) });
}
