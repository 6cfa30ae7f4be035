import Base
import DeviceMapping
import DeviceService
import DeviceStore
import Glibc

/// The two mappings of a device service, in a folder or of those that come with Aceso.
struct DeviceMappingFiles {
  private static let names: [MappingKind: [String]] = [
    .device: ["device.json", "devicecontent.json"], .fhir: ["fhir.json", "fhirmapping.json"],
  ]
  private let files: [(kind: MappingKind, path: String, content: [UInt8])]

  /// - Parameter place: a folder, or the name of ready mappings.
  init(_ place: String) throws {
    if !place.contains("/"), access(place, F_OK) != 0, let ready = ReadyMapping.named(place) {
      files = [(.device, "\(place) (device)", ready.device), (.fhir, "\(place) (fhir)", ready.fhir)]
      return
    }
    var files: [(kind: MappingKind, path: String, content: [UInt8])] = []
    for kind in MappingKind.allCases {
      let paths = (Self.names[kind] ?? []).map { "\(place)/\($0)" }
      guard let path = paths.first(where: { access($0, R_OK) == 0 }) else {
        throw CommandError("cannot read \(paths.joined(separator: " or "))")
      }
      files.append((kind, path, Array(try DataFolder.text(path).utf8)))
    }
    self.files = files
  }

  /// Puts a file in force if it is another than the one that was last loaded: what was changed in the service since
  /// stays, until the file changes.
  func load(into service: DeviceService) async throws {
    for (kind, path, content) in files {
      let origin = String(SipHash(key0: 0, key1: 0).hash(content), radix: 16)
      if try service.store.mapping(kind)?.origin == origin { continue }
      do {
        for warning in try await service.setMapping(kind, content, origin: origin) {
          Terminal.note("\(path):\(warning.line):\(warning.column): warning: \(warning.message)")
        }
      } catch let error as MappingError {
        let lines = error.problems.map { "\(path):\($0.line):\($0.column): \($0.message)" }
        throw CommandError("a mapping cannot be used\n" + lines.joined(separator: "\n"))
      }
    }
  }

  func content(_ kind: MappingKind) -> [UInt8]? { files.first { $0.kind == kind }?.content }
}
