import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { probe } from './media.js'
import { describeService, type Service, startService, virtual } from './service.js'

interface Info {
  filename: string
  file_size: number
  modified_time: string
  complete: boolean
  indexed: boolean
}

describeService('the index of recordings', (kind) => {
  let service: Service
  const begin = async (dataDir?: string, format = 'fmp4') => {
    service = await startService({
      kind,
      cameras: ['one', 'two'].map(virtual),
      ...(dataDir !== undefined && { dataDir }),
      env: { CAMERA_SERVICE_RECORDING_INDEX: 'true', CAMERA_SERVICE_RECORDING_FORMAT: format },
    })
  }
  before(() => begin())
  after(() => service?.end())

  const info = (filename: string) => service.call<Info>('get_recording_info', { filename })
  const folderOf = (name: string) => join(service.dataDir, 'recordings', name.replace(/_.*/, ''))
  const file = (name: string) => join(folderOf(name), name)
  /** Records until the file has some parts. */
  const record = async (device: string, format?: string): Promise<string> => {
    const { filename } = await service.call<{ filename: string }>('start_recording', {
      device,
      ...(format && { format }),
    })
    const { size } = await stat(file(filename))
    await service.until('some parts', async () => (await stat(file(filename))).size > size + 20_000)
    return filename
  }
  const stop = (device: string) => service.call('stop_recording', { device })
  /** On a busy host it takes long: indexes have the lowest priority. */
  const indexed = (filename: string) =>
    service.until(
      `the index of ${filename}`,
      async () => {
        const now = await info(filename)
        return now.indexed && now
      },
      150_000,
    )
  /** The types of the boxes at the beginning of the file. */
  const boxesOf = async (name: string, number: number) => {
    const content = await readFile(file(name))
    const types: string[] = []
    for (let offset = 0; types.length < number && offset + 8 <= content.length; ) {
      types.push(content.toString('latin1', offset + 4, offset + 8))
      offset += content.readUInt32BE(offset)
    }
    return types
  }

  it('comes some seconds after the stop, in the format of each recording, with the same frames', async () => {
    const names = await Promise.all([record('camera0'), record('camera1', 'mp4')])
    expect((await info(names[0] ?? '')).indexed).to.equal(false)
    await Promise.all([stop('camera0'), stop('camera1')])
    const before = await Promise.all(names.map((name) => info(name)))
    const frames = await Promise.all(names.map((name) => probe(file(name))))
    for (const [index, name] of names.entries()) {
      const now = await indexed(name)
      expect(now).to.include({ complete: true, modified_time: before[index]?.modified_time })
      expect(now.file_size).to.equal((await stat(file(name))).size)
      const { duration, ...facts } = await probe(file(name))
      const { duration: old = 0, ...same } = frames[index] ?? {}
      expect(facts).to.deep.equal(same)
      expect(duration).to.be.closeTo(old, 0.5)
      expect(await readdir(folderOf(name))).to.deep.equal([name])
    }
    expect(await boxesOf(names[0] ?? '', 4)).to.deep.equal(['ftyp', 'moov', 'sidx', 'moof'])
    expect(await boxesOf(names[1] ?? '', 2)).to.deep.equal(['ftyp', 'moov'])
    expect(await boxesOf(names[1] ?? '', 9)).not.to.include('moof')
    const page = await fetch(`http://127.0.0.1:${service.ports.health}/metrics`)
    expect(await page.text()).to.match(/recording_files_indexed_total\{camera="camera1",outcome="indexed"\} 1/)
  })

  it('comes after the start of the service if the last run had no time for it', async () => {
    const filename = await record('camera0')
    await stop('camera0')
    await service.stop()
    await begin(service.dataDir, 'mp4')
    await indexed(filename)
    expect(await boxesOf(filename, 9)).not.to.include('moof')
    expect(service.log.filter((line) => line.includes('file.notIndexed'))).to.deep.equal([])
  })
})
