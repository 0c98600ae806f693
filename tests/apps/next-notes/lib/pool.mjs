import pg from "pg";

/**
 * One pool a process: `next dev` loads this module again at every reload, so it is kept on globalThis.
 * @returns {import("pg").Pool}
 */
export function pool() {
  globalThis.notesPool ??= open();
  return globalThis.notesPool;
}

function open() {
  const connectionString = process.env.DATABASE_URL;
  // Without it pg would silently try localhost.
  if (!connectionString) throw new Error("DATABASE_URL is not set");
  const made = new pg.Pool({ connectionString, max: 5, connectionTimeoutMillis: 10_000 });
  // A database restart ends idle connections; unheard, that "error" event would end the process.
  made.on("error", (error) => console.error("lost an idle database connection:", error.message));
  return made;
}
