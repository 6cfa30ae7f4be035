/// The size of a rendered picture and the part of the image that is shown (PS3.18 §8.3.5.1.3).
public struct Viewport: Sendable, Equatable {
  /// The picture is at most so large; the image's proportions stay.
  public let columns: Int
  public let rows: Int
  /// The part of the image in pixels of it: left, top, width and height. A negative width or height mirrors. Nil width
  /// or height: up to the image's edge.
  public let left: Double
  public let top: Double
  public let width: Double?
  public let height: Double?

  public init?(
    columns: Int, rows: Int, left: Double = 0, top: Double = 0, width: Double? = nil, height: Double? = nil
  ) {
    guard columns > 0, rows > 0, left >= 0, top >= 0, left.isFinite, top.isFinite, width != 0, height != 0,
      width?.isFinite ?? true, height?.isFinite ?? true
    else { return nil }
    self.columns = columns
    self.rows = rows
    self.left = left
    self.top = top
    self.width = width
    self.height = height
  }

  /// Reads `vw,vh` or `vw,vh,sx,sy,sw,sh`, of which the last four may be empty.
  public init?(_ text: String) {
    let parts = text.split(separator: ",", maxSplits: 6, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 || parts.count == 6, let columns = Int(parts[0]), let rows = Int(parts[1]) else {
      return nil
    }
    var numbers: [Double?] = []
    for part in parts.dropFirst(2) {
      guard part.isEmpty || Double(part) != nil else { return nil }
      numbers.append(Double(part))
    }
    if numbers.isEmpty {
      self.init(columns: columns, rows: rows)
    } else {
      self.init(
        columns: columns, rows: rows, left: numbers[0] ?? 0, top: numbers[1] ?? 0, width: numbers[2],
        height: numbers[3])
    }
  }
}
