// Frames in chunks, each rendered by the chaos farm's renderer, and a task that collects them.
const JOB_TYPE = {
  label: "Chaos Render",
  settings: [
    { key: "frames", type: "int32", required: true },
    { key: "chunk", type: "int32", required: true },
    { key: "pace", type: "string", required: true },
    { key: "lines", type: "int32", required: true },
    { key: "output", type: "string", required: true },
    { key: "blendfile", type: "string", required: true },
    { key: "renderer", type: "string", required: true },
    { key: "is_chained", type: "bool", default: false },
  ],
};

function compileJob(job) {
  const { frames, chunk, pace, lines, output, blendfile, renderer, is_chained } = job.settings;
  const collect = author.Task("collect", "misc");
  let before = null;
  for (let first = 1; first <= frames; first += chunk) {
    const span = `${first}..${Math.min(first + chunk - 1, frames)}`;
    const task = author.Task(`render ${span}`, "blender");
    task.addCommand(author.Command("blender-render", {
      exe: "{blender}", exeArgs: "", argsBefore: ["--pace", pace, "--lines", `${lines}`], blendfile,
      args: ["--render-output", output, "--render-format", "PNG", "--render-frame", span],
    }, frameCount(span)));
    if (is_chained && before) task.addDependency(before);
    before = task;
    collect.addDependency(task);
    job.addTask(task);
  }
  const args = ["--collect", "--lines", `${lines}`];
  collect.addCommand(author.Command("exec", { exe: renderer, args }, 1));
  job.addTask(collect);
}
