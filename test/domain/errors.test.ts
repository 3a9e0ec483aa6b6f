import { expect } from 'chai'
import {
  dependencyFailed,
  errorBody,
  errorKinds,
  invalidParam,
  ServiceError,
  suggestionKeyOf,
} from '../../machines/domain/errors.js'
import { because } from '../../machines/domain/reason.js'

describe('the errors of the API', () => {
  it('have the codes of the contract, a status and a reason', () => {
    const rows = Object.entries(errorKinds).map(
      ([key, { code, status, reason }]) => `${key} ${code} ${status} ${reason}`,
    )
    expect(rows).to.deep.equal([
      'invalidRequest -32600 400 invalid_request',
      'methodNotFound -32601 404 method_not_found',
      'invalidParams -32602 400 invalid_params',
      'internal -32603 500 internal_error',
      'authRequired -32001 401 auth_required',
      'authFailed -32001 401 auth_failed',
      'permissionDenied -32002 403 permission_denied',
      'notFound -32010 404 not_found',
      'invalidState -32020 409 invalid_state',
      'unsupported -32030 501 unsupported',
      'rateLimited -32040 429 rate_limited',
      'dependencyFailed -32050 503 dependency_failed',
    ])
  })

  it('have the words of their case, by reason, resource or dependency', () => {
    const suggestion = (error: ServiceError, transport?: 'http') => errorBody(error, transport).data.suggestion
    expect(suggestion(new ServiceError('notFound', { resource: 'camera' }))).to.match(/^Check the id; get_camera_list/)
    expect(suggestion(new ServiceError('notFound', { resource: 'camera' }), 'http')).to.match(/^Check the id/)
    expect(suggestion(new ServiceError('notFound', { resource: 'recording' }), 'http')).to.match(/^Check the address/)
    expect(suggestion(new ServiceError('notFound', { resource: 'toString' }))).to.match(/^Check the name/)
    expect(suggestion(new ServiceError('dependencyFailed', { dependency: 'storage' }))).to.match(/^Check the disk/)
    expect(suggestion(new ServiceError('dependencyFailed', { reason: 'not_known' }))).to.equal('Try again later')
    expect(invalidParam('life', 'must be at most 7').data).to.deep.equal({
      ...{ reason: 'invalid_params', param: 'life' },
      rule: 'must be at most 7',
    })
  })

  it('name the reason why a part of the system failed, or only its sentence', () => {
    expect(dependencyFailed('storage', because('storage_full')).data).to.deep.equal({
      ...{ reason: 'storage_full', dependency: 'storage', detail: because('storage_full').details },
    })
    expect(dependencyFailed('mediamtx', 'it does not answer').data).to.deep.equal({
      ...{ reason: 'dependency_failed', dependency: 'mediamtx', detail: 'it does not answer' },
    })
  })

  it('name the place of a suggestion that the table has, by code', () => {
    const placeOf = (error: ServiceError, transport?: 'http') => {
      const { code, data } = errorBody(error, transport)
      return suggestionKeyOf(code, data as never)
    }
    expect(placeOf(new ServiceError('notFound', { resource: 'camera' }))).to.equal('notFound.camera')
    expect(placeOf(new ServiceError('notFound', { resource: 'camera' }), 'http')).to.equal('notFound.camera')
    expect(placeOf(new ServiceError('notFound', {}))).to.equal('notFound')
    expect(placeOf(new ServiceError('unsupported'))).to.equal('unsupported')
    expect(placeOf(new ServiceError('notFound', { suggestion: 'Look elsewhere' }))).to.equal(undefined)
    const { data } = errorBody(new ServiceError('unsupported'))
    expect(suggestionKeyOf(-32010, data as never)).to.equal(undefined)
  })
})
