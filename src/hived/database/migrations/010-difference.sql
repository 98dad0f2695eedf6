-- Why the version that `main` wants of an agent is not the one that runs; null while they agree, or it is on its way.
ALTER TABLE agents ADD COLUMN difference TEXT;
UPDATE agents SET difference = problem, problem = NULL WHERE problem LIKE 'The version that main wants (%';
