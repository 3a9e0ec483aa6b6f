/** The typed client, for Node and browsers. It knows nothing of the server but the contract. */
export { type CameraServiceClient, type ClientOptions, type ConnectionState, connectCameraService } from './connect.js'
export type * from './contract.js'
export { CallTimedOut, ConnectionLost, RpcError, SessionEnded } from './errors.js'
export type { CallOptions, WebSocketConstructor, WebSocketLike } from './link.js'
export type { Filters, GapReason, Topic, TopicEvent } from './subscriptions.js'
