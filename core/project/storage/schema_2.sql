-- Version 2: what opening a project needs about boxes is kept beside their images; edits have times.

ALTER TABLE images ADD COLUMN box_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN smallest REAL NOT NULL DEFAULT 0;    -- shortest side of any box, pixels
ALTER TABLE images ADD COLUMN label_sets TEXT NOT NULL DEFAULT ''; -- its different label sets: "|1|2,5" holds the empty one, too
ALTER TABLE images ADD COLUMN set_counts TEXT NOT NULL DEFAULT ''; -- boxes of each of them: "1|4|2"

ALTER TABLE images ADD COLUMN modified_ns INTEGER NOT NULL DEFAULT 0; -- of the file; 0: not noted

UPDATE images
SET box_count = found.boxes, smallest = found.smallest, label_sets = found.sets, set_counts = found.counts
FROM (
    SELECT image, sum(boxes) AS boxes, min(smallest) AS smallest,
           group_concat(labels, '|') AS sets, group_concat(boxes, '|') AS counts
    FROM (
        SELECT image, labels, count(*) AS boxes, min(min(x2 - x1, y2 - y1)) AS smallest
        FROM boxes GROUP BY image, labels
    )
    GROUP BY image
) AS found
WHERE images.id = found.image;

CREATE TABLE label_sets (         -- boxes that carry each label set, over the whole project
    labels TEXT PRIMARY KEY,
    boxes INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO label_sets SELECT labels, count(*) FROM boxes GROUP BY labels;

ALTER TABLE history ADD COLUMN time TEXT NOT NULL DEFAULT '';      -- ISO 8601 in UTC; empty: before version 2
ALTER TABLE history ADD COLUMN images INTEGER NOT NULL DEFAULT 0;  -- how many it touches

CREATE TABLE events (             -- each time an edit was done, undone or redone; never deleted
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,           -- ISO 8601 in UTC
    name TEXT NOT NULL,
    kind TEXT NOT NULL
);

CREATE TABLE image_events (       -- the images of an event, where they are few
    image INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (image, event)
) WITHOUT ROWID;

-- The images of an event that touches many: a bitmap for each 4096 ids. An edit of 100,000 images takes 25 rows,
-- and the history of one image is found by its own chunk alone.
CREATE TABLE bulk_events (
    chunk INTEGER NOT NULL,
    event INTEGER NOT NULL,
    members BLOB NOT NULL,
    PRIMARY KEY (chunk, event)
) WITHOUT ROWID;

CREATE TABLE derived (            -- what can be computed anew, but not quickly
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
