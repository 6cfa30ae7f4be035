public import Base
public import DICOMCore

/// The form in which stored instances, frames or bulk data are answered.
public struct RetrieveForm: Hashable, Sendable {
  public enum Syntax: Hashable, Sendable {
    /// `*`: as stored.
    case original
    case transferSyntax(UID)
  }

  /// Of a multipart answer the type of its parts.
  public let mediaType: String
  public let isMultipart: Bool
  public let syntax: Syntax

  public init(mediaType: String, isMultipart: Bool, syntax: Syntax) {
    self.mediaType = mediaType
    self.isMultipart = isMultipart
    self.syntax = syntax
  }
}

extension Acceptance {
  /// The transfer syntaxes that a media type of frames and bulk data stands for, its default first (PS3.18 tables
  /// 8.7.3-2 to 8.7.3-4).
  static let syntaxes: [String: [UID]] = [
    "application/octet-stream": ["1.2.840.10008.1.2.1"],
    "image/jpeg": [
      "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57",
    ],
    "image/dicom-rle": ["1.2.840.10008.1.2.5"],
    "image/x-dicom-rle": ["1.2.840.10008.1.2.5"],
    "image/jls": ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"],
    "image/x-jls": ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"],
    "image/jp2": ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"],
    "image/jpx": ["1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"],
    "image/jphc": ["1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"],
    "image/jxl": ["1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"],
    "video/mpeg": ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101"],
    "video/mp4": [
      "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.103", "1.2.840.10008.1.2.4.104", "1.2.840.10008.1.2.4.105",
      "1.2.840.10008.1.2.4.106",
    ],
    "video/h265": ["1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108"],
  ]

  /// The transfer syntaxes that pixel data of a media type can have, the usual one first; none for other types.
  public static func transferSyntaxes(of mediaType: String) -> [UID] { syntaxes[mediaType] ?? [] }

  /// The media type that frames or bulk data of a transfer syntax have.
  public static func mediaType(of syntax: UID) -> String {
    switch syntax.value {
    case "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70":
      "image/jpeg"
    case "1.2.840.10008.1.2.5": "image/dicom-rle"
    case "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81": "image/jls"
    case "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91": "image/jp2"
    case "1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93": "image/jpx"
    case "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203": "image/jphc"
    case "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112": "image/jxl"
    case "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101": "video/mpeg"
    case "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.103", "1.2.840.10008.1.2.4.104", "1.2.840.10008.1.2.4.105",
      "1.2.840.10008.1.2.4.106":
      "video/mp4"
    case "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108": "video/h265"
    default: "application/octet-stream"
    }
  }

  /// The forms in which instances may be answered, best first: multipart, or single for an instance that is asked for
  /// by its own address.
  ///
  /// As Microsoft's: `*/*` means as stored, `application/dicom` without a transfer syntax means explicit little endian,
  /// and what is as stored goes first among equals.
  /// - Throws: `.notAcceptable` if there is none, also without an `Accept` header.
  public func instanceForms(_ level: Target.Level) throws(Fault) -> [RetrieveForm] {
    try ordered { range in
      guard range.matches("application/dicom"), range.isMultipart || level == .instance || range.isWildcard else {
        return nil
      }
      let usesMultipart = range.isMultipart || level != .instance
      let isDefault = range.mediaType != "application/dicom"
      guard let syntax = syntax(range, isDefault ? nil : "1.2.840.10008.1.2.1") else { return nil }
      return RetrieveForm(mediaType: "application/dicom", isMultipart: usesMultipart, syntax: syntax)
    }
  }

  /// The forms in which frames, pixel data or bulk data may be answered, best first.
  /// - Parameter isOne: whether it is one value, so that an answer need not be multipart.
  /// - Throws: `.notAcceptable` if there is none; `.invalid` if it is for want of multipart alone.
  public func valueForms(isOne: Bool) throws(Fault) -> [RetrieveForm] {
    var needsMultipart = false
    let forms = sorted { range in
      guard range.isMultipart || isOne || range.mediaType == "*/*" else {
        needsMultipart = needsMultipart || Self.syntaxes[range.mediaType] != nil
        return nil
      }
      let usesMultipart = range.isMultipart || !isOne
      if range.isWildcard {
        guard let syntax = syntax(range, nil) else { return nil }
        return RetrieveForm(mediaType: "application/octet-stream", isMultipart: usesMultipart, syntax: syntax)
      }
      guard let allowed = Self.syntaxes[range.mediaType], let syntax = syntax(range, allowed[0]) else { return nil }
      // A media type of compressed frames tells which transfer syntaxes they can be of.
      if case .transferSyntax(let uid) = syntax, range.mediaType != "application/octet-stream", !allowed.contains(uid) {
        return nil
      }
      return RetrieveForm(mediaType: range.mediaType, isMultipart: usesMultipart, syntax: syntax)
    }
    if forms.isEmpty, needsMultipart {
      throw Fault(
        .invalid,
        "The accept header is supported for single frame retrieval, use multi-part accept header instead.")
    }
    guard !forms.isEmpty else { throw Self.notAcceptable }
    return forms
  }

  /// What a range's parameter says; nil for what is no transfer syntax.
  private func syntax(_ range: Range, _ standard: UID?) -> RetrieveForm.Syntax? {
    guard let text = range.transferSyntax else { return standard.map { .transferSyntax($0) } ?? .original }
    if text == "*" { return .original }
    let syntax = TransferSyntax(uid: UID(text))
    return syntax.isKnown ? .transferSyntax(syntax.uid) : nil
  }

  private func ordered(_ form: (Range) -> RetrieveForm?) throws(Fault) -> [RetrieveForm] {
    let forms = sorted(form)
    guard !forms.isEmpty else { throw Self.notAcceptable }
    return forms
  }

  /// By quality; of the same quality what is as stored first, then in the client's order.
  private func sorted(_ form: (Range) -> RetrieveForm?) -> [RetrieveForm] {
    let found = ranges.enumerated().compactMap { offset, range in form(range).map { (offset, range.quality, $0) } }
    let sorted = found.sorted { first, second in
      if first.1 != second.1 { return first.1 > second.1 }
      let isFirst = first.2.syntax == .original
      let isSecond = second.2.syntax == .original
      return isFirst != isSecond ? isFirst : first.0 < second.0
    }
    return sorted.map(\.2)
  }
}
