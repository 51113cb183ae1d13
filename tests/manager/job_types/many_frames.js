// A render of many frames, as large as it gets: a task for each chunk, a film that waits for all.
const JOB_TYPE = { label: "Many Frames", settings: [{ key: "frames", type: "string", required: true }] };

function compileJob(job) {
  const film = author.Task("film", "ffmpeg");
  for (const chunk of frameChunker(job.settings.frames, 1)) {
    const task = author.Task(`render-${chunk}`, "blender");
    const args = ["--python-expr", "import bpy; bpy.context.scene.render.use_overwrite = False"];
    args.push("--render-output", path.join("/render/shots", "######"), "--render-format", "PNG");
    args.push("--render-frame", chunk.replaceAll("-", ".."));
    const parameters = { exe: "{blender}", exeArgs: "{blenderArgs}", argsBefore: [], blendfile: "/a.blend", args };
    task.addCommand(author.Command("blender-render", parameters, frameCount(chunk)));
    film.addDependency(task);
    job.addTask(task);
  }
  job.addTask(film);
}
