// Wants all the memory there is, in pieces that the engine counts.
const JOB_TYPE = {
  label: "Memory Bomb",
  settings: [{ key: "kind", type: "string", choices: ["arrays", "buffers", "text", "tasks"], required: true }],
};

const KINDS = {
  arrays: (hoard) => hoard.push(new Array(100000).fill(hoard.length)),
  buffers: (hoard) => hoard.push(new Uint8Array(2 ** 24).fill(1)),
  text: (hoard) => hoard.push("x".repeat(2 ** 20) + hoard.length),
};

function compileJob(job) {
  const hoard = [];
  if (job.settings.kind === "tasks") {
    const task = author.Task("one of many", "misc");
    task.addCommand(author.Command("echo", { message: "x".repeat(1000) }));
    for (;;) job.addTask(task);
  }
  for (;;) KINDS[job.settings.kind](hoard);
}
