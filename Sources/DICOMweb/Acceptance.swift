public import Base

/// What a client takes for an answer: the `Accept` header, or the `accept` parameter in its place (PS3.18 §8.3.3.1,
/// §8.7.8). Quotes may be missing, and the case does not matter.
public struct Acceptance: Sendable {
  /// A media range.
  public struct Range: Sendable {
    /// `application/dicom`, `image/*`, `*/*`. Of a multipart range the type of its parts, `*/*` if it names none.
    public let mediaType: String
    public let isMultipart: Bool
    /// `*` or a UID, if the range has such a parameter.
    public let transferSyntax: String?
    /// 0 to 1.
    public let quality: Double

    init(_ type: MediaType) {
      isMultipart = type.name == "multipart/related"
      mediaType = isMultipart ? type["type"].map { $0.lowercased() } ?? "*/*" : type.name
      transferSyntax = type["transfer-syntax"].map { String($0.filter { $0 != " " }) }
      quality = type.quality
    }

    /// Whether it takes parts, or single answers, of a type.
    public func matches(_ type: String) -> Bool {
      if mediaType == "*/*" || mediaType == type { return true }
      guard mediaType.hasSuffix("/*") else { return false }
      return type.hasPrefix(mediaType.dropLast())
    }

    var isWildcard: Bool { mediaType == "*/*" || mediaType == "application/*" }
  }

  /// What is wanted, best first; of the same quality in the client's order. Without what is not wanted (`q=0`).
  public let ranges: [Range]
  /// Whether the client says nothing at all.
  public let isAbsent: Bool

  /// Media ranges of one request that are looked at.
  public static let rangesMax = 100

  public init(_ headers: [String], parameters: QueryParameters = QueryParameters()) {
    let asked = parameters.all("accept")
    let types = (asked.isEmpty ? headers : asked).flatMap { MediaType.list($0) }
    isAbsent = types.isEmpty
    let ranges = types.prefix(Self.rangesMax).map { Range($0) }.filter { $0.quality > 0 }
    self.ranges = ranges.enumerated().sorted {
      ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset)
    }.map(\.element)
  }

  public static let notAcceptable = Fault(.notAcceptable, "The request headers are not acceptable")

  // MARK: Data sets

  /// How data sets are written in an answer.
  public enum DataSetForm: Hashable, Sendable {
    /// `application/dicom+json`
    case json
    /// `application/dicom+xml`, in a multipart answer one part for each data set.
    case xml
  }

  /// The form of search results and metadata: XML is multipart (PS3.18 table 8.7.3-1 and §10.6.4).
  /// - Throws: `.notAcceptable`, also without an `Accept` header.
  public func resultsForm() throws(Fault) -> DataSetForm {
    try dataSetForm { $0.isMultipart && $0.matches("application/dicom+xml") }
  }

  /// The form of an answer that is one data set.
  /// - Throws: as `resultsForm`.
  public func dataSetForm() throws(Fault) -> DataSetForm {
    try dataSetForm { !$0.isMultipart && $0.matches("application/dicom+xml") }
  }

  private func dataSetForm(_ isXML: (Range) -> Bool) throws(Fault) -> DataSetForm {
    for range in ranges {
      if !range.isMultipart, range.matches("application/dicom+json") || range.mediaType == "application/json" {
        return .json
      }
      if isXML(range) { return .xml }
    }
    throw Self.notAcceptable
  }

  /// Whether plain JSON may be answered; those who say nothing take it.
  public var takesJSON: Bool {
    isAbsent
      || ranges.contains { !$0.isMultipart && ($0.matches("application/json") || $0.mediaType.hasSuffix("json")) }
  }

  /// The first of several single media types that the client wants most; nil if it wants none of them. Of types that
  /// one range takes, the one that is offered first.
  public func choice(of offered: [String]) -> String? {
    for range in ranges where !range.isMultipart {
      if let found = offered.first(where: { range.matches($0) }) { return found }
    }
    return nil
  }
}
