export { maskedLine as maskCredentials, textForClients as plainWords } from '../../machines/domain/mask.js'
