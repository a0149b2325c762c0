-- Version 1 of the project database. Later versions are added by numbered migrations, never by edits here.

CREATE TABLE counters (           -- the next free id of each kind; ids are never used twice
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE settings (           -- JSON by key
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE labels (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,    -- display order
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    shortcut TEXT NOT NULL
);

CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,    -- relative to the project folder where possible, "/" between the parts
    width INTEGER NOT NULL,       -- of the upright image
    height INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    split TEXT NOT NULL,
    grp TEXT NOT NULL,
    note TEXT NOT NULL
);

-- Clustered by image, so the boxes of an image lie on one page. The label set is packed ("2,5", ascending):
-- a million boxes need no second table, and GROUP BY labels counts label sets in one pass.
CREATE TABLE boxes (
    image INTEGER NOT NULL,
    id INTEGER NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (image, id)
) WITHOUT ROWID;

CREATE TABLE history (            -- edits below counter "history" are done, the others can be redone
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    edit BLOB NOT NULL
);

CREATE TABLE runs (               -- what the run folders say, for fast listing
    id TEXT PRIMARY KEY,
    signature TEXT NOT NULL,      -- changes when a file of the run does
    record TEXT NOT NULL          -- JSON
) WITHOUT ROWID;

CREATE TABLE checkpoints (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    signature TEXT NOT NULL,
    record TEXT NOT NULL          -- JSON
) WITHOUT ROWID;

CREATE TABLE checkpoint_notes (   -- what the user says; outlives a re-scan
    id TEXT PRIMARY KEY,
    star INTEGER NOT NULL,
    note TEXT NOT NULL
) WITHOUT ROWID;
