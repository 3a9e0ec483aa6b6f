import type { Fact } from '../../machines/domain/facts.js'
import { cameraTopics } from './camera.js'
import { discoveryTopics } from './discovery.js'
import { recordingTopics } from './recording.js'
import { snapshotTopics } from './snapshot.js'
import { storageTopics } from './storage.js'
import { streamTopics } from './stream.js'
import { systemTopics } from './system.js'
import type { Topic } from './topic.js'

const table = [
  ...cameraTopics,
  ...recordingTopics,
  ...snapshotTopics,
  ...storageTopics,
  ...discoveryTopics,
  ...systemTopics,
  ...streamTopics,
] as const

export type TopicName = (typeof table)[number]['name']

/** All topics. */
export const topics: readonly Topic<TopicName>[] = table
export const topicNames = topics.map(({ name }) => name)

/** The topics that the web client asks for: their payloads are whole objects of its store. */
export const isLegacy = (name: TopicName): boolean => !name.includes('.')

const bySource = new Map<Fact['type'], Topic<TopicName>[]>()
for (const topic of topics)
  for (const type of Object.keys(topic.from) as Fact['type'][])
    bySource.set(type, [...(bySource.get(type) ?? []), topic])

/** The topics that a type of fact is published under. */
export const topicsOf = (type: Fact['type']): readonly Topic<TopicName>[] => bySource.get(type) ?? []
