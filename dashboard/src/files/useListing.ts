/** The entries of a folder in the shared storage. */

import { computed, ref, watch, type ComputedRef, type Ref } from 'vue'
import { answered, api, type Schemas } from '@/api/client'

export type FileEntry = Schemas['FileEntry']
type FileListing = Schemas['FileListing']

const TYPING_MS = 250

export interface Listing {
  listing: Ref<FileListing | undefined>
  /** The entries whose name contains the text. */
  entries: ComputedRef<readonly FileEntry[]>
  /** Why another folder is shown, or none, as a sentence. */
  note: Ref<string>
  text: Ref<string>
  withHidden: Ref<boolean>
  /** Opens a folder, or the folder of a file; the path may have variables. If it cannot be shown, opens the storage. */
  open: (path: string) => Promise<void>
}

export function useListing(): Listing {
  const listing = ref<FileListing>()
  const note = ref('')
  const text = ref('')
  const withHidden = ref(false)
  let request = 0

  const isCut = computed(() => (listing.value?.total ?? 0) > (listing.value?.entries.length ?? 0))
  const entries = computed(() => {
    const wanted = text.value.toLocaleLowerCase()
    return (listing.value?.entries ?? []).filter(({ name }) => name.toLocaleLowerCase().includes(wanted))
  })

  async function open(path: string): Promise<void> {
    text.value = ''
    await fetchListing(path)
  }

  async function fetchListing(path: string): Promise<void> {
    const ours = ++request
    const query = { path, contains: text.value, hidden: withHidden.value, nearest: true }
    try {
      const found = await answered(api.GET('/api/tablao/v1/files', { params: { query } }))
      if (ours !== request) return
      listing.value = found
      note.value = found.note
    } catch (reason) {
      if (ours === request) note.value = reason instanceof Error ? reason.message : String(reason)
    }
  }

  let isAsked = false
  watch(text, (wanted, _before, onCleanup) => {
    // The manager searches only if the page does not have all entries.
    if (!listing.value || !(isCut.value || isAsked)) return
    isAsked = wanted !== ''
    const { folder } = listing.value
    const timer = window.setTimeout(() => void fetchListing(folder), TYPING_MS)
    onCleanup(() => window.clearTimeout(timer))
  })
  watch(withHidden, () => void fetchListing(listing.value?.folder ?? ''))

  return { listing, entries, note, text, withHidden, open }
}
