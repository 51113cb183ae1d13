"""`tablao job …`: collects the commands for one job from several modules."""

from manager_api.cli.comments import comment_on_job
from manager_api.cli.job_deletion import delete_one
from manager_api.cli.job_workers import blocklist, tag
from manager_api.cli.jobs import app

app.command("delete")(delete_one)
app.command("tag")(tag)
app.command("blocklist")(blocklist)
app.command("comment")(comment_on_job)
