import { auth } from "@/lib/auth";

export const dynamic = "force-dynamic";

export default async function Home() {
  const { data: session } = await auth.getSession();
  return <p>{session?.user ? `Signed in as ${session.user.email}` : "You are signed out."}</p>;
}
