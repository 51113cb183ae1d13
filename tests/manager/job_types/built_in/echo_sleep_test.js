// The built-in job type, written as a script.
const JOB_TYPE = {
  label: "Echo Sleep Test",
  settings: [
    { key: "message", type: "string", required: true },
    { key: "sleep_duration_seconds", type: "int32", default: 1 },
    { key: "sleep_repeats", type: "int32", default: 1 },
  ],
};

function compileJob({ settings, addTask }) {
  const echo = author.Task("echo", "misc");
  echo.addCommand(author.Command("echo", { message: settings.message }));
  addTask(echo);
  for (let done = 0; done < settings.sleep_repeats; done++) {
    const sleep = author.Task("sleep", "misc");
    const duration = { duration_in_seconds: settings.sleep_duration_seconds };
    sleep.addCommand(author.Command("sleep", duration));
    sleep.addDependency(echo);
    addTask(sleep);
  }
}
