import DICOMCore
import JSONCore

/// Why an instance was not stored (FailureReason, (0008,1197); PS3.18 table I.2-2 and Microsoft's own).
public enum FailureReason: UInt16, Hashable, Sendable {
  /// It is no DICOM, or could not be processed otherwise.
  case processingFailure = 0x0110
  /// It is stored already (PS3.7 C.5.8).
  case duplicateInstance = 0x0111
  /// An attribute is invalid; Microsoft's meaning of "data set does not match SOP class".
  case validationFailure = 0xA900
  /// It is stored already: Microsoft's own code.
  case alreadyExists = 0xB00E
  /// Another request is storing it: Microsoft's own code.
  case pending = 0xB00F
  /// It passes a limit, or its encoding means nothing.
  case cannotUnderstand = 0xC000
  /// Its pixel data is in a transfer syntax that is not taken.
  case transferSyntaxNotSupported = 0xC122
}

/// What is to be said of an instance that was stored (WarningReason, (0008,1196)).
public enum WarningReason: UInt16, Hashable, Sendable {
  /// Attributes are invalid: Microsoft's own code.
  case validationWarnings = 0x0001
  /// Microsoft says so of all instances in implicit VR.
  case dataSetDoesNotMatchSOPClass = 0xB007
}

/// The answer to a store request (PS3.18 §10.5.3 and annex I).
public struct StoreResponse: Sendable {
  public struct Stored: Sendable {
    public var sopClassUID: String?
    public var sopInstanceUID: String
    public var retrieveURL: String
    public var warning: WarningReason?
    public var comments: [String]

    public init(
      sopClassUID: String?, sopInstanceUID: String, retrieveURL: String, warning: WarningReason? = nil,
      comments: [String] = []
    ) {
      self.sopClassUID = sopClassUID
      self.sopInstanceUID = sopInstanceUID
      self.retrieveURL = retrieveURL
      self.warning = warning
      self.comments = comments
    }
  }

  public struct Failed: Sendable {
    public var sopClassUID: String?
    /// Nil where it could not be read.
    public var sopInstanceUID: String?
    public var reason: FailureReason
    /// Nil where the attributes are not why.
    public var comments: [String]?

    public init(
      sopClassUID: String? = nil, sopInstanceUID: String? = nil, reason: FailureReason, comments: [String]? = nil
    ) {
      self.sopClassUID = sopClassUID
      self.sopInstanceUID = sopInstanceUID
      self.reason = reason
      self.comments = comments
    }
  }

  public let version: DICOMVersion
  /// The address of the study that the request names; told if anything was stored.
  public var studyURL: String?
  public var stored: [Stored] = []
  public var failed: [Failed] = []

  public init(_ version: DICOMVersion, studyURL: String? = nil) {
    self.version = version
    self.studyURL = studyURL
  }

  /// 200, 202, 204 or 409.
  public var status: Int {
    if stored.isEmpty { return failed.isEmpty ? 204 : 409 }
    let hasWarnings = version != .v1 && stored.contains { $0.warning != nil }
    return failed.isEmpty && !hasWarnings ? 200 : 202
  }

  /// Whether a failure is one of OtherFailuresSequence (PS3.18 table I.1-1): of bytes that are no instance.
  private func isOther(_ failure: Failed) -> Bool { version == .standard && failure.sopInstanceUID == nil }

  /// The data set as DICOM JSON.
  public func json() -> [UInt8] {
    var writer = JSONWriter(reserving: 256 + 256 * (stored.count + failed.count))
    Attribute.write(attributes, to: &writer)
    return writer.bytes
  }

  /// The data set as Native DICOM Model.
  public func xml() -> [UInt8] {
    var text = """
      <?xml version="1.0" encoding="UTF-8"?>
      <NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">
      """
    Attribute.write(attributes, to: &text)
    text += "</NativeDicomModel>\n"
    return Array(text.utf8)
  }

  // MARK: Attributes

  private var attributes: [Attribute] {
    var attributes: [Attribute] = []
    if let studyURL, !stored.isEmpty { attributes.append(Attribute(.retrieveURL, .text(.UR, studyURL))) }
    let failures = failed.filter { !isOther($0) }.map(attributes(of:))
    let others = failed.filter(isOther).map(attributes(of:))
    if !failures.isEmpty { attributes.append(Attribute(.failedSOPSequence, .items(failures))) }
    if !stored.isEmpty { attributes.append(Attribute(.referencedSOPSequence, .items(stored.map(attributes(of:))))) }
    // OtherFailuresSequence
    if !others.isEmpty { attributes.append(Attribute(Tag(0x0008, 0x119A), .items(others))) }
    return attributes
  }

  private func attributes(of stored: Stored) -> [Attribute] {
    var attributes: [Attribute] = []
    if let uid = stored.sopClassUID { attributes.append(Attribute(.referencedSOPClassUID, .text(.UI, uid))) }
    attributes.append(Attribute(.referencedSOPInstanceUID, .text(.UI, stored.sopInstanceUID)))
    attributes.append(Attribute(.retrieveURL, .text(.UR, stored.retrieveURL)))
    if let warning = stored.warning { attributes.append(Attribute(.warningReason, .number(warning.rawValue))) }
    // There also if it is empty.
    if version != .v1 { attributes.append(Self.comments(stored.comments)) }
    return attributes
  }

  private func attributes(of failed: Failed) -> [Attribute] {
    var attributes: [Attribute] = []
    if let uid = failed.sopClassUID { attributes.append(Attribute(.referencedSOPClassUID, .text(.UI, uid))) }
    if let uid = failed.sopInstanceUID { attributes.append(Attribute(.referencedSOPInstanceUID, .text(.UI, uid))) }
    attributes.append(Attribute(.failureReason, .number(failed.reason.rawValue)))
    if let comments = failed.comments { attributes.append(Self.comments(comments)) }
    return attributes
  }

  /// FailedAttributesSequence with an ErrorComment in each item.
  private static func comments(_ comments: [String]) -> Attribute {
    Attribute(.failedAttributesSequence, .items(comments.map { [Attribute(Tag(0x0000, 0x0902), .text(.LO, $0))] }))
  }
}

/// An attribute of the answer. It is not a `DataSet`, whose readers have no place for ErrorComment's group 0000.
private struct Attribute {
  enum Value {
    case text(VR, String)
    /// US
    case number(UInt16)
    case items([[Attribute]])

    var vr: VR {
      switch self {
      case .text(let vr, _): vr
      case .number: .US
      case .items: .SQ
      }
    }
  }

  let tag: Tag
  let value: Value

  init(_ tag: Tag, _ value: Value) {
    self.tag = tag
    self.value = value
  }

  /// PS3.18 F.2: items are one floor deep, and theirs another.
  static func write(_ attributes: [Attribute], to writer: inout JSONWriter) {
    writer.beginObject()
    for attribute in attributes {
      writer.key(attribute.tag.hexadecimal)
      writer.beginObject()
      writer.member("vr", attribute.value.vr.description)
      attribute.writeValue(to: &writer)
      writer.endObject()
    }
    writer.endObject()
  }

  private func writeValue(to writer: inout JSONWriter) {
    if case .items(let items) = value, items.isEmpty { return }
    writer.key("Value")
    writer.beginArray()
    switch value {
    case .text(_, let text): writer.string(text)
    case .number(let number): writer.number(Int(number))
    case .items(let items): for item in items { Self.write(item, to: &writer) }
    }
    writer.endArray()
  }

  /// PS3.19 A.1.
  static func write(_ attributes: [Attribute], to text: inout String) {
    for attribute in attributes {
      text += "<DicomAttribute tag=\"\(attribute.tag.hexadecimal)\" vr=\"\(attribute.value.vr)\""
      if let keyword = attribute.tag.keyword { text += " keyword=\"\(keyword)\"" }
      text += ">"
      switch attribute.value {
      case .text(_, let value): text += "<Value number=\"1\">\(escaped(value))</Value>"
      case .number(let value): text += "<Value number=\"1\">\(value)</Value>"
      case .items(let items):
        for (place, item) in items.enumerated() {
          text += "<Item number=\"\(place + 1)\">"
          write(item, to: &text)
          text += "</Item>"
        }
      }
      text += "</DicomAttribute>"
    }
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      // XML 1.0 §2.2 has no characters for these.
      case _ where scalar.value < 0x20 && scalar != "\t" && scalar != "\n" && scalar != "\r",
        "\u{FFFE}", "\u{FFFF}":
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
