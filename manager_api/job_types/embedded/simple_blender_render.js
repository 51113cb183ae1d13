// Frames of a scene in chunks, then a preview video of them.

const JOB_TYPE = {
  label: "Simple Blender Render",
  settings: [
    {
      key: "frames", type: "string", required: true,
      eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
      evalInfo: { showLinkButton: true, description: "Scene frame range" },
      description: "Frames to render, such as 47, or 1-30, or 3, 5-10, 47-327",
    },
    {
      key: "chunk_size", type: "int32", default: 1, visible: "submission",
      description: "How many frames one task renders",
    },
    {
      key: "render_output_root", type: "string", subtype: "dir_path", required: true,
      visible: "submission",
      description: "Directory for the output of all jobs; each gets its own directory in it",
    },
    {
      key: "add_path_components", type: "int32", required: true, default: 0,
      propargs: { min: 0, max: 32 }, visible: "submission",
      description: "How many of the directories above the blend file the output path repeats",
    },
    {
      key: "render_output_path", type: "string", subtype: "file_path", editable: false,
      eval:
        "str(Path(abspath(settings.render_output_root), " +
        "last_n_dir_parts(settings.add_path_components), jobname, '{timestamp}', '######'))",
      description: "Where frames are written; each # is a digit of the frame number",
    },
    {
      key: "blendfile", type: "string", required: true, visible: "web",
      description: "Blend file to render",
    },
    {
      key: "fps", type: "float", visible: "hidden",
      eval: "C.scene.render.fps / C.scene.render.fps_base",
    },
    {
      key: "format", type: "string", required: true, visible: "web",
      eval: "C.scene.render.image_settings.file_format",
    },
    {
      key: "image_file_extension", type: "string", required: true, visible: "hidden",
      eval: "C.scene.render.file_extension", description: "Extension of the rendered images",
    },
    {
      key: "has_previews", type: "bool", visible: "hidden",
      eval: "C.scene.render.image_settings.use_preview",
      description: "Whether Blender also writes JPEG previews",
    },
    {
      key: "scene", type: "string", required: true, visible: "web",
      eval: "C.scene.name", description: "Scene to render",
    },
  ],
};

const VIDEO_FORMATS = new Set(["FFMPEG", "MPEG", "AVI_RAW", "AVIRAW", "AVI_JPEG", "AVIJPEG"]);
// FFmpeg cannot read these, but may read the JPEG previews that Blender can put beside them.
const EXR_FORMATS = new Set(["EXR", "MULTILAYER", "OPEN_EXR", "OPEN_EXR_MULTILAYER"]);

// FFmpeg cannot read these, or not from a pattern.
const NOT_FOR_VIDEO = new Set(["CINEON", "HDR", "IRIS", "IRIZ"]);

// Cycles' names. A worker that lacks what is asked for fails the task.
const DEVICES = new Set(["CPU", "CUDA", "OPTIX", "HIP", "METAL", "ONEAPI"]);

// Frames that are there are skipped, so a chunk that is tried again only renders what is missing.
const RENDER_SETUP = [
  "import bpy",
  "bpy.context.scene.render.use_file_extension = True",
  "bpy.context.scene.render.use_overwrite = False",
  "bpy.context.scene.render.use_placeholder = False",
].join("; ");

function compileJob(job) {
  const settings = job.settings;
  if (VIDEO_FORMATS.has(settings.format)) {
    throw `This job type renders images, not the video format ${settings.format}.`;
  }
  for (const key of ["render_output_path", "chunk_size"]) {
    if (!settings[key]) throw `The setting "${key}" is missing.`;
  }
  settings.render_output_path = settings.render_output_path.replaceAll(
    "{timestamp}", formatTimestampLocal(job.created),
  );
  const renders = renderTasks(settings);
  const video = videoTask(settings, renders);
  for (const task of video ? [...renders, video] : renders) job.addTask(task);
}

// The camera, also in place of those that markers bind. Tablao's add-on sends it, undeclared.
function cameraArguments(settings) {
  const camera = settings.camera;
  if (!camera) return [];
  if (typeof camera !== "string") throw 'The setting "camera" must be a text.';
  const name = JSON.stringify(camera);
  const steps = [
    "import bpy, sys",
    `camera = bpy.data.objects.get(${name})`,
    `camera or sys.exit(print("There is no camera", ${name}) or 1)`,
    '[setattr(each, "camera", None) for each in bpy.context.scene.timeline_markers]',
    "bpy.context.scene.camera = camera",
  ];
  return ["--python-expr", steps.join("; ")];
}

// What Cycles reads behind all that Blender does. Tablao's add-on sends it, undeclared.
function deviceArguments(settings) {
  const device = settings.cycles_device;
  if (!device) return [];
  if (!DEVICES.has(device)) {
    throw `The setting "cycles_device" must be one of ${[...DEVICES].join(", ")}, not '${device}'.`;
  }
  return ["--", "--cycles-device", device];
}

function renderTasks(settings) {
  const output = settings.render_output_path;
  const common = [
    ...(settings.scene ? ["--scene", settings.scene] : []),
    "--python-expr", RENDER_SETUP,
    ...cameraArguments(settings),
    "--render-output", path.join(path.dirname(output), path.basename(output)),
    "--render-format", settings.format,
  ];
  const device = deviceArguments(settings);
  return frameChunker(settings.frames, settings.chunk_size).map((chunk) => {
    const task = author.Task(`render-${chunk}`, "blender");
    const parameters = {
      exe: "{blender}", exeArgs: "{blenderArgs}", argsBefore: [], blendfile: settings.blendfile,
      args: [...common, "--render-frame", chunk.replaceAll("-", ".."), ...device],
    };
    task.addCommand(author.Command("blender-render", parameters, frameCount(chunk)));
    return task;
  });
}

// The preview video's task, if FFmpeg can make one.
function videoTask(settings, renders) {
  const isExr = EXR_FORMATS.has(settings.format);
  if (!settings.fps || NOT_FOR_VIDEO.has(settings.format)) return null;
  if (isExr && !settings.has_previews) return null;
  const extension = isExr ? ".jpg" : settings.image_file_extension;
  const folder = path.dirname(settings.render_output_path);
  const stem = path.stem(settings.blendfile).replace(".flamenco", "");
  const task = author.Task("preview-video", "ffmpeg");
  task.addCommand(author.Command("frames-to-video", {
    exe: "ffmpeg",
    fps: settings.fps,
    inputGlob: path.join(folder, `*${extension}`),
    outputFile: path.join(folder, `${stem}-${framesInName(settings.frames)}.mp4`),
    args: [
      "-c:v", "h264", "-crf", "20", "-g", "18",
      // H.264 in yuv420p needs even sides.
      "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2",
      "-pix_fmt", "yuv420p", "-r", settings.fps, "-y",
    ],
  }));
  for (const render of renders) task.addDependency(render);
  return task;
}

function framesInName(frames) {
  if (!frames.includes(",")) return frames;
  const numbers = frameChunker(frames, 1).map(Number);
  return `${numbers[0]}-${numbers[numbers.length - 1]}`;
}
