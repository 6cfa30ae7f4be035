import Foundation
import Testing

@testable import Workspace

/// The page about the configuration and the code hold the same keys; the example is one.
@Suite struct ConfigurationPageTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "docs/operations")

  /// The keys in the first columns of a section's tables.
  private static func keys(_ heading: String) throws -> [String] {
    let page = try String(contentsOf: folder.appending(path: "configuration.md"), encoding: .utf8)
    let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0 == heading }, "\(heading)")
    return lines[(start + 1)...].prefix { !$0.hasPrefix("## ") }.compactMap { line in
      guard line.hasPrefix("| `") else { return nil }
      return line.dropFirst(3).split(separator: "`").first.map(String.init)
    }
  }

  @Test(arguments: [
    ("## `server`", ServerConfiguration.keys), ("## `limits`", LimitKey.all.map(\.name)),
    ("## `workspaces`", Workspace.keys), ("## `services`", ServiceDefinition.keys + ["fhirdestinations"]),
    ("## `properties`", ServiceSettings.keys), ("## `properties` of `fhirservices`", FHIRProperties.keys),
    ("## `properties` of `dicomservices`", DICOMProperties.keys),
    ("## `properties` of `iotconnectors`", IoTConnectorProperties.keys),
    ("## `corsConfiguration`", CORSConfiguration.keys), ("## `networkAccess`", NetworkAccess.keys),
    ("## `clientLimits`", ClientLimits.keys),
    ("## `resourceVersionPolicyConfiguration`", VersionPolicyConfiguration.keys),
    ("## `authenticationConfiguration`", AuthenticationConfiguration.keys),
  ])
  func thePageHasEveryKey(heading: String, keys: [String]) throws {
    #expect(try Self.keys(heading).sorted() == keys.sorted())
  }

  @Test func thePageTellsWhatIsRefused() throws {
    let page = try String(contentsOf: Self.folder.appending(path: "configuration.md"), encoding: .utf8)
    for key in FHIRProperties.refused.keys.sorted() + DICOMProperties.refused.keys.sorted() {
      #expect(page.contains("`\(key)`"), "\(key)")
    }
  }

  @Test func theExampleIsRead() throws {
    let text = try String(contentsOf: Self.folder.appending(path: "aceso.yaml"), encoding: .utf8)
    let declared = try Workspaces(yaml: text, file: "aceso.yaml")
    #expect(declared.workspaces?.map(\.name) == ["clinic", "research"])
    #expect(declared.workspaces?.flatMap(\.services).map(\.name) == ["records", "images", "cohort"])
    let settings = declared.workspaces?.first?.services.map(\.settings.cors?.origins)
    #expect(settings == [["https://app.health.example"], ["https://app.health.example"]])
  }
}
