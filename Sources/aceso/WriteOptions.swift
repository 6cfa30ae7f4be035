import ArgumentParser
import FHIRService
import Workspace

/// What `aceso serve` is told about writes.
struct WriteOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      How versions are kept: versioned, versioned-update (updates must have If-Match) or no-version (superseded \
      versions are not kept); for one resource type as Type=policy. May be given several times. Default: versioned
      """, valueName: "policy"))
  var versionPolicy: [String] = []

  @Option(
    help: """
      The standard's own rules that a write must keep: cheap (those about one element) or all. Default: cheap
      """,
    transform: { text in
      guard let invariants = InvariantsChecked(rawValue: text) else {
        throw ValidationError("'\(text)' is none of cheap, all.")
      }
      return invariants
    })
  var invariants: InvariantsChecked?

  func validate() throws {
    var policies = VersionPolicies()
    for text in versionPolicy where !policies.add(text) {
      throw ValidationError("'\(text)' is no version policy: versioned, versioned-update, no-version or Type=policy.")
    }
  }

  func apply(to configuration: inout ServerConfiguration) {
    var policies = VersionPolicies(configuration.versions)
    for text in versionPolicy { _ = policies.add(text) }
    configuration.versions.standard = .init(rawValue: policies.standard.rawValue) ?? .versioned
    configuration.versions.ofTypes = policies.ofTypes.compactMapValues { .init(rawValue: $0.rawValue) }
    if let invariants { configuration.invariants = invariants }
  }
}
