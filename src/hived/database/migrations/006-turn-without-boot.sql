-- Nobody has ever read it: what a turn belongs to is its launch.
ALTER TABLE turns DROP COLUMN boot;
