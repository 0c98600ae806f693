import { cookies } from "next/headers";

export type User = { id: string; email: string };

/** The signed-in user, or null. Asks the auth service only when the visitor has a session cookie. */
export async function currentUser(): Promise<User | null> {
  const jar = await cookies();
  if (!jar.getAll().some(({ name }) => name.endsWith("better-auth.session_token"))) return null;
  const base = process.env.NEON_AUTH_BASE_URL;
  if (!base) throw new Error("NEON_AUTH_BASE_URL is not set");
  const response = await fetch(`${base}/get-session`, {
    headers: { cookie: jar.toString() },
    cache: "no-store",
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`the auth service answered HTTP ${response.status}`);
  const answer = (await response.json()) as { user: User } | null;
  return answer?.user ?? null;
}
