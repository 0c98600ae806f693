"use client";

import { type FormEvent, useState } from "react";

async function post(path: string, body: object): Promise<string> {
  const response = await fetch(`/api/auth${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) return "";
  const answer = (await response.json().catch(() => null)) as { message?: string } | null;
  return answer?.message ?? `The sign-in service answered HTTP ${response.status}.`;
}

export function LoginForm() {
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const [problem, setProblem] = useState("");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const otp = String(new FormData(event.currentTarget).get("otp") ?? "");
    const failure = sent
      ? await post("/sign-in/email-otp", { email, otp })
      : await post("/email-otp/send-verification-otp", { email, type: "sign-in" });
    setProblem(failure);
    if (failure) return;
    if (sent) window.location.assign("/");
    setSent(true);
  }

  return (
    <form onSubmit={submit}>
      <label>
        E-mail{" "}
        <input
          type="email"
          name="email"
          required
          readOnly={sent}
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
      </label>
      {sent && (
        <label>
          Code <input name="otp" inputMode="numeric" autoComplete="one-time-code" required />
        </label>
      )}
      <button type="submit">{sent ? "Sign in" : "Send me a code"}</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
