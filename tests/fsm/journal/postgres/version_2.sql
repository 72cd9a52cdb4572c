CREATE SCHEMA runstates;
SET search_path TO runstates;

CREATE TABLE journal (version INTEGER NOT NULL);

INSERT INTO journal VALUES (2);

CREATE TABLE runs (
    id       TEXT    COLLATE "C" PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 200),
    kind     TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    phase    TEXT    NOT NULL CHECK (phase IN ('waiting', 'running', 'failed', 'finished', 'other')),
    version  BIGINT  NOT NULL CHECK (version >= 0),
    epoch    BIGINT  NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    owner    TEXT,
    lease    BIGINT  CHECK (lease BETWEEN -62135596800000000 AND 253402300799999999),
    due      BIGINT  CHECK (due BETWEEN -62135596800000000 AND 253402300799999999),
    deadline BIGINT  CHECK (deadline BETWEEN -62135596800000000 AND 253402300799999999),
    timeout  BIGINT  CHECK (timeout >= 0),
    retries  BIGINT  NOT NULL DEFAULT 0 CHECK (retries >= 0),
    parent   TEXT    COLLATE "C",
    child    BIGINT  CHECK (child >= 0),
    began    BIGINT  NOT NULL CHECK (began BETWEEN -62135596800000000 AND 253402300799999999),
    moved    BIGINT  NOT NULL CHECK (moved BETWEEN -62135596800000000 AND 253402300799999999),
    CHECK ((owner IS NULL) = (lease IS NULL)),
    CHECK ((parent IS NULL) = (child IS NULL))
);

CREATE INDEX runs_began    ON runs (began, id);
CREATE INDEX runs_open     ON runs (began, id) WHERE phase <> 'finished';
CREATE INDEX runs_wakes    ON runs (coalesce(deadline, due), id);
CREATE INDEX runs_lease    ON runs (lease) WHERE lease IS NOT NULL;
CREATE INDEX runs_children ON runs (parent, child) WHERE parent IS NOT NULL;

CREATE TABLE steps (
    run     TEXT    COLLATE "C" REFERENCES runs (id),
    seq     BIGINT  CHECK (seq >= 1),
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  BIGINT  NOT NULL CHECK (micros BETWEEN -62135596800000000 AND 253402300799999999),
    payload TEXT    NOT NULL CHECK (payload::json IS NOT NULL),
    origin  TEXT    CHECK (origin IS NULL OR origin::json IS NOT NULL),
    phase   TEXT    NOT NULL CHECK (phase IN ('waiting', 'running', 'failed', 'finished', 'other')),
    due     BIGINT  CHECK (due BETWEEN -62135596800000000 AND 253402300799999999),
    epoch   BIGINT  CHECK (epoch >= 1),
    key     TEXT    CHECK (length(key) BETWEEN 1 AND 200),
    children BIGINT CHECK (children >= 1),
    nonce   TEXT,  -- of the attempt to write it, to know it again after a lost answer
    PRIMARY KEY (run, seq),
    CHECK ((seq = 1) = (origin IS NOT NULL))
);

CREATE UNIQUE INDEX steps_key ON steps (run, key) WHERE key IS NOT NULL;

CREATE TABLE edges (
    kind   TEXT,
    source TEXT,
    event  TEXT,
    dest   TEXT,
    PRIMARY KEY (kind, source, event, dest)
);

CREATE TABLE late (
    id      BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run     TEXT    NOT NULL REFERENCES runs (id),
    seq     BIGINT  NOT NULL,
    event   TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    dest    TEXT    NOT NULL,
    micros  BIGINT  NOT NULL CHECK (micros BETWEEN -62135596800000000 AND 253402300799999999),
    payload TEXT    NOT NULL CHECK (payload::json IS NOT NULL),
    epoch   BIGINT,
    owner   TEXT,
    reason  TEXT    NOT NULL
);

CREATE INDEX late_run ON late (run);


CREATE TABLE refusals (
    run    TEXT   COLLATE "C" REFERENCES runs (id),
    seq    BIGINT CHECK (seq >= 0),
    event  TEXT   COLLATE "C",
    state  TEXT   NOT NULL,
    micros BIGINT NOT NULL CHECK (micros BETWEEN -62135596800000000 AND 253402300799999999),
    reason TEXT   NOT NULL,
    who    TEXT,
    PRIMARY KEY (run, seq, event)
);

CREATE TABLE outbox (
    run      TEXT   COLLATE "C",
    seq      BIGINT,
    listener TEXT   COLLATE "C",
    PRIMARY KEY (run, seq, listener),
    FOREIGN KEY (run, seq) REFERENCES steps (run, seq)
);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('done', 'fsm.task:TaskRun', 'Success', 'finished', 2, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1577836800000000, 1577836801000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('failed', 'fsm.task:TaskRun', 'Failed', 'failed', 2, 0, NULL, NULL, NULL, NULL, NULL, 2, NULL, NULL, 1577836802000000, 1577836803000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('function', 'fsm.function_run:FunctionRun', 'Running', 'running', 1, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1577836806000000, 1577836806000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('keyed', 'fsm.task:TaskRun', 'Running', 'running', 1, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1577836899000000, 1577836899000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('mailed', 'shop:Mailer', 'Running', 'running', 1, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1577836897000000, 1577836897000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('mapped', 'fsm.task:TaskRun', 'Mapped', 'finished', 1, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1577836897000000, 1577836897000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('mapped[1]', 'fsm.task:TaskRun', 'Running', 'running', 1, 0, NULL, NULL, NULL, NULL, NULL, 0, 'mapped', 1, 1577836898000000, 1577836898000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('order', 'shop:Order', 'Running', 'running', 1, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 1577836805000000, 1577836805000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('stolen', 'fsm.task:TaskRun', 'Running', 'running', 2, 2, 'b', 1577837497000000, NULL, NULL, NULL, 0, NULL, NULL, 1577836807000000, 1577836807000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('timed', 'fsm.task:TaskRun', 'Running', 'running', 1, 0, NULL, NULL, NULL, 1577836834000000, 30000000, 0, NULL, NULL, 1577836804000000, 1577836804000000);
INSERT INTO runs (id, kind, state, phase, version, epoch, owner, lease, due, deadline, timeout, retries, parent, child, began, moved) VALUES ('waiting', 'fsm.task:TaskRun', 'Scheduled', 'waiting', 1, 0, NULL, NULL, 1577836800000000, NULL, NULL, 0, NULL, NULL, 1577836800000000, 1577836800000000);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('done', 1, 'start', 'Pending', 'Running', 1577836800000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('done', 2, 'succeed', 'Running', 'Success', 1577836801000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Task run succeeded.","type":"Success"}', NULL, 'finished', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('failed', 1, 'start', 'Pending', 'Running', 1577836802000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":2,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('failed', 2, 'fail', 'Running', 'Failed', 1577836803000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Failed"}', NULL, 'failed', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('function', 1, 'start', 'Pending', 'Running', 1577836806000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('keyed', 1, 'start', 'Pending', 'Running', 1577836899000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, 'request-1', NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('mailed', 1, 'start', 'Pending', 'Running', 1577836897000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('mapped', 1, 'map', 'Pending', 'Mapped', 1577836897000000, '{"__version__":"0.10.7","cached_inputs":{},"context":{},"map_states":[],"message":"Preparing to submit 0 mapped tasks.","n_map_states":0,"type":"Mapped"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'finished', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('mapped[1]', 1, 'start', 'Pending', 'Running', 1577836898000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('order', 1, 'start', 'Pending', 'Running', 1577836805000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('stolen', 1, 'schedule', 'Pending', 'Scheduled', 1577836807000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"start_time":"2020-01-01T00:00:07+00:00","type":"Scheduled"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'waiting', 1577836807000000, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('stolen', 2, 'start', 'Scheduled', 'Running', 1577836807000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', NULL, 'running', NULL, 1, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('timed', 1, 'start', 'Pending', 'Running', 1577836804000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Starting task run.","type":"Running"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":30.0}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'running', NULL, NULL, NULL, NULL);
INSERT INTO steps (run, seq, event, source, dest, micros, payload, origin, phase, due, epoch, key, children) VALUES ('waiting', 1, 'schedule', 'Pending', 'Scheduled', 1577836800000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"start_time":"2020-01-01T00:00:00+00:00","type":"Scheduled"}', '{"settings":{"policy":{"cache_for":null,"max_rescues":3,"max_retries":0,"retry_delay":0.0,"timeout":null}},"source":{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":null,"type":"Pending"}}', 'waiting', 1577836800000000, NULL, NULL, NULL);
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Paused', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Pending', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Queued', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Resume', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Retrying', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Running', 'succeed', 'Success');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Scheduled', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.function_run:FunctionRun', 'Submitted', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Cached', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Cached', 'expire', 'Pending');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'ClientFailed', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'ClientFailed', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Failed', 'rerun', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Failed', 'retry', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Looped', 'iterate', 'Pending');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Mapped', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Mapped', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Mapped', 'fail_map', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Mapped', 'map', 'Mapped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'map', 'Mapped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'queue', 'Queued');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'resume', 'Resume');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Paused', 'submit', 'Submitted');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'map', 'Mapped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'queue', 'Queued');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'schedule', 'Scheduled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Pending', 'submit', 'Submitted');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'schedule', 'Scheduled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Queued', 'submit', 'Submitted');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'map', 'Mapped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'queue', 'Queued');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'schedule', 'Scheduled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Resume', 'submit', 'Submitted');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'map', 'Mapped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'queue', 'Queued');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'schedule', 'Scheduled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Retrying', 'submit', 'Submitted');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'fail_validation', 'ValidationFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'finish', 'Finished');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'loop', 'Looped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'rescue', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'rescue', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'retry', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'succeed', 'Success');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Running', 'time_out', 'TimedOut');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'map', 'Mapped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'queue', 'Queued');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'schedule', 'Scheduled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Scheduled', 'submit', 'Submitted');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'cancel', 'Cancelled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'fail', 'Failed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'fail_client', 'ClientFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'fail_trigger', 'TriggerFailed');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'pause', 'Paused');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'queue', 'Queued');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'schedule', 'Scheduled');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'skip', 'Skipped');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Submitted', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'Success', 'cache', 'Cached');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'TimedOut', 'rerun', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'TimedOut', 'retry', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'TriggerFailed', 'rerun', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'TriggerFailed', 'retry', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'ValidationFailed', 'rerun', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('fsm.task:TaskRun', 'ValidationFailed', 'retry', 'Retrying');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Paused', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Pending', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Queued', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Resume', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Retrying', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Running', 'succeed', 'Success');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Scheduled', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Mailer', 'Submitted', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Paused', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Pending', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Queued', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Resume', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Retrying', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Running', 'succeed', 'Success');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Scheduled', 'start', 'Running');
INSERT INTO edges (kind, source, event, dest) VALUES ('shop:Order', 'Submitted', 'start', 'Running');
INSERT INTO late (id, run, seq, event, source, dest, micros, payload, epoch, owner, reason) OVERRIDING SYSTEM VALUE VALUES (1, 'stolen', 3, 'succeed', 'Running', 'Success', 1577836897000000, '{"__version__":"0.10.7","_result":{"__version__":"0.10.7","type":"NoResultType"},"cached_inputs":{},"context":{},"message":"Task run succeeded.","type":"Success"}', 1, 'a', 'lapsed: the lease ended at 2020-01-01 00:01:07+00:00');
SELECT setval(pg_get_serial_sequence('late', 'id'), 1);
INSERT INTO refusals (run, seq, event, state, micros, reason, who) VALUES ('failed', 2, 'resume', 'Failed', 1577836804000000, 'cannot resume from Failed; from Failed one can retry, rerun', NULL);
INSERT INTO outbox (run, seq, listener) VALUES ('mailed', 1, 'mail');

CREATE FUNCTION refuse(reason TEXT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        MESSAGE = 'fsm: ' || reason, ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION steps_obey() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stands runs;
BEGIN
    SELECT * INTO stands FROM runs WHERE id = NEW.run FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM refuse('unknown run');
    ELSIF stands.version <> NEW.seq - 1 OR stands.state <> NEW.source THEN
        PERFORM refuse('stale');
    ELSIF NEW.epoch <> stands.epoch THEN
        PERFORM refuse('fenced');
    ELSIF stands.kind <> '' AND NOT EXISTS (
        SELECT 1 FROM edges
        WHERE kind = stands.kind AND source = NEW.source AND event = NEW.event
          AND dest = NEW.dest
    ) THEN
        PERFORM refuse('no such edge');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER steps_obey BEFORE INSERT ON steps FOR EACH ROW EXECUTE FUNCTION steps_obey();

CREATE FUNCTION steps_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE runs SET
        version = NEW.seq, state = NEW.dest, phase = NEW.phase, moved = NEW.micros, due = NEW.due,
        deadline = CASE
            WHEN NEW.phase <> 'running' THEN NULL
            WHEN phase = 'running' THEN deadline
            WHEN timeout IS NOT NULL THEN least(NEW.micros + timeout, 253402300799999999)
        END
    WHERE id = NEW.run;
    RETURN NULL;
END $$;

CREATE TRIGGER steps_move AFTER INSERT ON steps FOR EACH ROW EXECUTE FUNCTION steps_move();

CREATE FUNCTION steps_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse('a step is never changed or removed');
    RETURN NULL;
END $$;

CREATE TRIGGER steps_stand BEFORE UPDATE OR DELETE ON steps
    FOR EACH ROW EXECUTE FUNCTION steps_stand();

CREATE TRIGGER steps_stay BEFORE TRUNCATE ON steps
    FOR EACH STATEMENT EXECUTE FUNCTION steps_stand();

CREATE FUNCTION runs_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM refuse('a run is never removed');
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.version <> 0 THEN
            PERFORM refuse('a run begins without steps');
        END IF;
    ELSIF NEW.epoch < OLD.epoch THEN
        PERFORM refuse('an epoch never goes back');
    ELSIF NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR (
        (NEW.version <> OLD.version OR NEW.state <> OLD.state) AND NOT EXISTS (
            SELECT 1 FROM steps WHERE run = NEW.id AND seq = NEW.version AND dest = NEW.state
        )
    ) THEN
        PERFORM refuse('a run is what its steps say');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER runs_follow BEFORE INSERT OR UPDATE OR DELETE ON runs
    FOR EACH ROW EXECUTE FUNCTION runs_follow();
