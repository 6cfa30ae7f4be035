import DICOMweb
import Synchronization

/// The parts of an answer, each made when it is its turn.
struct RetrievePart: Sendable {
  var headers: [(name: String, value: String)]
  /// Bytes of its content; nil if they are not known before it is made.
  var count: Int?
  var content: @Sendable () async throws -> [RetrieveRun]

  init(
    _ contentType: String, location: String? = nil, count: Int?,
    _ content: @escaping @Sendable () async throws -> [RetrieveRun]
  ) {
    headers = [("Content-Type", contentType)]
    if let location { headers.append(("Content-Location", location)) }
    self.count = count
    self.content = content
  }

  /// A part that is made already.
  init(_ contentType: String, location: String? = nil, _ runs: [RetrieveRun]) {
    self.init(contentType, location: location, count: runs.reduce(0) { $0 + $1.count }) { runs }
  }

  var contentType: String { headers[0].value }
}

/// An answer of one part, or of many (RFC 2046 §5.1), as pieces.
final class RetrieveParts: Sendable {
  private struct State {
    /// The part to begin next.
    var part = 0
    /// What is left of the part begun.
    var runs: ArraySlice<RetrieveRun> = []
    var isEnded = false
  }

  private let parts: [RetrievePart]
  private let writer: MultipartWriter?
  private let state = Mutex(State())

  private init(_ parts: [RetrievePart], _ writer: MultipartWriter?) {
    self.parts = parts
    self.writer = writer
  }

  /// A part by itself.
  static func single(_ part: RetrievePart, status: Int = 200) -> DICOMAnswer {
    var answer = DICOMAnswer(status)
    answer.headers = part.headers
    let parts = RetrieveParts([part], nil)
    answer.content = .pieces(count: part.count) { try await parts.next() }
    return answer
  }

  /// `multipart/related` (PS3.18 §8.6.1.2).
  /// - Parameter type: the media type of the parts.
  static func multipart(_ parts: [RetrievePart], type: String) -> DICOMAnswer {
    let writer = MultipartWriter()
    var count: Int? = writer.end.count
    for (place, part) in parts.enumerated() {
      guard let known = count, let content = part.count else {
        count = nil
        break
      }
      count = known + writer.head(isFirst: place == 0, part.headers).count + content
    }
    let source = RetrieveParts(parts, writer)
    return DICOMAnswer(200, contentType: writer.contentType(type), .pieces(count: count) { try await source.next() })
  }

  /// The next piece; nil at the end. One caller at a time.
  private func next() async throws -> DICOMAnswer.Piece? {
    enum Step {
      case run(RetrieveRun)
      case begin(Int)
      case end
      case over
    }
    while true {
      let step = state.withLock { state -> Step in
        if let run = state.runs.popFirst() { return .run(run) }
        if state.part < parts.count {
          state.part += 1
          return .begin(state.part - 1)
        }
        defer { state.isEnded = true }
        return state.isEnded || writer == nil ? .over : .end
      }
      switch step {
      case .run(let run):
        let (piece, rest) = try await run.next()
        if let rest { state.withLock { $0.runs = [rest] + $0.runs } }
        if piece.count > 0 { return piece }
      case .begin(let place):
        let runs = try await parts[place].content()
        state.withLock { $0.runs = runs[...] }
        if let writer { return .bytes(writer.head(isFirst: place == 0, parts[place].headers)) }
      case .end: return writer.map { .bytes($0.end) }
      case .over: return nil
      }
    }
  }
}
