/// Bytes as they arrive, put together when they are wanted in one piece: memory that grows on the way is copied again
/// and again.
struct ReceivedBytes: Sendable {
  /// Pieces smaller than this go to the one in front, so that a body in tiny packets takes no more memory than others.
  private static let smallBytesMax = 4_096

  private var pieces: [ArraySlice<UInt8>] = []
  private(set) var count = 0

  mutating func append(_ piece: ArraySlice<UInt8>) {
    count += piece.count
    if piece.count < Self.smallBytesMax, !pieces.isEmpty {
      pieces[pieces.count - 1].append(contentsOf: piece)
    } else if !piece.isEmpty {
      pieces.append(piece)
    }
  }

  /// All of it; nothing is left.
  mutating func take() -> [UInt8] {
    defer { self = ReceivedBytes() }
    var whole: [UInt8] = []
    whole.reserveCapacity(count)
    for piece in pieces { whole.append(contentsOf: piece) }
    return whole
  }
}
