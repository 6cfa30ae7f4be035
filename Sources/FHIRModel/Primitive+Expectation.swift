extension Primitive {
  /// What the value has to look like, for messages.
  public var expectation: String {
    switch self {
    case .boolean: return "true or false"
    case .integer: return "a whole number between -2147483648 and 2147483647"
    case .integer64: return "a whole number of 64 bits"
    case .unsignedInt: return "a whole number between 0 and 2147483647"
    case .positiveInt: return "a whole number between 1 and 2147483647"
    case .decimal: return "a decimal number"
    case .string, .markdown:
      return "text of 1 to 1048576 characters without control characters other than tab, CR and LF"
    case .uri, .url, .canonical: return "a URI: not empty, without whitespace"
    case .oid: return "an OID in the form urn:oid:1.2.3"
    case .uuid: return "a UUID in the form urn:uuid:c757873d-ec9a-4326-a141-556f43239520, in lower case"
    case .base64Binary: return "base64 text with its padding"
    case .instant: return "a moment in the format YYYY-MM-DDThh:mm:ss.sss+zz:zz"
    case .date: return "a date in the format YYYY, YYYY-MM or YYYY-MM-DD"
    case .dateTime: return "a date in the format YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz"
    case .time: return "a time in the format hh:mm:ss"
    case .code: return "a code: not empty, no whitespace around it, single spaces inside it"
    case .id: return "an id: 1 to 64 letters, digits, '-' and '.'"
    case .xhtml: return "a well-formed XHTML <div> with the elements and attributes FHIR allows"
    }
  }
}
