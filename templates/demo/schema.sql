-- The tables of the notes app. Applying this file again changes nothing.

create table if not exists users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique,
    created_at timestamptz not null default now()
);

create table if not exists notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references users (id) on delete cascade,
    body text not null,
    created_at timestamptz not null default now()
);

create index if not exists notes_by_user on notes (user_id, created_at desc);

create table if not exists tags (
    note_id uuid not null references notes (id) on delete cascade,
    name text not null check (name <> ''),
    primary key (note_id, name)
);

-- New in this plan: a note can remind its author.
create table if not exists reminders (
    id uuid primary key default gen_random_uuid(),
    note_id uuid not null references notes (id) on delete cascade,
    due_at timestamptz not null,
    sent_at timestamptz
);
