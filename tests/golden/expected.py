"""What section 7 of the protocol says each scenario's history is: written by hand from there, never from a run.

Each text numbers the events as section 7 does; `sch` numbers stand in parentheses, `st 0` marks an activity that was
never started. A dialogue's name maps to the histories of its runs.
"""

from __future__ import annotations

OPENING = "1 WES; 2 WTSch(Q); 3 WTSt; 4 WTC; 5 Mk; 6 ATSch(SCA, C(Q))"
REOPENING = "1 WES; 2 WTSch(Q); 3 WTSt; 4 WTC; 5 Mk; 6 ATSch(SCA, R_A)"
TOLD = "7 WESig(R_A); 8 WTSch(sticky); 9 WTSt; 10 WTC"
BOUND = f"{TOLD}; 11 ATSch(U, R_A)"
WORKED = "12 ATSt(11); 13 ATC(11); 14 WTSch(sticky); 15 WTSt; 16 WTC"
COMPLETING = "17 ATCR(6); 18 ATSch(SKA, R_A)"
BEGINNING = f"{OPENING}; {BOUND}; {WORKED}; {COMPLETING}"

END_A = "19 ATSt(18); 20 ATC(18); 21 WTSch(sticky); 22 ATSt(6); 23 ATC(6); 24 WTSt; 25 WTC; 26 WEC"
END_B = "19 ATSt(6); 20 ATC(6); 21 WTSch(sticky); 22 ATSt(18); 23 ATC(18); 24 WTSt; 25 WTC; 26 WEC"
END_B_TASK_BETWEEN = (
    "19 ATSt(6); 20 ATC(6); 21 WTSch(sticky); 22 WTSt; 23 WTC; 24 ATSt(18); 25 ATC(18); 26 WTSch(sticky); 27 WTSt; 28 WTC; 29 WEC"
)
END_C = (
    "19 ATSt(18); 20 ATC(18); 21 WTSch(sticky); 22 WTSt; 23 WTF(UNHANDLED_COMMAND); 24 ATSt(6); 25 ATC(6); 26 WTSch(Q); 27 WTSt; "
    "28 WTC; 29 WEC"
)
END_D = "19 ATSt(18); 20 ATC(18); 21 WTSch(sticky); 22 WTSt; 23 WTC; 24 WEC"

HAPPY = f"{BEGINNING}; {END_A}"
CREATION_FAILED = "8 WTSch(sticky); 9 WTSt; 10 WTC"

TIMED_OUT = "12 ATSt(6); 13 ATTO(6, Heartbeat, NON_RETRYABLE_FAILURE)"
LOST = f"{OPENING}; {BOUND}; {TIMED_OUT}; 14 WTSch(sticky); 15 WTSt; 16 WTC; 17 ATCR(11)"
LOST_LATE = f"{OPENING}; {BOUND}; {TIMED_OUT}; 14 WTSch(sticky); 15 WTTO(SCHEDULE_TO_START); 16 WTSch(Q); 17 WTSt; 18 WTC; 19 ATCR(11)"
STOPPED = f"{OPENING}; {BOUND}; 12 ATSt(6); 13 ATF(6, SessionWorkerShutdown/context canceled, NON_RETRYABLE_FAILURE)"
STOPPED_SEEN = f"{STOPPED}; 14 WTSch(sticky); 15 WTSt; 16 WTC; 17 ATCR(11)"
SLEPT_UNSTARTED = (
    "18 TimerStarted; 19 ATCan(11, st 0); 20 WTSch(sticky); 21 WTSt; 22 WTC; 23 TimerFired; 24 WTSch(sticky); 25 WTSt; 26 WTC; 27 WEC"
)
BOUND_TWICE = f"{OPENING}; {BOUND}; 12 WESig(R_B); 13 WTSch(sticky); 14 WTSt; 15 WTC; 16 ATSt(11); 17 ATC(11); 18 WTSch(sticky); 19 WTSt"
BOUND_TWICE_DONE = f"{BOUND_TWICE}; 20 WTC; 21 ATCR(6); 22 ATSch(SKA, R_A); 23 ATSt(22); 24 ATC(22); 25 WTSch(sticky); 26 WTSt; 27 WTC"
BATCH = f"{OPENING}; {BOUND}; {TIMED_OUT}; 14 WTSch(sticky); 15 ATSt(11); 16 ATC(11); 17 WTSt; 18 WTC"
TASK_STARTED = f"{OPENING}; {BOUND}; 12 ATSt(11); 13 ATC(11); 14 WTSch(sticky); 15 WTSt; 16 WTF(FORCE_CLOSE_COMMAND)"
REFUSED = "1 WES; 2 WTSch(Q); 3 WTSt; 4 WTF(BAD_SCHEDULE_ACTIVITY_ATTRIBUTES)"
TO_NOBODY = "19 ATTO(18, st 0, ScheduleToStart, TIMEOUT); 20 WTSch(sticky); 21 WTSt; 22 WTC"
SWALLOWED = "19 ATTO(18, st 0, ScheduleToStart/StartToClose, TIMEOUT); 20 WTSch(sticky); 21 WTSt; 22 WTC; 23 WEC"
NO_SLOT = (
    f"{REOPENING}; {BOUND}; 12 ATTO(11, st 0, ScheduleToStart, TIMEOUT); 13 WTSch(sticky); 14 WTSt; 15 WTC; 16 ATCR(6); 17 ATSch(SKA, R_A)"
)

SCENARIOS: dict[str, dict[str, str]] = {
    "01a-happy-path": {"w/1": HAPPY},
    "01b-happy-path-creation-first": {"w/1": f"{BEGINNING}; {END_B}"},
    "01b-happy-path-task-between": {"w/1": f"{BEGINNING}; {END_B_TASK_BETWEEN}"},
    "01b-happy-path-buffered": {"w/1": f"{BEGINNING}; {END_B_TASK_BETWEEN}"},
    "01c-happy-path-unhandled-command": {"w/1": f"{BEGINNING}; {END_C}"},
    "01d-happy-path-result-after-close": {"w/1": f"{BEGINNING}; {END_D}"},
    "01e-happy-path-heartbeat-tells": {"w/1": f"{BEGINNING}; {END_B_TASK_BETWEEN}".replace("20 ATC(6)", "20 ATCan(6)")},
    "02-all-workers-full": {
        "holder/1": HAPPY,
        "w/1": f"{OPENING}; 7 ATTO(6, st 0, ScheduleToStart, TIMEOUT); {CREATION_FAILED}; 11 WEF(ActivityError/ScheduleToStart)",
    },
    "03-freed-slot": {"holder/1": HAPPY, "w/1": HAPPY},
    "04-recreate-on-full-worker": {
        "holder/1": HAPPY,
        "w/1": HAPPY.replace(OPENING, REOPENING).replace("22 ATSt(6)", "22 ATSt(6, attempt 6, after too many outstanding sessions)"),
    },
    "05-failed-attempt-then-nobody": {
        "holder/1": HAPPY,
        "taker/1": f"{REOPENING}; {BOUND}",
        "w/1": (
            f"{OPENING}; 7 ATTO(6, st 0, ScheduleToStart/too many outstanding sessions, TIMEOUT); {CREATION_FAILED}; "
            "11 WEF(ActivityError/ScheduleToStart/too many outstanding sessions)"
        ),
    },
    "06-killed-before-signal": {
        "w/1": (
            f"{OPENING}; 7 ATSt(6); 8 ATTO(6, Heartbeat, NON_RETRYABLE_FAILURE); 9 WTSch(sticky); 10 WTSt; 11 WTC; "
            "12 WEF(ActivityError/Heartbeat)"
        )
    },
    "07-killed-while-working": {"w/1": f"{LOST}; 18 WECan"},
    "07-killed-before-work-starts": {"w/1": f"{LOST}; 18 WECan"},
    "08-workflow-goes-on": {
        "w/1": (
            f"{LOST}; 18 TimerStarted; 19 ATSt(11); 20 ATTO(11, StartToClose, CANCEL_REQUESTED); 21 WTSch(sticky); 22 WTSt; 23 WTC; "
            "24 TimerFired; 25 WTSch(sticky); 26 WTSt; 27 WTC; 28 WEC"
        )
    },
    "08-workflow-goes-on-unstarted": {"w/1": f"{LOST}; {SLEPT_UNSTARTED}"},
    "09a-sticky-worker-seen": {"w/1": f"{LOST_LATE}; 20 WECan"},
    "09b-sticky-worker-gone": {"w/1": f"{LOST}; 18 WECan"},
    "09b-nobody-on-normal-queue": {"w/1": f"{LOST_LATE}; 20 WECan"},
    "10-graceful-stop": {"w/1": f"{STOPPED_SEEN}; 18 WECan"},
    "10-graceful-stop-goes-on": {"w/1": f"{STOPPED_SEEN}; {SLEPT_UNSTARTED}"},
    "10-graceful-stop-unreported": {"w/1": f"{LOST}; 18 WECan"},
    "11-signal-answer-lost": {"w/1": f"{BOUND_TWICE_DONE}; 28 WEC"},
    "11-signal-answer-lost-goes-on": {
        "w/1": (
            f"{BOUND_TWICE_DONE}; 28 TimerStarted; 29 ATSt(6, attempt 2, after DeadlineExceeded); 30 ATCan(6); 31 WTSch(sticky); 32 WTSt; "
            "33 WTC; 34 TimerFired; 35 WTSch(sticky); 36 WTSt; 37 WTC; 38 WEC"
        )
    },
    "12a-signal-lost": {"w/1": HAPPY.replace("R_A", "R_B").replace("22 ATSt(6)", "22 ATSt(6, attempt 2, after DeadlineExceeded)")},
    "12b-signal-and-report-lost": {
        "w/1": (
            f"{OPENING}; 7 ATSt(6); 8 ATTO(6, Heartbeat, NON_RETRYABLE_FAILURE); 9 WTSch(sticky); 10 WTSt; 11 WTC; "
            "12 WEF(ActivityError/Heartbeat)"
        )
    },
    "13-signal-twice": {"w/1": HAPPY},
    "14-execution-timeout": {"w/1": f"{LOST}; 18 WECan".replace("Heartbeat", "StartToClose")},
    "15-workflow-cancel": {
        "w/1": (
            f"{OPENING}; {BOUND}; 12 WECR; 13 WTSch(sticky); 14 WTSt; 15 WTC; 16 ATCR(6); 17 ATCR(11); 18 ATSch(SKA, R_A); 19 ATCR(18); "
            "20 WECan"
        )
    },
    "16-workflow-cancel-while-creating": {
        "w/1": (
            f"{OPENING}; 7 WECR; {CREATION_FAILED}; 11 ATCR(6); 12 TimerStarted; 13 ATCan(6, st 0); 14 WTSch(sticky); 15 WTSt; 16 WTC; "
            "17 TimerFired; 18 WTSch(sticky); 19 WTSt; 20 WTC; 21 WEC"
        )
    },
    "16-workflow-cancel-while-creating-returns": {"w/1": f"{OPENING}; 7 WECR; {CREATION_FAILED}; 11 ATCR(6); 12 WECan"},
    "17-continue-as-new": {
        "w/1": HAPPY.replace("26 WEC", "26 WECAN"),
        "w/2": HAPPY.replace(OPENING, REOPENING).replace("ATSch(U", "ATSch(V"),
    },
    "17-continue-as-new-at-once": {
        "w/1": HAPPY.replace("26 WEC", "26 WECAN"),
        "w/2": HAPPY.replace(OPENING, REOPENING).replace("ATSch(U", "ATSch(V"),
    },
    "18-continue-as-new-without-completion": {
        "w/1": f"{OPENING}; {BOUND}; {WORKED}; 17 WECAN",
        "w/2": HAPPY.replace(OPENING, REOPENING)
        .replace("ATSch(U", "ATSch(V")
        .replace("22 ATSt(6)", "22 ATSt(6, attempt 5, after too many outstanding sessions)"),
    },
    "19-completion-to-dead-worker": {"w/1": f"{BEGINNING}; {TO_NOBODY}; 23 WEC"},
    "19-completion-to-frozen-worker": {"w/1": f"{BEGINNING}; {SWALLOWED}"},
    "19-completion-to-frozen-worker-one-poll": {"w/1": f"{BEGINNING}; {SWALLOWED}"},
    "19-completion-delivered-late": {
        "w/1": (
            f"{BEGINNING}; 19 ATSt(18, attempt 2, after StartToClose); 20 ATC(18); 21 WTSch(sticky); 22 ATSt(6); 23 ATCan(6); 24 WTSt; "
            "25 WTC; 26 WEC"
        )
    },
    "19-workflow-stays-open": {
        "w/1": (
            f"{BEGINNING}; {TO_NOBODY}; 23 TimerStarted; 24 ATSt(6); 25 ATTO(6, Heartbeat, CANCEL_REQUESTED); 26 WTSch(sticky); 27 WTSt; "
            "28 WTC; 29 TimerFired; 30 WTSch(sticky); 31 WTSt; 32 WTC; 33 WEC"
        )
    },
    "20-completion-polled-worker-dies": {"w/1": f"{BEGINNING}; {SWALLOWED}"},
    "21-failure-and-result-in-one-batch": {"w/1": f"{BATCH}; 19 ATSch(U2, R_A); 20 ATCR(19); 21 WECan"},
    "21-failure-and-result-goes-on": {
        "w/1": f"{BATCH}; 19 ATSch(U2, R_A); 20 ATCR(19); 21 ATCan(19, st 0); 22 WTSch(sticky); 23 WTSt; 24 WTC"
    },
    "22-failed-overwritten-by-closed": {
        "w/1": (f"{BATCH}; 19 ATSch(SKA, R_A); 20 ATTO(19, st 0, ScheduleToStart, TIMEOUT); 21 WTSch(sticky); 22 WTSt; 23 WTC; 24 WEC")
    },
    "23-create-with-open-session": {"w/1": HAPPY},
    "24-execution-timeout-zero": {"w/1": REFUSED},
    "25-recreate-on-dead-worker": {
        "w/1": f"{REOPENING}; 7 ATTO(6, st 0, ScheduleToStart, TIMEOUT); {CREATION_FAILED}; 11 WEF(ActivityError/ScheduleToStart)"
    },
    "26-terminate-started-task": {"w/1": f"{TASK_STARTED}; 17 WETerm"},
    "26-terminate-with-buffered-events": {"w/1": f"{TASK_STARTED}; 17 WESig(hello); 18 WETerm"},
    "26-terminate-idle": {"w/1": f"{OPENING}; {BOUND}; 12 WETerm"},
    "26-run-timeout-started-task": {"w/1": f"{TASK_STARTED}; 17 WETO"},
    "26-terminate-transient-task": {"w/1": f"{REFUSED}; 5 WETerm"},
    "27-paused": {"w/1": f"{STOPPED_SEEN}; 18 WECan"},
    "28-complete-while-timeout-is-buffered": {
        "w/1": (
            f"{BEGINNING}; 19 ATSt(6); 20 ATTO(6, Heartbeat, NON_RETRYABLE_FAILURE); 21 WTSch(sticky); 22 WTSt; 23 WTC; "
            "24 ATTO(18, st 0, ScheduleToStart, TIMEOUT); 25 WTSch(sticky); 26 WTSt; 27 WTC; 28 WEC"
        )
    },
    "29-failover": {
        "w/1": (
            f"{LOST}; 18 Mk; 19 ATSch(SCA, C(Q)); 20 WESig(R_B); 21 WTSch(sticky); 22 WTSt; 23 WTC; 24 ATSch(V, R_B); 25 ATSt(24); "
            "26 ATC(24); 27 WTSch(sticky); 28 WTSt; 29 WTC; 30 ATCR(19); 31 ATSch(SKA, R_B); 32 ATSt(31); 33 ATC(31); 34 WTSch(sticky); "
            "35 ATSt(19); 36 ATC(19); 37 WTSt; 38 WTC; 39 WEC"
        )
    },
    "29-failover-unstarted": {
        "w/1": (
            f"{LOST}; 18 Mk; 19 ATSch(SCA, C(Q)); 20 ATCan(11, st 0); 21 WTSch(sticky); 22 WTSt; 23 WTC; 24 WESig(R_B); 25 WTSch(sticky); "
            "26 WTSt; 27 WTC; 28 ATSch(V, R_B); 29 ATSt(28); 30 ATC(28); 31 WTSch(sticky); 32 WTSt; 33 WTC; 34 ATCR(19); "
            "35 ATSch(SKA, R_B); 36 ATSt(35); 37 ATC(35); 38 WTSch(sticky); 39 ATSt(19); 40 ATC(19); 41 WTSt; 42 WTC; 43 WEC"
        )
    },
    "30-slot-deadlock": {"w/1": f"{NO_SLOT}; 18 ATTO(17, st 0, ScheduleToStart, TIMEOUT); 19 WTSch(sticky); 20 WTSt; 21 WTC; 22 WEC"},
    "30-slot-deadlock-short-heartbeat": {
        "w/1": (
            f"{NO_SLOT}; 18 ATSt(6); 19 ATCan(6); 20 WTSch(sticky); 21 WTSt; 22 WTC; 23 ATSt(17); 24 ATC(17); 25 WTSch(sticky); 26 WTSt; "
            "27 WTC; 28 WEC"
        )
    },
}
"""Scenarios of section 7 by the name of their dialogue."""

CANCELED = (
    f"{OPENING}; {BOUND}; 12 WECR; 13 WTSch(sticky); 14 WTSt; 15 WTC; 16 ATCR(6); 17 ATCR(11); 18 TimerStarted; 19 ATSt(11); 20 ATC(11); "
    "21 WTSch(sticky); 22 WTSt; 23 WTC; 24 ATSt(6); 25 {}; 26 WTSch(sticky); 27 WTSt; 28 WTC; 29 TimerFired; 30 WTSch(sticky); 31 WTSt; "
    "32 WTC; 33 WEC"
)
RECREATED_IDLE = f"{REOPENING}; {TOLD}; 11 TimerStarted; 12 ATSt(6)"
SDK_VERSIONS: dict[str, dict[str, str]] = {
    "sdk-1.13.0-worker-killed": {"w/1": f"{OPENING}; {BOUND}; 12 WESig(R_B); 13 WTSch(sticky); 14 WTSt; 15 WTC"},
    "sdk-1.14.0-worker-killed": {"w/1": f"{LOST}; 18 WECan"},
    "sdk-1.13.0-full-worker": {
        "holder/1": HAPPY,
        "w/1": (
            f"{REOPENING}; 7 ATSt(6); 8 ATF(6, too many outstanding sessions, NON_RETRYABLE_FAILURE); 9 WTSch(sticky); 10 WTSt; 11 WTC; "
            "12 WEF(ActivityError/too many outstanding sessions)"
        ),
    },
    "sdk-1.14.0-full-worker": {
        "holder/1": HAPPY,
        "w/1": HAPPY.replace(OPENING, REOPENING).replace("22 ATSt(6)", "22 ATSt(6, attempt 3, after too many outstanding sessions)"),
    },
    "sdk-1.13.0-creation-slots": {
        "holder/1": HAPPY,
        "w/1": (
            f"{OPENING}; 7 ATSt(6); 8 ATF(6, too many outstanding sessions, NON_RETRYABLE_FAILURE); 9 WTSch(sticky); 10 WTSt; 11 WTC; "
            "12 WEF(ActivityError/too many outstanding sessions)"
        ),
    },
    "sdk-1.14.0-creation-slots": {"holder/1": HAPPY, "w/1": HAPPY},
    "sdk-1.30.1-slots": {"w/1": HAPPY},
    "sdk-1.31.0-slots": {"w/1": HAPPY},
    "sdk-1.34.0-graceful-stop": {"w/1": f"{LOST}; 18 WECan"},
    "sdk-1.35.0-graceful-stop": {"w/1": f"{STOPPED_SEEN}; 18 WECan"},
    "sdk-1.34.0-cancel": {"w/1": CANCELED.format("ATCan(6)")},
    "sdk-1.36.0-cancel": {"w/1": CANCELED.format("ATF(6, SessionWorkerShutdown/context canceled, CANCEL_REQUESTED)")},
    "sdk-1.37.0-cancel": {"w/1": CANCELED.format("ATCan(6)")},
    "sdk-1.41.0-panic": {"w/1": f"{BEGINNING}; {END_A}".replace("25 WTC; 26 WEC", "25 WTF(WORKFLOW_WORKER_UNHANDLED_FAILURE)")},
    "sdk-1.41.1-panic": {
        "w/1": f"{OPENING}; {BOUND}; 12 ATSt(11); 13 ATC(11); 14 WTSch(sticky); 15 WTSt; 16 WTF(WORKFLOW_WORKER_UNHANDLED_FAILURE)"
    },
    "sdk-1.41.1-shutdown-calls": {"w/1": f"{STOPPED_SEEN}; 18 WECan"},
    "sdk-1.42.0-shutdown-calls": {"w/1": HAPPY},
    "sdk-1.46.0-stop-waits-for-token": {
        "w/1": (
            f"{RECREATED_IDLE}; 13 ATF(6, SessionWorkerShutdown/context canceled, NON_RETRYABLE_FAILURE); 14 WTSch(sticky); 15 WTSt; 16 WTC"
        )
    },
    "sdk-1.47.0-stop-waits-for-token": {
        "w/1": f"{RECREATED_IDLE}; 13 ATTO(6, Heartbeat, NON_RETRYABLE_FAILURE); 14 WTSch(sticky); 15 WTSt; 16 WTC"
    },
}
"""Both sides of each change of section 5. Of the slots only the times differ: U starts when two polls have ended, or at once."""

TWO_AT_ONCE = f"{OPENING}; {TOLD}; 11 ATSch(U, R_A); 12 ATSch(V, R_A); 13 ATSt(12); 14 ATC(12); 15 WTSch(sticky); 16 WTSt; 17 WTC"
OPTIONS: dict[str, dict[str, str]] = {
    "option-activity-rate": {
        "w/1": (
            f"{TWO_AT_ONCE}; 18 ATSt(11); 19 ATTO(11, StartToClose, MAXIMUM_ATTEMPTS_REACHED); 20 WTSch(sticky); 21 WTSt; 22 WTC; 23 WEC"
        )
    },
    "option-stop-drops-waiting": {
        "w/1": (
            f"{TWO_AT_ONCE}; 18 ATSt(6); 19 ATF(6, SessionWorkerShutdown/context canceled, NON_RETRYABLE_FAILURE); 20 WTSch(sticky); "
            "21 WTSt; 22 WTC; 23 ATCR(11); 24 WECan"
        )
    },
    "option-stop-takes-another": {
        "w/1": (
            f"{OPENING}; {TOLD}; 11 TimerStarted; 12 ATSt(6); 13 ATF(6, SessionWorkerShutdown/context canceled, NON_RETRYABLE_FAILURE); "
            "14 WTSch(sticky); 15 WTSt; 16 WTC; 17 TimerFired; 18 WTSch(sticky); 19 WTSt; 20 WTC; 21 WEC"
        )
    },
}
"""Options of workers that no scenario of section 7 needs."""

FROZEN_STICKY = (
    f"{OPENING}; {BOUND}; 12 ATSt(11); 13 ATC(11); 14 WTSch(sticky); 15 WTSt; 16 WTTO(START_TO_CLOSE); 17 WTSch(Q); 18 WTSt; 19 WTC; "
    "20 ATCR(6); 21 ATSch(SKA, R_A); 22 ATSt(21); 23 ATC(21); 24 WTSch(sticky); 25 ATSt(6); 26 ATC(6); 27 WTSt; 28 WTC; 29 WEC"
)
TIMERS: dict[str, dict[str, str]] = {
    "timers-heartbeat-writes-another": {
        "w/1": (
            f"{OPENING}; {BOUND}; 12 ATSt(11); 13 ATTO(11, StartToClose, MAXIMUM_ATTEMPTS_REACHED); 14 WTSch(sticky); 15 WTSt; 16 WTC; "
            "17 WEC"
        )
    },
    "timers-together": {
        "w/1": (
            "1 WES; 2 WTSch(Q); 3 WTSt; 4 WTC; 5 TimerStarted; 6 TimerStarted; 7 TimerFired; 8 TimerFired; 9 WTSch(sticky); 10 WTSt; "
            "11 WTC; 12 Mk; 13 ATSch(SCA, C(Q)); 14 WESig(R_A); 15 WTSch(sticky); 16 WTSt; 17 WTC; 18 ATSch(U, R_A); 19 ATSch(V, R_A); "
            "20 ATSt(18); 21 ATSt(19); 22 ATTO(18, StartToClose, MAXIMUM_ATTEMPTS_REACHED); "
            "23 ATTO(19, StartToClose, MAXIMUM_ATTEMPTS_REACHED); 24 WTSch(sticky); 25 WTSt; 26 WTC; 27 WEC"
        )
    },
}
"""Timers that run out together, or one just after another (P4.3.2, P4.3.11)."""

FAULTS: dict[str, dict[str, str]] = {
    "fault-answers-held": {"w/1": f"{STOPPED_SEEN}; 18 WECan"},
    "fault-completion-answer-lost": {"w/1": f"{OPENING}; {BOUND}; {WORKED}; 17 WEC"},
    "fault-heartbeats-lost": {"w/1": f"{STOPPED_SEEN}; 18 WECan"},
    "fault-partition": {"w/1": f"{LOST}; 18 WECan"},
    "fault-shutdown-calls-lost": {"w/1": f"{OPENING}; {BOUND}; {WORKED}; 17 WEC"},
    "fault-server-outage": {"w/1": f"{LOST_LATE}; 20 WECan"},
    "fault-server-outage-short": {"w/1": HAPPY},
    "fault-sticky-worker-frozen": {"w/1": FROZEN_STICKY},
}
"""Faults of sections 2.4, 3.11 and 4.5.8 that no scenario of section 7 has."""

DETACHED = f"{OPENING}; {BOUND}; {TIMED_OUT}; 14 WTSch(sticky); 15 WTSt; 16 WTC; 17 ATCR(11); 18 ATSch(SCA, H_a)"

HOST = {
    "host-restart": {
        "w/1": (
            f"{DETACHED}; 19 WESig(R_A.2); 20 WTSch(sticky); 21 WTSt; 22 WTC; 23 ATSch(U, R_A.2); 24 ATSt(23); 25 ATC(23); "
            "26 WTSch(sticky); 27 WTSt; 28 WTC; 29 ATCR(18); 30 ATSch(SKA, R_A.2); 31 ATSt(30); 32 ATC(30); 33 WTSch(sticky); "
            "34 ATSt(18); 35 ATC(18); 36 WTSt; 37 WTC; 38 WEC"
        )
    },
    "host-not-back": {
        "w/1": f"{DETACHED}; 19 ATTO(18, st 0, ScheduleToStart, TIMEOUT); 20 WTSch(sticky); 21 WTSt; 22 WTC; 23 WEF(session has failed)"
    },
    "host-graceful-restart": {
        "w/1": (
            f"{OPENING}; {BOUND}; 12 ATSt(11); 13 ATC(11); 14 WTSch(sticky); 15 WTSt; 16 WTC; 17 ATSch(V, R_A); 18 ATSt(6); "
            "19 ATF(6, SessionWorkerShutdown/context canceled, NON_RETRYABLE_FAILURE); 20 WTSch(sticky); 21 WTSt; 22 WTC; 23 ATCR(17); "
            "24 ATSch(SCA, H_a); 25 ATCan(17, st 0); 26 WTSch(sticky); 27 WTSt; 28 WTC; 29 WESig(R_A.2); 30 WTSch(sticky); 31 WTSt; "
            "32 WTC; 33 ATSch(V, R_A.2); 34 ATSt(33); 35 ATC(33); 36 WTSch(sticky); 37 WTSt; 38 WTC; 39 ATCR(24); 40 ATSch(SKA, R_A.2); "
            "41 ATSt(40); 42 ATC(40); 43 WTSch(sticky); 44 ATSt(24); 45 ATC(24); 46 WTSt; 47 WTC; 48 WEC"
        )
    },
}
"""Host sessions, after docs/design/host-sessions.md."""
