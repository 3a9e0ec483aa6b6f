import { useRef, useState } from 'preact/hooks'
import type { Methods } from '../client/index.js'
import { Confirm, Dialog } from './dialog.js'
import { byDay, bytesText, clockText, countText, dayText } from './format.js'
import { useFacts, useLoaded, useNow, useSession } from './hooks.js'
import { CameraOffIcon, DeleteIcon, DownloadIcon, LockIcon, PlayIcon } from './icons.js'
import { Action, Badge, Empty, Pairs, Pending, Time } from './parts.js'
import { sentence } from './reduce.js'
import { hrefOf } from './route.js'

export type Kind = 'recordings' | 'snapshots'
type File = Methods['list_recordings']['result']['files'][number]

/** Files of one page. */
const pageSize = 60

const close = (kind: Kind) => {
  location.hash = hrefOf({ view: kind })
}

export const FilesView = ({ kind, file }: { kind: Kind; file?: string }) => {
  const { client } = useSession()
  const version = useFacts((facts) => facts.files)
  const cameras = useFacts((facts) => facts.cameras)
  const [limit, setLimit] = useState(pageSize)
  const [camera, setCamera] = useState('')
  const now = useNow(60_000)
  const { data, error, reload } = useLoaded(
    () => client.call(kind === 'recordings' ? 'list_recordings' : 'list_snapshots', { limit }),
    `${kind} ${limit} ${version}`,
    60_000,
  )
  const files = (data?.files ?? []).filter(({ device }) => camera === '' || device === camera)
  const devices = [...new Set([...cameras.map(({ id }) => id), ...(data?.files ?? []).map(({ device }) => device)])]
  const nameOf = (device: string) => cameras.find(({ id }) => id === device)?.name ?? device
  const open = file === undefined ? undefined : data?.files.find(({ filename }) => filename === file)
  return (
    <>
      <div class="view-head">
        <div>
          <h1>{kind === 'recordings' ? 'Recordings' : 'Snapshots'}</h1>
          {data && <p class="quiet">{countText(data.total, kind === 'recordings' ? 'recording' : 'snapshot')}</p>}
        </div>
        <label class="filter">
          <span>Camera</span>
          <select value={camera} onChange={(event) => setCamera(event.currentTarget.value)}>
            <option value="">All cameras</option>
            {devices.map((device) => (
              <option key={device} value={device}>
                {nameOf(device)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Kinds kind={kind} />
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data !== undefined && files.length === 0 && <NoFiles kind={kind} isFiltered={camera !== ''} />}
      {byDay(files, ({ created_time }) => Date.parse(created_time)).map(({ at, items }) => (
        <section key={at} class="day" aria-label={dayText(at, now)}>
          <h2>{dayText(at, now)}</h2>
          <ul class="files">
            {items.map((item) => (
              <FileTile key={item.filename} kind={kind} file={item} name={nameOf(item.device)} />
            ))}
          </ul>
        </section>
      ))}
      {data !== undefined && data.total > data.files.length && limit < 1_000 && (
        <p class="center">
          <button type="button" class="button" onClick={() => setLimit(Math.min(1_000, limit + pageSize))}>
            Show more
          </button>
        </p>
      )}
      {open && <FileDialog kind={kind} file={open} name={nameOf(open.device)} changed={reload} />}
      {file !== undefined && data !== undefined && open === undefined && (
        <Dialog title="Not found" close={() => close(kind)}>
          <p>There is no {file} in this list: it may have been deleted.</p>
        </Dialog>
      )}
    </>
  )
}

const Kinds = ({ kind }: { kind: Kind }) => (
  <nav class="tabs" aria-label="Files">
    {(['recordings', 'snapshots'] as const).map((each) => (
      <a key={each} href={hrefOf({ view: each })} aria-current={each === kind ? 'page' : undefined}>
        {each === 'recordings' ? 'Recordings' : 'Snapshots'}
      </a>
    ))}
  </nav>
)

const NoFiles = ({ kind, isFiltered }: { kind: Kind; isFiltered: boolean }) => (
  <Empty title={isFiltered ? `No ${kind} of this camera` : `No ${kind} yet`}>
    Open a <a href="#/cameras">camera</a> and press {kind === 'recordings' ? 'Record' : 'Snapshot'}.
  </Empty>
)

/** What the file looks like; some files have no picture (yet). */
const Thumbnail = ({ file: { thumbnail_url: url }, name }: { file: File; name: string }) => {
  // Each list has new signatures. The picture is only loaded again if the old one has expired.
  const [source, setSource] = useState(url)
  const [hasFailed, setFailed] = useState(false)
  if (source === undefined || hasFailed)
    return (
      <div class="no-picture">
        <CameraOffIcon />
      </div>
    )
  const failed = () => (source === url ? setFailed(true) : setSource(url))
  return <img src={source} alt={name} loading="lazy" onError={failed} />
}

const FileTile = ({ kind, file, name }: { kind: Kind; file: File; name: string }) => {
  const { filename, created_time: created, duration, file_size: size } = file
  return (
    <li class="file">
      <a href={hrefOf({ view: kind, file: filename })}>
        <div class="still">
          <Thumbnail file={file} name="" />
          {kind === 'recordings' && (
            <span class="play">
              <PlayIcon />
            </span>
          )}
          {duration !== undefined && <span class="age">{clockText(duration * 1_000)}</span>}
        </div>
        <div class="file-body">
          <span class="file-name">{name}</span>
          <span class="quiet">
            <Time at={created} /> · <span class="nowrap">{bytesText(size)}</span>
          </span>
          <Marks file={file} />
        </div>
      </a>
    </li>
  )
}

/** What is special about a file. */
const Marks = ({ file: { protected: isProtected, truncated, quarantined } }: { file: File }) => (
  <>
    {isProtected && (
      <span class="mark">
        <LockIcon />
        Protected
      </span>
    )}
    {truncated && <Badge tone="warn">Truncated</Badge>}
    {quarantined && <Badge tone="bad">Quarantined</Badge>}
  </>
)

interface DialogProps {
  kind: Kind
  file: File
  name: string
  changed(): void
}

const FileDialog = ({ kind, file, name, changed }: DialogProps) => {
  const [isDeleting, setDeleting] = useState(false)
  const { filename, download_url: url, format } = file
  const title = `${name}, ${new Date(file.created_time).toLocaleString()}`
  return (
    <Dialog title={title} close={() => close(kind)} isWide>
      {kind === 'snapshots' ? (
        <img class="full" src={url} alt={`Snapshot of ${name}`} />
      ) : format === 'mp4' ? (
        <Playback url={url} name={name} />
      ) : (
        <p class="quiet">Browsers do not play {format.toUpperCase()} files. Download it to play it.</p>
      )}
      <div class="row between">
        <FileFacts file={file} />
        <FileActions kind={kind} file={file} changed={changed} askDelete={() => setDeleting(true)} />
      </div>
      {isDeleting && <DeleteFile kind={kind} filename={filename} close={() => setDeleting(false)} changed={changed} />}
    </Dialog>
  )
}

/** Goes on where it was with a new signature when the old one expires during the playback. */
const Playback = ({ url, name }: { url: string; name: string }) => {
  const [source, setSource] = useState(url)
  const [hasFailed, setFailed] = useState(false)
  const position = useRef(0)
  const firstSource = useRef(url)
  const failed = () => {
    if (source === url) setFailed(true)
    else setSource(url)
  }
  return (
    <>
      <video
        class="full"
        controls
        autoplay
        muted
        src={source}
        aria-label={`Recording of ${name}`}
        onTimeUpdate={(event) => {
          position.current = event.currentTarget.currentTime
        }}
        onLoadedMetadata={(event) => {
          if (source !== firstSource.current) event.currentTarget.currentTime = position.current
        }}
        onError={failed}
      />
      {hasFailed && <p class="reason">The browser cannot play this file. Download it to play it elsewhere.</p>}
    </>
  )
}

const FileFacts = ({ file }: { file: File }) => (
  <div>
    <Pairs
      of={[
        ['File', file.filename],
        ['Size', bytesText(file.file_size)],
        ['Duration', file.duration === undefined ? undefined : clockText(file.duration * 1_000)],
      ]}
    />
    <Marks file={file} />
    {file.details && <p class="reason">{sentence(file.details)}</p>}
  </div>
)

const FileActions = ({
  kind,
  file: { filename, download_url: url, protected: isProtected },
  changed,
  askDelete,
}: Omit<DialogProps, 'name'> & { askDelete(): void }) => {
  const { client } = useSession()
  const role = useFacts((facts) => facts.role)
  return (
    <div class="row">
      <a class="button main" href={url} download={filename}>
        <DownloadIcon />
        <span>Download</span>
      </a>
      {role === 'admin' && kind === 'recordings' && (
        <Action
          label={isProtected ? 'End protection' : 'Protect'}
          Icon={LockIcon}
          run={async () => {
            await client.call('protect_recording', { filename, protected: !isProtected })
            changed()
            return isProtected ? 'The recording can be deleted again.' : 'Nothing can delete this recording now.'
          }}
        />
      )}
      {role === 'admin' && (
        <Action
          label="Delete"
          Icon={DeleteIcon}
          tone="danger"
          permission={isProtected ? { allowed: false, why: 'the recording is protected' } : { allowed: true }}
          run={() => {
            askDelete()
            return undefined
          }}
        />
      )}
    </div>
  )
}

const DeleteFile = ({
  kind,
  filename,
  close: cancel,
  changed,
}: {
  kind: Kind
  filename: string
  close(): void
  changed(): void
}) => {
  const { client } = useSession()
  return (
    <Confirm
      title={`Delete this ${kind === 'recordings' ? 'recording' : 'snapshot'}?`}
      text={`${filename} is deleted for good.`}
      label="Delete"
      close={cancel}
      run={async () => {
        await client.call(kind === 'recordings' ? 'delete_recording' : 'delete_snapshot', { filename })
        changed()
        close(kind)
        return `${filename} was deleted.`
      }}
    />
  )
}
