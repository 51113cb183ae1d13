// Priorities of tasks, and every member of the job.
const JOB_TYPE = {
  label: "Priority Ladder",
  settings: [{ key: "steps", type: "int32", default: 3, propargs: { min: 1, max: 10 } }],
};

function compileJob(job) {
  for (let step = 0; step < job.settings.steps; step++) {
    const task = author.Task(`step ${step}`, "misc");
    if (step > 0) task.priority = 50 + step * 10;
    task.addCommand(author.Command("echo", { message: `${task.priority}`, step: step / 2 }, step));
    job.addTask(task);
  }
  job.settings.seen = {
    id: job.jobID.length,
    tag: job.workerTagUUID,
    name: job.name,
    type: job.jobType,
    priority: job.priority,
    status: job.status,
    checkout: job.storage.shamanCheckoutID,
    tasks: job.tasks.length,
    timestamp: /^\d{4}-\d\d-\d\d_\d{6}$/.test(formatTimestampLocal(job.created)),
  };
  job.metadata.compiled = "yes";
  delete job.metadata["user.name"];
}
