import type { CameraId, Device } from '../../machines/domain/camera.js'
import type { DeviceProbe, Pictures, Pipelines } from '../../machines/domain/ports.js'
import { isSimulated } from './usb.js'

/** A simulated USB camera is captured like a virtual one: its pictures are test patterns. */
const captured = (device: Device): Device =>
  device.kind === 'usb' && isSimulated(device.node) ? { kind: 'virtual', name: device.model } : device

export const simulatedProbe = (probe: DeviceProbe): DeviceProbe => ({
  capabilities: (device, signal) => probe.capabilities(captured(device), signal),
})

export const simulatedPipelines = <Whole extends Pipelines>(pipelines: Whole): Whole => ({
  ...pipelines,
  spec: (camera: CameraId, device: Device, pipeline: Parameters<Pipelines['spec']>[2]) =>
    pipelines.spec(camera, captured(device), pipeline),
})

export const simulatedPictures = (pictures: Pictures): Pictures => ({
  ...pictures,
  // There is no V4L2 device: ffmpeg makes the picture of the direct way, too.
  grabDirect: (camera, device, ...rest) =>
    captured(device) === device
      ? pictures.grabDirect(camera, device, ...rest)
      : pictures.grabByFfmpeg(camera, captured(device), ...rest),
  grabByFfmpeg: (camera, device, ...rest) => pictures.grabByFfmpeg(camera, captured(device), ...rest),
})
