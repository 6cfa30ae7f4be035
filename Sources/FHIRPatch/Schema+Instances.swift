internal import FHIRModel
internal import JSONCore

extension Schema {
  private static let resourceTypeKey: JSONKey = "resourceType"

  /// The type that a resource in JSON names.
  func resourceType(of value: JSONNode, in document: JSONDocument) -> TypeID? {
    guard let name = document.member(value, Schema.resourceTypeKey), document.kind(name) == .string else { return nil }
    return document.decoded(name).withUnsafeBufferPointer { resourceType(utf8: $0) }
  }

  /// The type itself, or for a resource the one that the instance names.
  func concreteType(_ type: TypeID, of value: JSONNode, in document: JSONDocument) -> TypeID {
    guard kind(type) == .resource, isAbstract(type) else { return type }
    return resourceType(of: value, in: document) ?? type
  }

  /// How a primitive stands in JSON; nil for a type that is no primitive. System types stand for text.
  func primitiveForm(_ type: TypeID) -> Primitive? {
    kind(type) == .system ? .string : primitive(type)
  }
}
