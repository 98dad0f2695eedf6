-- The scheduler asks for each kind's due rows by themselves: a long queue of one kind holds no other up.
CREATE INDEX work_due_of_kind ON work (kind, due_at, id) WHERE state = 'pending';
