import { describe, expect, it } from 'vitest'
import { ailing, partsOf, summaryOf, type Check } from '@/doctor/words'

const check = (id: string, state: Check['state']): Check => ({ id, state, sentence: 'It is so.', advice: state === 'fine' ? '' : 'Mend it.' })
const CHECKS = [check('a', 'fine'), check('b', 'to-look-at'), check('c', 'broken'), check('d', 'to-look-at')]

describe('what a doctor has found', () => {
  it('begins with what is broken', () => {
    expect(ailing(CHECKS).map(({ id }) => id)).toEqual(['c', 'b', 'd'])
  })

  it('shows commands as such', () => {
    expect(partsOf('Call `tablao tls renew`, then look.')).toEqual(['Call ', 'tablao tls renew', ', then look.'])
    expect(partsOf('`blender` or a lone ` stays')).toEqual(['`blender` or a lone ` stays'])
  })

  it('is summed up', () => {
    expect(summaryOf(CHECKS)).toBe('1 broken, 2 to look at, 1 fine.')
    expect(summaryOf([check('a', 'fine')])).toBe('All 1 checks are fine.')
  })
})
