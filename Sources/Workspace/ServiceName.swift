/// Names of workspaces and services: they stand in addresses, host names, folders and the names of database schemas.
///
/// There is one spelling for each: a host name and some file systems know no case. A workspace's name has no hyphen, so
/// that `{workspace}-{service}` is read in one way.
public enum ServiceName {
  /// As Azure's, so that a host's label stays within the 63 octets of RFC 1035 §2.3.4.
  public static let bytesMax = 24

  /// First segments of paths that are the server's own.
  public static let reserved: Set<String> = ["admin", "auth", "health", "metrics"]

  /// 1 to 24 lower-case letters and digits, and none of the server's own paths.
  public static func isWorkspace(_ text: some StringProtocol) -> Bool {
    (1...bytesMax).contains(text.utf8.count) && text.utf8.allSatisfy(isPlain) && !reserved.contains(String(text))
  }

  /// 1 to 24 lower-case letters, digits, and hyphens between them.
  public static func isService(_ text: some StringProtocol) -> Bool {
    let bytes = text.utf8
    guard (1...bytesMax).contains(bytes.count), let first = bytes.first, isPlain(first),
      bytes.suffix(1).allSatisfy(isPlain)
    else { return false }
    return bytes.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}
