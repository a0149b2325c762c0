-- Version 6: how many boxes of an image are difficult is kept beside it, so that a filter reads no box.

ALTER TABLE images ADD COLUMN difficult_count INTEGER NOT NULL DEFAULT 0;

UPDATE images SET difficult_count = found.boxes
FROM (SELECT image, count(*) AS boxes FROM boxes WHERE difficult GROUP BY image) AS found
WHERE images.id = found.image;
