BEGIN TRANSACTION;
CREATE TABLE edges (
    kind   TEXT NOT NULL,
    source TEXT NOT NULL,
    event  TEXT NOT NULL,
    dest   TEXT NOT NULL,
    PRIMARY KEY (kind, source, event, dest)
) STRICT, WITHOUT ROWID;
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Paused','start','Running');
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Pending','start','Running');
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Queued','start','Running');
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Resume','start','Running');
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Retrying','start','Running');
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Running','succeed','Success');
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Scheduled','start','Running');
INSERT INTO "edges" VALUES('fsm.function_run:FunctionRun','Submitted','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Cached','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Cached','expire','Pending');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','ClientFailed','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','ClientFailed','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Failed','rerun','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Failed','retry','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Looped','iterate','Pending');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Mapped','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Mapped','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Mapped','fail_map','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Mapped','map','Mapped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','map','Mapped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','queue','Queued');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','resume','Resume');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Paused','submit','Submitted');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','map','Mapped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','queue','Queued');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','schedule','Scheduled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Pending','submit','Submitted');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','schedule','Scheduled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Queued','submit','Submitted');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','map','Mapped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','queue','Queued');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','schedule','Scheduled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Resume','submit','Submitted');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','map','Mapped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','queue','Queued');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','schedule','Scheduled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Retrying','submit','Submitted');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','fail_validation','ValidationFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','finish','Finished');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','loop','Looped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','rescue','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','rescue','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','retry','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','succeed','Success');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Running','time_out','TimedOut');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','map','Mapped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','queue','Queued');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','schedule','Scheduled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Scheduled','submit','Submitted');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','cancel','Cancelled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','fail','Failed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','fail_client','ClientFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','fail_trigger','TriggerFailed');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','pause','Paused');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','queue','Queued');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','schedule','Scheduled');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','skip','Skipped');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Submitted','start','Running');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','Success','cache','Cached');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','TimedOut','rerun','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','TimedOut','retry','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','TriggerFailed','rerun','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','TriggerFailed','retry','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','ValidationFailed','rerun','Retrying');
INSERT INTO "edges" VALUES('fsm.task:TaskRun','ValidationFailed','retry','Retrying');
INSERT INTO "edges" VALUES('shop:Mailer','Paused','start','Running');
INSERT INTO "edges" VALUES('shop:Mailer','Pending','start','Running');
INSERT INTO "edges" VALUES('shop:Mailer','Queued','start','Running');
INSERT INTO "edges" VALUES('shop:Mailer','Resume','start','Running');
INSERT INTO "edges" VALUES('shop:Mailer','Retrying','start','Running');
INSERT INTO "edges" VALUES('shop:Mailer','Running','succeed','Success');
INSERT INTO "edges" VALUES('shop:Mailer','Scheduled','start','Running');
INSERT INTO "edges" VALUES('shop:Mailer','Submitted','start','Running');
INSERT INTO "edges" VALUES('shop:Order','Paused','start','Running');
INSERT INTO "edges" VALUES('shop:Order','Pending','start','Running');
INSERT INTO "edges" VALUES('shop:Order','Queued','start','Running');
INSERT INTO "edges" VALUES('shop:Order','Resume','start','Running');
INSERT INTO "edges" VALUES('shop:Order','Retrying','start','Running');
INSERT INTO "edges" VALUES('shop:Order','Running','succeed','Success');
INSERT INTO "edges" VALUES('shop:Order','Scheduled','start','Running');
INSERT INTO "edges" VALUES('shop:Order','Submitted','start','Running');
CREATE TABLE late (  -- steps that came after others had gone on
    id      INTEGER PRIMARY KEY,
    run     TEXT    NOT NULL REFERENCES runs (id),
    seq     INTEGER NOT NULL,
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  INTEGER NOT NULL CHECK (micros BETWEEN -62135596800000000 AND 253402300799999999),
    payload TEXT    NOT NULL CHECK (json_valid(payload)),
    epoch   INTEGER,
    owner   TEXT,
    reason  TEXT    NOT NULL
) STRICT;
INSERT INTO "late" VALUES(1,'stolen',3,'succeed','Running','Success',1577836897000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Task run succeeded.","type":"Success"}',1,'a','lapsed: the lease ended at 2020-01-01 00:01:07+00:00');
CREATE TABLE outbox (  -- listeners that are still to be told
    run      TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    listener TEXT    NOT NULL,
    PRIMARY KEY (run, seq, listener),
    FOREIGN KEY (run, seq) REFERENCES steps (run, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "outbox" VALUES('mailed',1,'mail');
CREATE TABLE refusals (
    run    TEXT    NOT NULL REFERENCES runs (id),
    seq    INTEGER NOT NULL CHECK (seq >= 0),  -- how many steps it had made
    event  TEXT    NOT NULL,
    state  TEXT    NOT NULL,
    micros INTEGER NOT NULL CHECK (micros BETWEEN -62135596800000000 AND 253402300799999999),
    reason TEXT    NOT NULL,
    who    TEXT,
    PRIMARY KEY (run, seq, event)
) STRICT, WITHOUT ROWID;
INSERT INTO "refusals" VALUES('failed',2,'resume','Failed',1577836804000000,'cannot resume from Failed; from Failed one can retry, rerun',NULL);
CREATE TABLE runs (
    id       TEXT    NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 200),
    kind     TEXT    NOT NULL,  -- module:Class, whose edges hold; '' where nobody has said
    state    TEXT    NOT NULL,
    phase    TEXT    NOT NULL CHECK (phase IN ('waiting', 'running', 'failed', 'finished', 'other')),
    version  INTEGER NOT NULL CHECK (version >= 0),  -- how many steps it has
    epoch    INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),  -- how often it was claimed
    owner    TEXT,
    lease    INTEGER CHECK (lease BETWEEN -62135596800000000 AND 253402300799999999),  -- when the claim lapses
    due      INTEGER CHECK (due BETWEEN -62135596800000000 AND 253402300799999999),
    deadline INTEGER CHECK (deadline BETWEEN -62135596800000000 AND 253402300799999999),
    timeout  INTEGER CHECK (timeout >= 0),  -- microseconds an attempt may run
    retries  INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),  -- how many its policy allows
    parent   TEXT,
    child    INTEGER CHECK (child >= 0),
    began    INTEGER NOT NULL CHECK (began BETWEEN -62135596800000000 AND 253402300799999999),
    moved    INTEGER NOT NULL CHECK (moved BETWEEN -62135596800000000 AND 253402300799999999),
    CHECK ((owner IS NULL) = (lease IS NULL)),
    CHECK ((parent IS NULL) = (child IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO "runs" VALUES('done','fsm.task:TaskRun','Success','finished',2,0,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,1577836800000000,1577836801000000);
INSERT INTO "runs" VALUES('failed','fsm.task:TaskRun','Failed','failed',2,0,NULL,NULL,NULL,NULL,NULL,2,NULL,NULL,1577836802000000,1577836803000000);
INSERT INTO "runs" VALUES('function','fsm.function_run:FunctionRun','Running','running',1,0,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,1577836806000000,1577836806000000);
INSERT INTO "runs" VALUES('keyed','fsm.task:TaskRun','Running','running',1,0,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,1577836899000000,1577836899000000);
INSERT INTO "runs" VALUES('mailed','shop:Mailer','Running','running',1,0,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,1577836897000000,1577836897000000);
INSERT INTO "runs" VALUES('mapped','fsm.task:TaskRun','Mapped','finished',1,0,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,1577836897000000,1577836897000000);
INSERT INTO "runs" VALUES('mapped[1]','fsm.task:TaskRun','Running','running',1,0,NULL,NULL,NULL,NULL,NULL,0,'mapped',1,1577836898000000,1577836898000000);
INSERT INTO "runs" VALUES('order','shop:Order','Running','running',1,0,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,1577836805000000,1577836805000000);
INSERT INTO "runs" VALUES('stolen','fsm.task:TaskRun','Running','running',2,2,'b',1577837497000000,NULL,NULL,NULL,0,NULL,NULL,1577836807000000,1577836807000000);
INSERT INTO "runs" VALUES('timed','fsm.task:TaskRun','Running','running',1,0,NULL,NULL,NULL,1577836834000000,30000000,0,NULL,NULL,1577836804000000,1577836804000000);
INSERT INTO "runs" VALUES('waiting','fsm.task:TaskRun','Scheduled','waiting',1,0,NULL,NULL,1577836800000000,NULL,NULL,0,NULL,NULL,1577836800000000,1577836800000000);
CREATE TABLE steps (
    run     TEXT    NOT NULL REFERENCES runs (id) CHECK (length(run) BETWEEN 1 AND 200),
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  INTEGER NOT NULL CHECK (micros BETWEEN -62135596800000000 AND 253402300799999999),
    payload TEXT    NOT NULL CHECK (json_valid(payload)),
    origin  TEXT    CHECK (origin IS NULL OR json_valid(origin)),
    phase   TEXT    NOT NULL CHECK (phase IN ('waiting', 'running', 'failed', 'finished', 'other')),
    due     INTEGER CHECK (due BETWEEN -62135596800000000 AND 253402300799999999),
    epoch   INTEGER CHECK (epoch >= 1),  -- of the claim it was made under, if any
    key     TEXT    CHECK (length(key) BETWEEN 1 AND 200),  -- of the request it answers, if any
    children INTEGER CHECK (children >= 1),  -- how many of its payload's children are rows instead
    PRIMARY KEY (run, seq),
    CHECK ((seq = 1) = (origin IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO "steps" VALUES('done',1,'start','Pending','Running',1577836800000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('done',2,'succeed','Running','Success',1577836801000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Task run succeeded.","type":"Success"}',NULL,'finished',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('failed',1,'start','Pending','Running',1577836802000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":2,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('failed',2,'fail','Running','Failed',1577836803000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Failed"}',NULL,'failed',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('function',1,'start','Pending','Running',1577836806000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('keyed',1,'start','Pending','Running',1577836899000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,'request-1',NULL);
INSERT INTO "steps" VALUES('mailed',1,'start','Pending','Running',1577836897000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('mapped',1,'map','Pending','Mapped',1577836897000000,'{"__version__":"0.10.7","cached_inputs":{},"context":{},"map_states":[],"message":"Preparing to submit 0 mapped tasks.","n_map_states":0,"type":"Mapped"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','finished',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('mapped[1]',1,'start','Pending','Running',1577836898000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('order',1,'start','Pending','Running',1577836805000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('stolen',1,'schedule','Pending','Scheduled',1577836807000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"start_time":"2020-01-01T00:00:07+00:00","type":"Scheduled"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','waiting',1577836807000000,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('stolen',2,'start','Scheduled','Running',1577836807000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}',NULL,'running',NULL,1,NULL,NULL);
INSERT INTO "steps" VALUES('timed',1,'start','Pending','Running',1577836804000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":30.0}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','running',NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('waiting',1,'schedule','Pending','Scheduled',1577836800000000,'{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"start_time":"2020-01-01T00:00:00+00:00","type":"Scheduled"}','{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}','waiting',1577836800000000,NULL,NULL,NULL);
CREATE INDEX runs_began    ON runs (began, id);
CREATE INDEX runs_open     ON runs (began, id) WHERE phase <> 'finished';
CREATE INDEX runs_wakes    ON runs (coalesce(deadline, due), id);
CREATE INDEX runs_lease    ON runs (lease) WHERE lease IS NOT NULL;
CREATE INDEX runs_children ON runs (parent, child) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX steps_key ON steps (run, key) WHERE key IS NOT NULL;
CREATE INDEX late_run ON late (run);
CREATE TRIGGER steps_obey BEFORE INSERT ON steps BEGIN
    SELECT RAISE(ABORT, 'fsm: unknown run')
    WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id = NEW.run);
    SELECT RAISE(ABORT, 'fsm: stale')
    FROM runs WHERE id = NEW.run AND (version <> NEW.seq - 1 OR state <> NEW.source);
    SELECT RAISE(ABORT, 'fsm: fenced')
    FROM runs WHERE id = NEW.run AND NEW.epoch <> epoch;
    SELECT RAISE(ABORT, 'fsm: no such edge')
    FROM runs WHERE id = NEW.run AND kind <> '' AND NOT EXISTS (
        SELECT 1 FROM edges
        WHERE edges.kind = runs.kind AND source = NEW.source AND event = NEW.event
          AND dest = NEW.dest
    );
END;
CREATE TRIGGER steps_move AFTER INSERT ON steps BEGIN
    UPDATE runs SET
        version = NEW.seq, state = NEW.dest, phase = NEW.phase, moved = NEW.micros, due = NEW.due,
        deadline = CASE
            WHEN NEW.phase <> 'running' THEN NULL
            WHEN phase = 'running' THEN deadline
            ELSE min(NEW.micros + timeout, 253402300799999999)
        END
    WHERE id = NEW.run;
END;
CREATE TRIGGER steps_stand BEFORE UPDATE ON steps BEGIN
    SELECT RAISE(ABORT, 'fsm: a step is never changed');
END;
CREATE TRIGGER steps_stay BEFORE DELETE ON steps BEGIN
    SELECT RAISE(ABORT, 'fsm: a step is never removed');
END;
CREATE TRIGGER runs_begin BEFORE INSERT ON runs WHEN NEW.version <> 0 BEGIN
    SELECT RAISE(ABORT, 'fsm: a run begins without steps');
END;
CREATE TRIGGER runs_follow BEFORE UPDATE OF id, kind, state, version ON runs BEGIN
    SELECT RAISE(ABORT, 'fsm: a run is what its steps say')
    WHERE NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NOT EXISTS (
        SELECT 1 FROM steps WHERE run = NEW.id AND seq = NEW.version AND dest = NEW.state
    );
END;
CREATE TRIGGER runs_fence BEFORE UPDATE OF epoch ON runs WHEN NEW.epoch < OLD.epoch BEGIN
    SELECT RAISE(ABORT, 'fsm: an epoch never goes back');
END;
CREATE TRIGGER runs_stay BEFORE DELETE ON runs BEGIN
    SELECT RAISE(ABORT, 'fsm: a run is never removed');
END;
COMMIT;
PRAGMA application_id = 1381322323;
PRAGMA user_version = 3;
