// shellSplit: what a shell would read, and its refusal of quotes that stay open.
const JOB_TYPE = {
  label: "Shell Words",
  settings: [{ key: "arguments", type: "string", required: true }],
};

function compileJob(job) {
  const task = author.Task("words", "misc");
  task.addCommand(author.Command("exec", { exe: "render", args: shellSplit(job.settings.arguments) }));
  job.addTask(task);
}
