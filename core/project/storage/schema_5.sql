-- Version 5: boxes that training and judging ignore, as Pascal VOC's "difficult".

ALTER TABLE boxes ADD COLUMN difficult INTEGER NOT NULL DEFAULT 0;
