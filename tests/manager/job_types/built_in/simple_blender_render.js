// The built-in job type, written as a script.
const JOB_TYPE = {
  label: "Simple Blender Render",
  settings: [
    { key: "frames", type: "string", required: true },
    { key: "chunk_size", type: "int32", default: 1 },
    { key: "render_output_path", type: "string", subtype: "file_path", editable: false },
    { key: "blendfile", type: "string", required: true },
    { key: "fps", type: "float" },
    { key: "format", type: "string", required: true },
    { key: "image_file_extension", type: "string" },
    { key: "has_previews", type: "bool" },
    { key: "scene", type: "string" },
  ],
};

const VIDEO = new Set(["FFMPEG", "AVI_RAW", "AVI_JPEG"]);
const EXR = new Set(["EXR", "MULTILAYER", "OPEN_EXR", "OPEN_EXR_MULTILAYER"]);
const SETUP = ["use_file_extension = True", "use_overwrite = False", "use_placeholder = False"];

function compileJob(job) {
  const settings = job.settings;
  if (VIDEO.has(settings.format)) throw `no images: ${settings.format}`;
  if (!settings.render_output_path) throw "no output path";
  settings.render_output_path = settings.render_output_path.replaceAll(
    "{timestamp}",
    formatTimestampLocal(job.created),
  );
  const renders = renderTasks(settings);
  const video = videoTask(settings);
  renders.forEach((task) => job.addTask(task));
  if (!video) return;
  renders.forEach((task) => video.addDependency(task));
  job.addTask(video);
}

function renderTasks(settings) {
  const output = settings.render_output_path;
  const common = [
    ...(settings.scene ? ["--scene", settings.scene] : []),
    "--python-expr",
    ["import bpy", ...SETUP.map((line) => `bpy.context.scene.render.${line}`)].join("; "),
    "--render-output",
    path.join(path.dirname(output), path.basename(output)),
    "--render-format",
    settings.format,
  ];
  return frameChunker(settings.frames, settings.chunk_size).map((chunk) => {
    const task = author.Task(`render-${chunk}`, "blender");
    const parameters = {
      exe: "{blender}",
      exeArgs: "{blenderArgs}",
      argsBefore: [],
      blendfile: settings.blendfile,
      args: [...common, "--render-frame", chunk.replaceAll("-", "..")],
    };
    task.addCommand(author.Command("blender-render", parameters, frameCount(chunk)));
    return task;
  });
}

function videoTask(settings) {
  const isExr = EXR.has(settings.format);
  if (!settings.fps || (isExr && !settings.has_previews)) return null;
  const extension = isExr ? ".jpg" : settings.image_file_extension;
  const directory = path.dirname(settings.render_output_path);
  const stem = path.stem(settings.blendfile).replace(".flamenco", "");
  const task = author.Task("preview-video", "ffmpeg");
  const filter = "pad=ceil(iw/2)*2:ceil(ih/2)*2";
  const parameters = {
    exe: "ffmpeg",
    fps: settings.fps,
    inputGlob: path.join(directory, `*${extension}`),
    outputFile: path.join(directory, `${stem}-${spanOf(settings.frames)}.mp4`),
    args: shellSplit(`-c:v h264 -crf 20 -g 18 -vf ${filter} -pix_fmt yuv420p -r`).concat([settings.fps, "-y"]),
  };
  task.addCommand(author.Command("frames-to-video", parameters));
  return task;
}

function spanOf(frames) {
  if (!frames.includes(",")) return frames;
  const all = frameChunker(frames, 1);
  return `${all[0]}-${all[all.length - 1]}`;
}
