// Liveness only: whether the database or the auth service answers is not this route's question.
export function GET() {
  return Response.json({ ok: true });
}
