// Reads a session as a page on a server does. Takes {url, cookie} as JSON on standard input; prints the session and
// the user's address, or nulls. No request leaves: a session that would have to be renewed first is none.
import { readFileSync } from "node:fs";
import { createServerClient, parseCookieHeader } from "@supabase/ssr";

const { url, cookie } = JSON.parse(readFileSync(0, "utf8"));
const written = [];
const supabase = createServerClient(url, "sb_publishable_key", {
  cookies: { getAll: () => parseCookieHeader(cookie), setAll: (cookies) => void written.push(...cookies) },
  global: { fetch: () => Promise.reject(new Error("a request was about to leave")) },
  realtime: { transport: class {} }, // Node.js 20 has no WebSocket of its own, and none is needed
});
const { data, error } = await supabase.auth.getSession();
const session = data.session;
const bare = session && {
  access_token: session.access_token,
  refresh_token: session.refresh_token,
  expires_at: session.expires_at,
};
console.log(JSON.stringify({ session: bare, error: error?.message ?? null, written: written.map(({ name }) => name) }));
process.exit(0);
