/** Lists, tries, stores and deletes the sources of job types. */

import { ref, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'

export type JobTypeSource = Schemas['JobTypeSource']
export type Language = Schemas['Language']
export type Trial = Schemas['Trial']

interface Scripts {
  listed: Ref<Schemas['ListedJobTypes'] | undefined>
  fetchList: () => Promise<void>
  fetchSource: (name: string) => Promise<JobTypeSource>
  store: (name: string, script: { source: string; language: Language; replaces?: string }, isForced: boolean) => Promise<JobTypeSource>
  remove: (name: string) => Promise<void>
  tryOut: (script: { name: string; source: string; language: Language; settings: Record<string, unknown> }) => Promise<Trial>
}

export function useJobTypeScripts(): Scripts {
  const listed = ref<Schemas['ListedJobTypes']>()

  async function fetchList(): Promise<void> {
    listed.value = await answered(api.GET('/api/tablao/v1/job-types'))
  }

  const fetchSource: Scripts['fetchSource'] = (name) =>
    answered(api.GET('/api/tablao/v1/job-types/{name}/source', { params: { path: { name } } }))

  const store: Scripts['store'] = async (name, body, force) => {
    const params = { path: { name }, query: { force } }
    const stored = await answered(api.PUT('/api/tablao/v1/job-types/{name}/source', { params, body }))
    await fetchList()
    return stored
  }

  const remove: Scripts['remove'] = async (name) => {
    await answered(api.DELETE('/api/tablao/v1/job-types/{name}/source', { params: { path: { name } } }))
    await fetchList()
  }

  const tryOut: Scripts['tryOut'] = (script) =>
    answered(api.POST('/api/tablao/v1/job-types/test-compile', { body: { job_name: 'Test', ...script } }))

  return { listed, fetchList, fetchSource, store, remove, tryOut }
}

/** The source of a new job type. */
export const NEW_SCRIPT: Record<Language, string> = {
  javascript: `const JOB_TYPE = {
  label: "My job type",
  settings: [
    { key: "frames", type: "string", required: true, description: "Such as 1-30" },
  ],
};

function compileJob(job) {
  for (const frame of frameChunker(job.settings.frames, 1)) {
    const task = author.Task(\`frame-\${frame}\`, "misc");
    task.addCommand(author.Command("echo", { message: \`This is frame \${frame}\` }));
    job.addTask(task);
  }
}
`,
  python: `from manager_api.job_types.authoring import Command, Job, Task, frame_chunker

JOB_TYPE = {
    "label": "My job type",
    "settings": [
        {"key": "frames", "type": "string", "required": True, "description": "Such as 1-30"},
    ],
}


def compile_job(job: Job) -> None:
    for frame in frame_chunker(job.settings["frames"], 1):
        task = Task(f"frame-{frame}", "misc")
        task.add_command(Command("echo", {"message": f"This is frame {frame}"}))
        job.add_task(task)
`,
}
