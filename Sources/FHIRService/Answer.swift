public import Base

/// What a service answers, before a protocol gives it its form.
public struct Answer: Sendable {
  /// An HTTP status code; other protocols map it.
  public var status: Int
  /// The resource as JSON; nil for none.
  public var resource: [UInt8]?
  /// The version that `ETag` names.
  public var version: Int64?
  public var lastModified: Instant?
  /// The address of what was created, absolute.
  public var location: String?
  /// How many resources a conditional deletion deleted.
  public var itemsDeleted: Int?

  public init(_ status: Int, resource: [UInt8]? = nil) {
    self.status = status
    self.resource = resource
  }

  /// The version as an entity tag (FHIR R4 http#versioning).
  public var etag: String? { version.map { "W/\"\($0)\"" } }
}
