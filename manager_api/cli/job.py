"""`tablao job …`: the commands of one job, put together from the modules that hold them."""

from manager_api.cli.job_deletion import delete_one
from manager_api.cli.job_workers import blocklist, tag
from manager_api.cli.jobs import app

app.command("delete")(delete_one)
app.command("tag")(tag)
app.command("blocklist")(blocklist)
