import Base
import NIOCore

/// The part of a streamed request body that has arrived and waits for the handler. Confined to its connection's event
/// loop.
final class IncomingBody {
  /// Bytes that are held for a handler that is slower than the client; past it, the socket is not read. A body counts
  /// as so many among those in memory (`Limits.bodyBytesInFlightMax`).
  static let windowBytes = 256 * 1024
  /// Buffers smaller than this are put together, so that a body in tiny packets takes no more memory than any other.
  private static let smallBytesMax = 4_096

  typealias Piece = Result<[ByteBuffer]?, HTTPBodyError>

  private enum Framing {
    case length(Int)
    case chunked(ChunkedDecoder)
  }

  /// Bytes of the body so far.
  private(set) var received = 0
  /// Bytes that the handler has not taken.
  private(set) var held = 0
  /// Nothing more of it will arrive.
  private(set) var isComplete = false
  /// `100 Continue` has to be sent before the client begins.
  var expectsContinue: Bool
  /// When the handler began to wait, and how long it had waited before.
  private(set) var waitBeganAt = NIODeadline.uptimeNanoseconds(0)
  private(set) var waited = TimeAmount.nanoseconds(0)

  private var framing: Framing
  private var pieces: [ByteBuffer] = []
  private var failure: HTTPBodyError?
  private var waiting: CheckedContinuation<Piece, Never>?
  private let reservation: BodyReservation

  /// - Throws: 503 if there is no room for one more.
  init(_ head: RequestHead, bytesMax: Int, limits: Limits, budget: BodyBudget) throws(RequestError) {
    var window = Self.windowBytes
    switch head.framing {
    case .none: framing = .length(0)
    case .length(let length):
      framing = .length(length)
      window = min(window, length)
      if length > bytesMax {
        failure = HTTPBodyError(413, "The request body is longer than \(bytesMax) bytes.")
      }
    case .chunked:
      var limits = limits
      limits.bodyBytesMax = bytesMax
      framing = .chunked(ChunkedDecoder(limits: limits))
    }
    expectsContinue = head.expectsContinue
    reservation = BodyReservation(budget)
    guard reservation.grow(by: window) else { throw BodyReader.noRoom }
  }

  /// Whether the handler waits for bytes.
  var isAwaited: Bool { waiting != nil }

  // MARK: From the socket

  /// Takes what belongs to the body out of `input`.
  func receive(_ input: inout ByteBuffer) {
    guard !isComplete, failure == nil else { return }
    switch framing {
    case .length(let left):
      guard let piece = input.readSlice(length: min(left, input.readableBytes)) else { return }
      let rest = left - piece.readableBytes
      framing = .length(rest)
      keep(piece)
      isComplete = rest == 0
    case .chunked(var decoder):
      receive(&input, &decoder)
      framing = .chunked(decoder)
      isComplete = decoder.isDone
    }
  }

  private func receive(_ input: inout ByteBuffer, _ decoder: inout ChunkedDecoder) {
    var data = ByteBuffer()
    data.reserveCapacity(input.readableBytes)
    let outcome = input.withUnsafeReadableBytes { bytes -> Result<Int, RequestError> in
      do throws(RequestError) {
        return .success(try decoder.decode(bytes) { piece throws(RequestError) in data.writeBytes(piece) })
      } catch {
        return .failure(error)
      }
    }
    switch outcome {
    case .success(let taken):
      input.moveReaderIndex(forwardBy: taken)
      keep(data)
    case .failure(let error): fail(HTTPBodyError(error))
    }
  }

  private func keep(_ piece: ByteBuffer) {
    let count = piece.readableBytes
    guard count > 0 else { return }
    received += count
    held += count
    if count < Self.smallBytesMax, !pieces.isEmpty {
      var piece = piece
      pieces[pieces.count - 1].writeBuffer(&piece)
    } else {
      pieces.append(piece)
    }
  }

  /// No more can come, or may: what was received before is still handed out.
  func fail(_ error: HTTPBodyError) {
    if failure == nil, !isComplete { failure = error }
  }

  // MARK: To the handler

  /// What the handler can have now; nil if it has to wait.
  func take() -> Piece? {
    if held > 0 {
      defer {
        pieces = []
        held = 0
      }
      return .success(pieces)
    }
    if let failure { return .failure(failure) }
    return isComplete ? .success(nil) : nil
  }

  func wait(_ continuation: CheckedContinuation<Piece, Never>, now: NIODeadline) {
    waiting = continuation
    waitBeganAt = now
  }

  /// Ends the wait.
  func resume(_ piece: Piece, now: NIODeadline) {
    guard let continuation = waiting else { return }
    waiting = nil
    waited = waited + (now - waitBeganAt)
    continuation.resume(returning: piece)
  }
}
