import Base
import HTTPServer

extension HTTPRequest {
  /// The value of a field that a request has once at most (RFC 9110 §5.3): which of two values would count is anybody's
  /// guess.
  /// - Throws: `.invalid` if there are several.
  func single(_ name: String) throws(Fault) -> String? {
    guard let value = header(name) else { return nil }
    guard headers.count(of: name) == 1 else {
      throw Fault(.invalid, "The request has more than one \(name) header.", code: "structure")
    }
    return value
  }

  /// The items of a field that is a list, without the white space around them and without empty ones (RFC 9110
  /// §5.6.1).
  func list(_ name: String) -> [Substring] {
    guard let value = header(name) else { return [] }
    return value.split(separator: ",").compactMap { item in
      var rest = item
      while let first = rest.utf8.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
      while let last = rest.utf8.last, last == 0x20 || last == 0x09 { rest.removeLast() }
      return rest.isEmpty ? nil : rest
    }
  }

  /// - Throws: `.unsupportedMediaType` for a compressed body (RFC 9110 §8.4).
  func checkIsNotEncoded() throws(Fault) {
    guard let coding = header("content-encoding"), coding.lowercased() != "identity" else { return }
    throw Fault(.unsupportedMediaType, "The Content-Encoding of the body is not supported; send it as it is.")
  }
}
