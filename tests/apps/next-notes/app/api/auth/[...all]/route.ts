import { toNextJsHandler } from "better-auth/next-js";
import { createAuth } from "@/lib/auth.mjs";

const auth = createAuth({ origin: process.env.BETTER_AUTH_URL, basePath: "/api/auth" });

export const { GET, POST } = toNextJsHandler(auth);
