import DeviceMapping
import Foundation
import JSONCore
import TestSupport

/// Microsoft's sample mappings and messages.
enum Samples {
  static let folder = "medtech-samples"
  static let inputs = "medtech-samples/test/Microsoft.Health.Fhir.Ingest.Template.UnitTests/TestInput"
  static let isThere = ConformanceData.has(folder)

  static func bytes(_ name: String, in folder: String = inputs) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: ConformanceData.folder.appendingPathComponent("\(folder)/\(name)")))
  }

  static func mapping(_ name: String, in folder: String = inputs, _ settings: MappingSettings = .init()) throws
    -> DeviceMapping
  {
    try DeviceMapping(bytes(name, in: folder), settings: settings)
  }

  static func fhir(_ name: String, in folder: String = inputs) throws -> FHIRMapping {
    try FHIRMapping(bytes(name, in: folder))
  }

  static func message(_ name: String) throws -> JSONDocument {
    let bytes = try bytes(name)
    return try JSONDocument(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes)
  }

  /// A single template as the only one of a collection.
  static func wrapped(_ template: String, in collection: String = "CollectionContent") -> [UInt8] {
    Array("{\"templateType\":\"\(collection)\",\"template\":[\(template)]}".utf8)
  }

  static func wrapped(file name: String, in collection: String = "CollectionContent") throws -> [UInt8] {
    let bytes = try bytes(name)
    let text = String(
      decoding: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...], as: UTF8.self)
    return wrapped(text, in: collection)
  }
}
