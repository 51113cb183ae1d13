// Says something, then sleeps. For trying a farm without Blender.

const JOB_TYPE = {
  label: "Echo Sleep Test",
  settings: [
    { key: "message", type: "string", required: true },
    { key: "sleep_duration_seconds", type: "int32", default: 1 },
    { key: "sleep_repeats", type: "int32", default: 1 },
  ],
};

function compileJob(job) {
  const { message, sleep_duration_seconds: duration, sleep_repeats: repeats } = job.settings;
  const echo = author.Task("echo", "misc");
  echo.addCommand(author.Command("echo", { message }));
  job.addTask(echo);

  // Sleeps wait for the echo, but not for each other.
  for (let number = 0; number < (repeats || 0); number++) {
    if (duration === undefined) throw 'The setting "sleep_duration_seconds" is missing.';
    const sleep = author.Task("sleep", "misc");
    sleep.addCommand(author.Command("sleep", { duration_in_seconds: duration }));
    sleep.addDependency(echo);
    job.addTask(sleep);
  }
}
