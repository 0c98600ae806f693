import * as Sentry from "@sentry/nextjs";
import { pool } from "@/lib/pool.mjs";
import { currentUser } from "@/lib/session";

const signedOut = () => Response.json({ error: "not signed in" }, { status: 401 });

function failed(error: unknown) {
  Sentry.captureException(error);
  console.error("the notes API failed:", error instanceof Error ? error.message : error);
  return Response.json({ error: "internal error" }, { status: 500 });
}

export async function GET() {
  try {
    const user = await currentUser();
    if (!user) return signedOut();
    const { rows } = await pool().query(
      "SELECT id, body, created_at FROM notes WHERE owner = $1 ORDER BY created_at DESC, id DESC LIMIT 100",
      [user.id],
    );
    return Response.json({ notes: rows });
  } catch (error) {
    return failed(error);
  }
}

export async function POST(request: Request) {
  try {
    const user = await currentUser();
    if (!user) return signedOut();
    const body = (await request.json().catch(() => null))?.body;
    if (typeof body !== "string" || body.length < 1 || body.length > 10000) {
      return Response.json({ error: "body must be a text of 1 to 10000 characters" }, { status: 400 });
    }
    const { rows } = await pool().query(
      "INSERT INTO notes (owner, body) VALUES ($1, $2) RETURNING id, body, created_at",
      [user.id, body],
    );
    return Response.json({ note: rows[0] }, { status: 201 });
  } catch (error) {
    return failed(error);
  }
}
