-- Version 3: which edits are undone and redone only by name. Of older ones the name tells.

ALTER TABLE history ADD COLUMN by_name INTEGER NOT NULL DEFAULT 0;

UPDATE history SET by_name = 1
WHERE name GLOB 'Import [0-9]* box*'
    OR name IN ('Add image', 'Remove image', 'Relocate image', 'Assign splits', 'Label the sample')
    OR name GLOB 'Add [0-9]* images'
    OR name GLOB 'Remove [0-9]* images'
    OR name GLOB 'Relocate [0-9]* images'
    OR name GLOB 'Merge * into *'
    OR name GLOB 'Delete label*'
    OR name GLOB 'Delete [0-9]* labels'
    OR name GLOB 'Group [0-9]* image*'
    OR (images <> 1 AND (name GLOB 'Set [0-9]* images to *' OR name GLOB 'Move to *' OR name GLOB 'Put [0-9]* images into *'
        OR name GLOB 'Take * out of *' OR name = 'Set group'));
