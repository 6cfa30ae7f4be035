import Storage

/// An instance on its way into the tables: all that can be done before the writer's turn is done.
struct PreparedInstance: Sendable {
  let instance: NewInstance
  /// The compressed metadata.
  let body: [UInt8]
  let bulkData: [UInt8]

  init(_ instance: NewInstance, _ compression: MetadataCompression) throws {
    self.instance = instance
    body = try compression.compress(instance.metadata)
    bulkData = instance.bulkData.encoded
  }
}
