import type { Metadata } from "next";
import Link from "next/link";
import type { ReactNode } from "react";

const name = process.env.NEXT_PUBLIC_APP_NAME || "next-notes";

export const metadata: Metadata = { title: name, description: "Notes that only you can read" };

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <header>
          <Link href="/">{name}</Link>
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}
