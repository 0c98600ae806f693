// Sign-in as a service of its own, as Neon Auth is in production: http://localhost:PORT/neondb/auth
// Reads PORT (3100; 0 takes a free one), DATABASE_URL, BETTER_AUTH_SECRET and BETTER_AUTH_URL, the app's origin.
// The first argument chooses other ways to set it up, as JSON: see createAuth.
import { createServer } from "node:http";
import { toNodeHandler } from "better-auth/node";
import { createAuth } from "./lib/auth.mjs";

const basePath = "/neondb/auth";
const choice = JSON.parse(process.argv[2] ?? "{}");

for (const name of ["DATABASE_URL", "BETTER_AUTH_SECRET", "BETTER_AUTH_URL"]) {
  if (!process.env[name]) {
    console.error(`auth server: ${name} is not set`);
    process.exit(1);
  }
}

const server = createServer();
server.on("error", (error) => {
  console.error(`auth server: ${error.message}`);
  process.exit(1);
});
server.listen(Number(process.env.PORT || 3100), "127.0.0.1", () => {
  const origin = `http://localhost:${server.address().port}`;
  const auth = createAuth({ origin, basePath, trustedOrigins: [process.env.BETTER_AUTH_URL] }, choice);
  const handle = toNodeHandler(auth);
  server.on("request", (request, response) => {
    // With the database down the handler rejects; unheard, that would end the process.
    handle(request, response).catch((error) => {
      console.error(`auth server: ${request.method} failed: ${error.message}`);
      if (!response.headersSent) response.statusCode = 500;
      response.end();
    });
  });
  console.log(`auth server: ready at ${origin}${basePath}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => process.exit(0));
}
