public import FHIRModel
public import JSONCore

/// One item of a FHIRPath collection: a place in a document, or a computed System value. The rarer values are boxed so
/// that collections of nodes stay small.
public enum FHIRPathItem: Sendable {
  case node(FHIRPathNode)
  case boolean(Bool)
  /// System.Integer. Kept in 64 bits; conversions from text keep to the 32 bits of the standard.
  case integer(Int64)
  indirect case decimal(FHIRDecimal)
  case string(String)
  /// System.Date, System.DateTime or System.Time.
  indirect case temporal(FHIRPathTemporal)
  indirect case quantity(FHIRPathQuantity)
  /// What `type()` returns.
  indirect case type(FHIRPathTypeInfo)
}

/// A place in a document together with its type.
public struct FHIRPathNode: Sendable {
  public let document: JSONDocument
  /// The value; nil for a primitive that has only an id or extensions.
  public let value: JSONNode?
  /// The object with a primitive's id and extensions, which JSON keeps in a sibling member (R4 json#primitive).
  public let sibling: JSONNode?
  public let type: Schema.TypeID

  public init(document: JSONDocument, value: JSONNode?, sibling: JSONNode? = nil, type: Schema.TypeID) {
    self.document = document
    self.value = value
    self.sibling = sibling
    self.type = type
  }

  /// The object that holds the children: the value of a complex type, the sibling of a primitive.
  var object: JSONNode? {
    guard let value, document.kind(value) == .object else { return sibling }
    return value
  }

  /// A place no other node has.
  var identity: Int64 {
    Int64(value?.index ?? -1) << 32 | Int64(UInt32(bitPattern: sibling?.index ?? -1))
  }
}

/// A type as `type()` describes it (FHIRPath 2.0 §Reflection).
public struct FHIRPathTypeInfo: Sendable, Equatable {
  /// "System" or "FHIR".
  public let namespace: String
  public let name: String
}
