/// How much of a text the index keeps: what is longer is found by its beginning.
public enum IndexText {
  /// Bytes of UTF-8 that are kept.
  public static let bytesMax = 4_096
  /// A text of no more bytes is kept whole, and none that was cut is as short: a cut falls between two scalars, which
  /// take four bytes at most.
  public static let wholeBytesMax = bytesMax - 4

  /// Texts are folded as far as this: more than four bytes for one that is kept are no writing.
  private static let foldedBytesMax = 4 * bytesMax

  /// What is kept of a text.
  static func cut(_ text: String) -> String { cut(text, to: bytesMax) }

  /// What is kept of a text's folded form: as much, though folding makes it shorter or longer.
  public static func folded(_ text: String) -> String { cut(TextFolding.fold(cut(text, to: foldedBytesMax))) }

  private static func cut(_ text: String, to bytesMax: Int) -> String {
    guard text.utf8.count > bytesMax else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: bytesMax)
    while end > text.startIndex && String.Index(end, within: text.unicodeScalars) == nil {
      end = text.utf8.index(before: end)
    }
    return String(text[..<end])
  }
}
