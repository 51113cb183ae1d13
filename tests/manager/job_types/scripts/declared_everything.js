// Every field that a setting can have, as clients are to be told of it.
const JOB_TYPE = {
  label: "Declared Everything",
  description: "A job type with all kinds of settings",
  settings: [
    { key: "quality", type: "string", choices: ["draft", "final"], default: "draft", label: "Quality" },
    { key: "samples", type: "int32", propargs: { min: 1, max: 4096, soft_max: 512 }, default: 64,
      description: "Samples of each pixel", required: true },
    { key: "scale", type: "float", default: 0.5, visible: "visible", editable: true },
    { key: "denoise", type: "bool", default: false, required: false },
    { key: "root", type: "string", subtype: "dir_path", visible: "submission" },
    { key: "name", type: "string", subtype: "file_name", visible: "web" },
    { key: "file", type: "string", subtype: "hashed_file_path", visible: "hidden" },
    { key: "output", type: "string", subtype: "file_path", editable: false,
      eval: "str(Path(settings.root, jobname))",
      evalInfo: { showLinkButton: true, description: "Where it goes" } },
  ],
};

function compileJob(job) {
  const task = author.Task(job.settings.quality ?? "undecided", "misc");
  task.addCommand(author.Command("echo", { ...job.settings, missing: job.settings.output }));
  job.addTask(task);
}
