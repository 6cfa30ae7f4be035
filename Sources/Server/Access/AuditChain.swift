import Glibc
import Identity

/// The chain of an audit log's lines.
///
///     {"n":7,…,"previous":"<hash of line 6>","hash":"<SHA-256 of this line up to the comma before "hash">"}
///
/// Whoever can write the file can write another chain from some line on; the last line's hash, kept elsewhere, tells.
public enum AuditChain {
  /// No line is longer.
  static let lineBytesMax = 128 * 1024
  /// What stands in the place of the hash before the first line.
  static let beginning = [UInt8](repeating: UInt8(ascii: "0"), count: hexCount)

  private static let hexCount = 64
  private static let previousMark = Array(#","previous":""#.utf8)
  private static let hashMark = Array(#"","hash":""#.utf8)
  private static let end = Array(#""}"#.utf8)

  /// Adds a line with its end.
  /// - Returns: its hash in hexadecimal; nil where it cannot be made.
  static func append(_ members: [UInt8], number: Int, after previous: [UInt8], to bytes: inout [UInt8]) -> [UInt8]? {
    let start = bytes.count
    bytes += Array(#"{"n":\#(number)"#.utf8)
    bytes += members
    bytes += previousMark
    bytes += previous
    bytes.append(UInt8(ascii: "\""))
    guard let hash = hash(bytes[start...]) else { return nil }
    bytes += hashMark.dropFirst()
    bytes += hash
    bytes += end
    bytes.append(UInt8(ascii: "\n"))
    return hash
  }

  private static func hash(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    let digest = line.withUnsafeBytes { bytes in try? Digest.sha256.hash(bytes) }
    return digest.map { bytes in
      bytes.flatMap { byte in [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)

  /// A line as a part of the chain.
  struct Link {
    let number: Int
    let previous: [UInt8]
    let hash: [UInt8]
    /// Whether the hash is the line's own.
    let isWhole: Bool

    /// nil for what is no line of an audit log.
    init?(_ line: ArraySlice<UInt8>) {
      let tail = previousMark.count + hexCount + hashMark.count + hexCount + end.count
      guard line.count > tail, line.suffix(end.count).elementsEqual(end) else { return nil }
      let mark = line.endIndex - tail
      let afterMark = mark + previousMark.count
      let hashStart = afterMark + hexCount
      let hashText = hashStart + hashMark.count
      guard line[mark..<afterMark].elementsEqual(previousMark), line[hashStart..<hashText].elementsEqual(hashMark),
        line.starts(with: #"{"n":"#.utf8)
      else { return nil }
      var number = 0
      for byte in line.dropFirst(5).prefix(18) {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
        number = number * 10 + Int(byte - UInt8(ascii: "0"))
      }
      self.number = number
      previous = Array(line[afterMark..<hashStart])
      hash = Array(line[hashText..<(hashText + hexCount)])
      // The hash is of everything up to the quote that ends the previous one.
      isWhole = AuditChain.hash(line[line.startIndex...hashStart]) == hash
    }
  }

  /// What a log's check came to.
  public struct Verdict: Sendable, Equatable {
    /// Lines up to the first that is wrong, or all.
    public var lines = 0
    /// The hash of the last of these, in hexadecimal.
    public var hash = String(decoding: AuditChain.beginning, as: UTF8.self)
    /// What is wrong with the line behind them; nil where all are right.
    public var flaw: String?
    /// Whether a line has the hash that was asked for.
    public var isFound = false
  }

  /// Reads a log from its beginning and tells whether any line was changed, left out or added between others.
  /// - Parameter hash: of a line that must be there; nil for none.
  /// - Throws: `AuditLogError` if it cannot be read.
  public static func verify(path: String, containing hash: String? = nil) throws(AuditLogError) -> Verdict {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw AuditLogError(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var verdict = Verdict()
    var last = beginning
    var waiting: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 256 * 1024)
    while true {
      let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 else { throw AuditLogError(String(cString: strerror(errno))) }
      if count == 0 { break }
      waiting += piece[..<count]
      var start = waiting.startIndex
      while let newline = waiting[start...].firstIndex(of: UInt8(ascii: "\n")) {
        verdict.flaw = flaw(waiting[start..<newline], number: verdict.lines + 1, &last)
        if verdict.flaw != nil { return verdict }
        verdict.lines += 1
        verdict.hash = String(decoding: last, as: UTF8.self)
        if verdict.hash == hash { verdict.isFound = true }
        start = newline + 1
      }
      waiting.removeFirst(start - waiting.startIndex)
      if waiting.count > lineBytesMax {
        verdict.flaw = "it is longer than any line of an audit log"
        return verdict
      }
    }
    if !waiting.isEmpty { verdict.flaw = "it is incomplete" }
    return verdict
  }

  private static func flaw(_ line: ArraySlice<UInt8>, number: Int, _ last: inout [UInt8]) -> String? {
    guard let link = Link(line) else { return "it is no line of an audit log" }
    guard link.isWhole else { return "it was changed" }
    guard link.number == number, link.previous == last else {
      return "what stood before it is missing, or something else stands there"
    }
    last = link.hash
    return nil
  }
}
