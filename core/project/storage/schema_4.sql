-- Version 4: images above 8 bits are read through the window of their camera, chosen once for each.

-- What the files of images are, by their content: read when they are added, true whatever becomes of them.
CREATE TABLE depths (
    content_hash TEXT PRIMARY KEY,
    width INTEGER NOT NULL,       -- of the upright image
    height INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    bits INTEGER NOT NULL,        -- of a sample in the file
    top INTEGER NOT NULL          -- highest value that two neighbouring pixels reach; 0 of 8 bits
) WITHOUT ROWID;

-- A window held for all images above 8 bits: it is now that of the only camera.
INSERT INTO settings
SELECT 'cameras', '[{"window": ' || value || '}]' FROM settings WHERE key = 'depth_window' AND value <> 'null';
DELETE FROM settings WHERE key = 'depth_window';
