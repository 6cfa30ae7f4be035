import Base
import NIOCore

/// Collects one request body, never holding more than has arrived and the limits allow.
///
/// A class, so that the growing buffer has one owner and appending never copies it.
final class BodyReader {
  /// A longer body's buffer grows as the bytes arrive.
  private static let reservedBytesMax = 256 * 1024

  private enum Framing {
    case length(Int)
    case chunked(ChunkedDecoder)
  }

  private var framing: Framing
  private var buffer: ByteBuffer
  private let reservation: BodyReservation

  /// Refuses up front what could never be accepted.
  init(
    _ framing: RequestHead.Framing, limits: Limits, budget: BodyBudget, allocator: ByteBufferAllocator
  ) throws(RequestError) {
    switch framing {
    case .none:
      self.framing = .length(0)
      buffer = ByteBuffer()
    case .length(let length):
      guard length <= limits.bodyBytesMax else {
        throw RequestError(413, "The request body is longer than \(limits.bodyBytesMax) bytes.")
      }
      guard budget.couldTake(length) else { throw Self.noRoom }
      self.framing = .length(length)
      buffer = allocator.buffer(capacity: min(length, Self.reservedBytesMax))
    case .chunked:
      self.framing = .chunked(ChunkedDecoder(limits: limits))
      buffer = allocator.buffer(capacity: 1_024)
    }
    reservation = BodyReservation(budget)
  }

  static var noRoom: RequestError {
    RequestError(503, "The server holds as many request bodies as it can; try again later.")
  }

  /// Bytes of the body so far.
  var count: Int { buffer.readableBytes }

  /// Takes what belongs to the body out of `input`; true once the body is complete.
  func read(_ input: inout ByteBuffer) throws(RequestError) -> Bool {
    switch framing {
    case .length(let left):
      let taken = min(left, input.readableBytes)
      guard reservation.grow(by: taken) else { throw Self.noRoom }
      input.withUnsafeReadableBytes { bytes in
        _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
      }
      input.moveReaderIndex(forwardBy: taken)
      framing = .length(left - taken)
      return left == taken
    case .chunked(var decoder):
      let outcome = input.withUnsafeReadableBytes { bytes -> Result<Int, RequestError> in
        do throws(RequestError) {
          let taken = try decoder.decode(bytes) { piece throws(RequestError) in
            guard reservation.grow(by: piece.count) else { throw Self.noRoom }
            buffer.writeBytes(piece)
          }
          return .success(taken)
        } catch {
          return .failure(error)
        }
      }
      input.moveReaderIndex(forwardBy: try outcome.get())
      framing = .chunked(decoder)
      return decoder.isDone
    }
  }

  /// The finished body.
  var body: HTTPBody { HTTPBody(buffer: buffer, reservation: reservation) }
}
