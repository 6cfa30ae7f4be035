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
  /// Gives parts, some at a time; none after the last.
  typealias Source = @Sendable () async throws -> [RetrievePart]

  private struct State {
    /// The parts to begin next.
    var parts: ArraySlice<RetrievePart>
    var isFirst = true
    /// What is left of the part begun.
    var runs: ArraySlice<RetrieveRun> = []
    var hasMore: Bool
    var isEnded = false
  }

  private let writer: MultipartWriter?
  private let source: Source?
  private let state: Mutex<State>

  private init(_ parts: [RetrievePart], _ writer: MultipartWriter?, then source: Source?) {
    self.writer = writer
    self.source = source
    state = Mutex(State(parts: parts[...], hasMore: source != nil))
  }

  /// A part by itself.
  static func single(_ part: RetrievePart, status: Int = 200) -> DICOMAnswer {
    var answer = DICOMAnswer(status)
    answer.headers = part.headers
    let parts = RetrieveParts([part], nil, then: nil)
    answer.content = .pieces(count: part.count) { try await parts.next() }
    return answer
  }

  /// `multipart/related` (PS3.18 §8.6.1.2).
  /// - Parameters:
  ///   - type: the media type of the parts.
  ///   - announced: headers and lengths of all parts, where they are known though the parts are not there yet.
  ///   - source: gives the parts behind the first ones.
  static func multipart(
    _ parts: [RetrievePart], type: String, status: Int = 200, announced: [RetrievePart]? = nil,
    then source: Source? = nil
  ) -> DICOMAnswer {
    let writer = MultipartWriter()
    let known = announced ?? (source == nil ? parts : nil)
    let answer = RetrieveParts(parts, writer, then: source)
    return DICOMAnswer(
      status, contentType: writer.contentType(type),
      .pieces(count: known.flatMap { count($0, writer) }) { try await answer.next() })
  }

  private static func count(_ parts: [RetrievePart], _ writer: MultipartWriter) -> Int? {
    var count = writer.end.count
    for (place, part) in parts.enumerated() {
      guard let content = part.count else { return nil }
      count += writer.head(isFirst: place == 0, part.headers).count + content
    }
    return count
  }

  /// The next piece; nil at the end. One caller at a time.
  private func next() async throws -> DICOMAnswer.Piece? {
    enum Step {
      case run(RetrieveRun)
      case begin(RetrievePart, isFirst: Bool)
      case more
      case end
      case over
    }
    while true {
      let step = state.withLock { state -> Step in
        if let run = state.runs.popFirst() { return .run(run) }
        if let part = state.parts.popFirst() {
          defer { state.isFirst = false }
          return .begin(part, isFirst: state.isFirst)
        }
        if state.hasMore { return .more }
        defer { state.isEnded = true }
        return state.isEnded || writer == nil ? .over : .end
      }
      switch step {
      case .run(let run):
        let (piece, rest) = try await run.next()
        if let rest { state.withLock { $0.runs = [rest] + $0.runs } }
        if piece.count > 0 { return piece }
      case .begin(let part, let isFirst):
        let runs = try await part.content()
        state.withLock { $0.runs = runs[...] }
        if let writer { return .bytes(writer.head(isFirst: isFirst, part.headers)) }
      case .more:
        let parts = try await source?() ?? []
        state.withLock {
          $0.parts = parts[...]
          $0.hasMore = !parts.isEmpty
        }
      case .end: return writer.map { .bytes($0.end) }
      case .over: return nil
      }
    }
  }
}
