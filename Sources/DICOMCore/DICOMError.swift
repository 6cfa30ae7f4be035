/// Why bytes were refused as DICOM, or could not be written.
public struct DICOMError: Error, Sendable, Equatable {
  public enum Code: String, Sendable {
    /// Neither a file of PS3.10 nor a bare data set.
    case notDICOM
    /// Items nested deeper than `sequenceDepthMax`.
    case tooDeep
    /// More data elements than `elementsMax`.
    case tooManyElements
    /// A value longer than `textBytesMax`, or a stream that would keep more than `residentBytesMax`.
    case valueTooLarge
    /// A deflated data set that is not deflate (RFC 1951).
    case invalidDeflate
    /// A deflated data set that inflates to more than `inflatedBytesMax`.
    case inflatedTooLarge
    /// The file cannot be opened, mapped or read.
    case unreadable
    /// A value that DICOM's encoding has no room for: 2^32 - 1 bytes or more.
    case unencodable
    /// The value is needed and a stream did not keep it.
    case notResident
    /// DICOM JSON that is not as PS3.18 Annex F says.
    case invalidJSON
    /// Native XML that is not well-formed, or not as PS3.19 Annex A.1 says.
    case invalidXML
  }

  public let code: Code
  /// The data element it happened at, if it was in one.
  public let tag: Tag?
  /// Bytes from the start of what was read.
  public let offset: Int

  public init(_ code: Code, tag: Tag? = nil, at offset: Int) {
    self.code = code
    self.tag = tag
    self.offset = offset
  }

  /// What is wrong and where, for the client. Holds no value of the data set.
  public var message: String {
    let place = tag.map { " in \($0)" } ?? ""
    return "\(text)\(place), at byte \(offset)"
  }

  private var text: String {
    switch code {
    case .notDICOM: "this is no DICOM file and no DICOM data set"
    case .tooDeep: "sequences are nested too deeply"
    case .tooManyElements: "there are too many data elements"
    case .valueTooLarge: "a value is too long"
    case .invalidDeflate: "the deflated data set cannot be inflated"
    case .inflatedTooLarge: "the deflated data set is too large"
    case .unreadable: "the file cannot be read"
    case .unencodable: "a value is too long for the transfer syntax"
    case .notResident: "a value was not kept in memory"
    case .invalidJSON: "this is not the DICOM JSON model"
    case .invalidXML: "this is not the native DICOM model in XML"
    }
  }
}

extension DICOMError: CustomStringConvertible {
  public var description: String { "DICOMError(\(code.rawValue))" }
}
