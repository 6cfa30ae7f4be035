import DICOMCore
public import DICOMweb
public import Identity

/// An interaction with all that comes with it: the one form in which a DICOM service is asked.
public struct DICOMCall: Sendable {
  public var interaction: DICOMInteraction
  public var version: DICOMVersion
  /// Nil: the only one there is.
  public var partition: String?
  /// The absolute address of the service's root for the version, without a slash at its end: `https://h/x/dicom/v2`.
  /// Retrieve URLs begin with it.
  public var base: String
  /// The parameters behind the address's question mark.
  public var parameters = QueryParameters()
  /// The values of the `Accept` headers as they came; empty if there is none.
  public var accept: [String] = []
  /// `Content-Type`
  public var contentType: String?
  /// `If-None-Match`
  public var ifNoneMatch: String?
  /// `Range`
  public var range: String?
  /// `msdicom-request-original: true`
  public var wantsOriginal = false
  public var body = DICOMBody.whole([])

  public init(_ interaction: DICOMInteraction, version: DICOMVersion, base: String) {
    self.interaction = interaction
    self.version = version
    self.base = base
  }

  /// The address below which the partition's studies are, without a slash at its end.
  public var root: String { partition.map { "\(base)/partitions/\($0)" } ?? base }

  /// Host and port of `base`, which `Warning` headers name as their agent (RFC 7234 §5.5).
  public var host: String {
    guard let scheme = base.firstRange(of: "://") else { return "-" }
    return String(base[scheme.upperBound...].prefix { $0 != "/" })
  }
}

/// A request's body: whole, or piece by piece as it comes.
public enum DICOMBody: Sendable {
  case whole([UInt8])
  /// Nil at the end. What `next` throws ends the request; a `Fault` goes to the client.
  case stream(next: @Sendable () async throws -> [UInt8]?)
}

/// What the caller was allowed; made once, before the service is asked.
public struct DICOMDecision: Sendable {
  private let rules: AccessRules

  /// Everything: for a service without authentication, and for the server's own work.
  public static let everything = DICOMDecision(.everything)

  /// Nothing but what is for everybody.
  public static let nothing = DICOMDecision(.anonymous)

  /// What these rules allow.
  public init(_ rules: AccessRules) { self.rules = rules }

  func allows(_ interaction: DICOMInteraction) -> Bool { rules.allows(interaction.access) }
}

extension DICOMInteraction {
  /// What permission this takes, by the name that rules have for it.
  public var access: DICOMInteractionKind {
    switch self {
    case .store: .store
    case .search: .search
    case .delete: .delete
    case .changeFeed, .changeFeedLatest: .changeFeed
    case .partitions: .partitions
    case .capabilities: .capabilities
    case .retrieve, .metadata, .frames, .rendered, .thumbnail, .bulkData, .pixelData, .wadoURI: .retrieve
    }
  }

  /// The UIDs of what it is about, as a path; nil where the address names none.
  public var accessedTarget: String? {
    switch self {
    case .store(let study): study?.value
    case .search(let scope): scope.study?.value
    case .retrieve(let target), .metadata(let target), .frames(let target, _), .rendered(let target, _),
      .thumbnail(let target, _), .bulkData(let target, _), .pixelData(let target), .delete(let target):
      [target.study, target.series, target.instance].compactMap { $0?.value }.joined(separator: "/")
    case .changeFeed, .changeFeedLatest, .partitions, .capabilities, .wadoURI: nil
    }
  }
}
