"""`headrace explain`: what the API knows of an instance or a task, in lines."""

from __future__ import annotations


def test_an_instance_that_waits_for_people(headrace, shown):
    done = headrace("explain", shown["waiting"])
    lines = done.out.splitlines()
    assert lines[0] == f"release {shown['waiting']}  waiting"
    assert "approve  approval  waiting" in lines
    (now,) = [line for line in lines if line.startswith("  now")]
    assert "waits for 2 of group:release-managers; ben approved, since " in now
    assert ", until " in now
    (coming,) = [line for line in lines if line.startswith("  next")]
    assert coming.endswith(" it ends expired")
    then = [line for line in headrace("explain", shown["waiting"], "approve").out.splitlines() if "then" in line]
    assert then == ["  then        deploy, on approved", "  then        refused, on rejected or expired"]


def test_a_task_that_failed_and_one_that_was_skipped(headrace, shown):
    failed = headrace("explain", shown["failed"], "list_images").out.splitlines()
    assert failed[0] == "list_images  script  failed"
    assert failed[1].endswith("it failed: the script ended with exit code 2")
    assert failed[2] == "  outcome     unhandled"
    assert failed[3].startswith("  attempt 1   failed, started ")
    assert failed[3].endswith(" on w1; exit: the script ended with exit code 2")
    skipped = headrace("explain", shown["succeeded"], "refused").out.splitlines()
    assert skipped == [
        "refused  message  skipped",
        "  why         skipped, because it waits for approve.rejected, but the outcome was approved",
        "  needs any   approve.rejected: no, approve is approved",
        "              approve.expired: no, approve is approved",
    ]


def test_why_an_instance_ended(headrace, shown):
    assert "  why         cancelled by ben: started by mistake" in headrace("explain", shown["cancelled"]).out
    failed = headrace("explain", shown["failed"])
    assert "  why         failed, because nobody handled: list_images failed" in failed.out


def test_the_same_for_programs(headrace, shown):
    found = headrace("explain", shown["failed"], "list_images", "--json").json
    (task,) = found["tasks"]
    assert (task["handling"], task["attempts"][0]["worker"]) == ("unhandled", "w1")


def test_what_is_not_there(headrace, shown):
    done = headrace("explain", shown["failed"], "lits_images")
    assert (done.status, done.err) == (1, "headrace: there is no task 'lits_images'\n")
    assert headrace("explain", "gone").err == "headrace: there is no instance 'gone'\n"
