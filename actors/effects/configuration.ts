import { fromPromise } from 'xstate'
import type { Application, ConfigurationEvent, VersionToKeep } from '../../machines/configurationSetup.js'
import {
  type ConfigFile,
  type ConfigHistory,
  type ConfigPlan,
  type ConfigRequest,
  type ConfigRules,
  type HealthScope,
  healthFault,
  type Tuning,
} from '../../machines/domain/configuration.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import type { CameraView, LinkView } from '../../machines/domain/views.js'
import type { Facts } from '../facts.js'
import { callback } from './callback.js'

export interface ConfigurationPorts {
  configFile: ConfigFile
  configHistory: ConfigHistory
  configRules: ConfigRules
  /** Gives the parts outside of the machines their settings. Never throws. */
  tune(tuning: Tuning): void
  log: Pick<Log, 'error'>
}

/** What the health of the service is read from. */
export interface Health {
  facts: Pick<Facts, 'subscribe'>
  cameras(): readonly CameraView[]
  link(): LinkView
}

/** The effects of machines/configuration.ts. */
export const configurationEffects = (
  { configFile: file, configHistory: history, configRules: rules, tune, log }: ConfigurationPorts,
  { facts, cameras, link }: Health,
) => {
  /** A full disk or a broken copy leaves an empty file: all cameras and their recordings would be removed. */
  const newText = async (before: string): Promise<string> => {
    const text = await file.read()
    if (text.trim() !== '' || before.trim() === '') return text
    throw new Failure(
      'config_unreadable',
      'the configuration file is empty: only a restart uses the defaults for all keys',
    )
  }
  const textAfter = async (request: ConfigRequest, text: string): Promise<string> => {
    if (request.origin !== 'client') return file.isThere ? newText(text) : text
    if (!file.isThere) throw new Failure('config_no_file')
    if ('version' in request) {
      const found = (await history.list()).find(({ version }) => version === request.version)
      if (!found) throw new Failure('config_version_unknown')
      return found.text
    }
    // The service never writes over a change that it has not taken over.
    if ((await file.read()) !== text) throw new Failure('config_conflict')
    return rules.patch(text, request.patch)
  }

  return {
    watchFile: callback<ConfigurationEvent>(({ send }) =>
      file.isThere ? file.watch(() => send({ type: 'file.changed' })) : undefined,
    ),

    planChange: fromPromise<ConfigPlan, { request: ConfigRequest; text: string }>(
      async ({ input: { request, text: before } }) => {
        const text = await textAfter(request, before)
        const writes = request.origin === 'client' && ('version' in request || text !== before)
        // A patch is for the text in force; an earlier version replaces whatever the file contains.
        const expects = 'patch' in request ? { expects: before } : {}
        return { ...rules.compare(before, text), text, writes, ...expects }
      },
    ),

    applyChange: fromPromise<void, Application>(async ({ input: { text, expected, tuning } }) => {
      if (text !== undefined) await file.write(text, expected)
      tune(tuning)
    }),

    revertChange: fromPromise<{ fileDiffers: boolean }, Application>(async ({ input: { text, expected, tuning } }) => {
      tune(tuning)
      if (text === undefined) return { fileDiffers: false }
      return file.write(text, expected).then(
        () => ({ fileDiffers: false }),
        async (error: unknown) => {
          // Before a crash, the change may not have been written yet, or may have been reverted already.
          if ((await file.read().catch(() => undefined)) === text) return { fileDiffers: false }
          log.error('the configuration file still holds the change that was reverted', { reason: reasonOf(error) })
          return { fileDiffers: true }
        },
      )
    }),

    keepVersion: fromPromise<number, VersionToKeep>(async ({ input: { text, origin, by, limit } }) =>
      file.isThere ? history.keep({ text, origin, user: by?.user ?? '' }, limit) : 0,
    ),

    watchHealth: callback<ConfigurationEvent, HealthScope>(({ input, send }) => {
      let isOver = false
      const judge = () => {
        if (!isOver) send({ type: 'health.judged', fault: healthFault(input, cameras(), link()) })
      }
      // A fact is published during the transition that causes it: the views show the new state only after it.
      const unsubscribe = facts.subscribe(() => queueMicrotask(judge))
      queueMicrotask(judge)
      return () => {
        isOver = true
        unsubscribe()
      }
    }),
  }
}
