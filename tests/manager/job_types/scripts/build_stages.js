// Dependencies: forwards and backwards, seen in job.tasks, and copies that later changes do not reach.
const JOB_TYPE = {
  label: "Build in Stages",
  description: "Bakes, renders, denoises and packs",
  settings: [{ key: "shots", type: "string", required: true, description: "Names, with commas" }],
};

function misc(name, message) {
  const task = author.Task(`  ${name} `, " misc ");
  task.addCommand(author.Command("echo", { message }));
  return task;
}

function compileJob(job) {
  const pack = misc("pack", "all of them");
  const bake = misc("bake", "first");
  job.addTask(pack);
  job.addTask(bake);
  for (const shot of job.settings.shots.split(",")) {
    const task = misc(`render ${shot}`, shot);
    task.addDependency(bake);
    task.addDependency(bake);
    job.addTask(task);
    // Too late: the job has its copy.
    task.addDependency(pack);
    task.addCommand(author.Command("echo", { message: "never" }));
    task.priority = 1;
  }
  // The job's own tasks can still be changed.
  for (const task of job.tasks) {
    if (task.name.startsWith("render ")) job.tasks[0].addDependency(task);
  }
}
