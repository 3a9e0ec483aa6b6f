/** A file of this name exists: the wish itself cannot be met, whatever the camera does. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken'
}
