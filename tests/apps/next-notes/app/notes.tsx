"use client";

import { type FormEvent, useEffect, useState } from "react";

type Note = { id: string; body: string; created_at: string };

export function Notes() {
  const [notes, setNotes] = useState<Note[]>([]);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    fetch("/api/notes", { credentials: "same-origin" })
      .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`HTTP ${response.status}`))))
      .then((answer: { notes: Note[] }) => setNotes(answer.notes))
      .catch((error: Error) => setProblem(`The notes could not be read (${error.message}).`));
  }, []);

  async function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const response = await fetch("/api/notes", {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ body: new FormData(form).get("body") }),
    });
    if (!response.ok) {
      setProblem(`The note was not saved (HTTP ${response.status}).`);
      return;
    }
    const { note } = (await response.json()) as { note: Note };
    setNotes((others) => [note, ...others]);
    setProblem("");
    form.reset();
  }

  return (
    <>
      <form onSubmit={add}>
        <label>
          New note <input name="body" required maxLength={10000} />
        </label>
        <button type="submit">Save</button>
      </form>
      {problem && <p role="alert">{problem}</p>}
      <ul aria-label="Notes">
        {notes.map((note) => (
          <li key={note.id}>{note.body}</li>
        ))}
      </ul>
    </>
  );
}
