import Link from "next/link";
import { currentUser } from "@/lib/session";
import { Notes } from "./notes";

export default async function Home() {
  const user = await currentUser();
  if (!user) {
    return (
      <>
        <h1>Your notes</h1>
        <p>You are signed out.</p>
        <Link href="/login">Sign in</Link>
      </>
    );
  }
  return (
    <>
      <h1>Your notes</h1>
      <p>Signed in as {user.email}</p>
      <Notes />
    </>
  );
}
