"""Times of the model, in ticks of about five seconds; their proportions are the protocol's."""

SCHEDULE_TO_START = 6
HEARTBEAT = 18
#: A time-out that is handled so much later was handled late.
LATE = 2
GRACE = 12
LOST_AFTER = 3
#: A host that reaches neither manager nor Temporal for this long stops its runs.
ALONE = 60
#: A run whose host process is gone for this long stops itself.
ORPHANED_SHIM = 60
#: A worker that speaks HTTP, and its task, are missed after so long without a word.
HTTP_WORKER_TIMEOUT, HTTP_TASK_TIMEOUT = 12, 120
#: How long its question for a task waits, and how long it is idle when there was none.
HTTP_POLL, HTTP_IDLE = 3, 2
RETRY_PAUSE = 1
RESEND = 2
AUDIT = 12
KEEPER_LOOK = 2
COOLDOWN = 2
#: How long a task waits for another worker, which may hang; and how short an end of that is none.
STARVED, WAIT_OVER = 20, 4
#: A task's run, at most.
LONGEST_RUN = 12
#: When a run ends that hangs.
NEVER = 10**9
#: From the order to stop until a run's processes are gone, at most.
STOPPING = 4
#: Two attempts of one task may overlap for so long, and only in a storm.
LONGEST_OVERLAP = ALONE + HEARTBEAT + GRACE + LONGEST_RUN
#: Within this after the last fault everything must have come to its end, and so much per job.
PATIENCE, PATIENCE_PER_JOB = 400, 80
