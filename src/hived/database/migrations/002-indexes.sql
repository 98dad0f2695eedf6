-- The scheduler asks for each kind's due rows by themselves: a long queue of one kind holds no other up.
CREATE INDEX work_due_of_kind ON work (kind, due_at, id) WHERE state = 'pending';

-- How an agent's newest launches ended says whether to wait before the next one.
CREATE INDEX launches_ended ON launches (agent, ended_at) WHERE ended_at IS NOT NULL;
