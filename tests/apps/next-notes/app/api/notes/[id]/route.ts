import * as Sentry from "@sentry/nextjs";
import { pool } from "@/lib/pool.mjs";
import { currentUser } from "@/lib/session";

type Context = { params: Promise<{ id: string }> };

const answer = (error: string, status: number) => Response.json({ error }, { status });

/** A note of somebody else is answered like one that does not exist: whoever asks learns nothing. */
async function own(context: Context, sql: string) {
  try {
    const user = await currentUser();
    if (!user) return answer("not signed in", 401);
    const { id } = await context.params;
    if (!/^\d{1,18}$/.test(id)) return answer("there is no such note", 404);
    const { rows } = await pool().query(sql, [id, user.id]);
    return rows.length ? Response.json({ note: rows[0] }) : answer("there is no such note", 404);
  } catch (error) {
    Sentry.captureException(error);
    console.error("the note API failed:", error instanceof Error ? error.message : error);
    return answer("internal error", 500);
  }
}

export async function GET(_request: Request, context: Context) {
  return own(context, "SELECT id, body, created_at FROM notes WHERE id = $1 AND owner = $2");
}

export async function DELETE(_request: Request, context: Context) {
  return own(context, "DELETE FROM notes WHERE id = $1 AND owner = $2 RETURNING id");
}
