import DICOMCore
import Glibc
import JSONCore

/// What a server says about the instances it was sent: the Store Instances Response Module (PS3.18 §10.5.3 and Table
/// I.2-1).
struct StoreAnswer {
  struct Failure {
    /// Nil if the server could not read it.
    let instance: UID?
    let isExisting: Bool
    let reason: String
  }

  private(set) var stored = 0
  /// Of those stored, the ones with a warning.
  private(set) var warned = 0
  private(set) var failures: [Failure] = []

  private static let alreadyExists = 45_070

  /// Nil if the bytes are no such answer.
  init?(_ body: [UInt8]) {
    guard let document = try? JSONDocument(body),
      let dataSet = try? DICOMJSONReader.dataSet(document)
    else { return nil }
    for item in Self.items(.referencedSOPSequence, of: dataSet) {
      stored += 1
      if item[.warningReason]?.integer != nil { warned += 1 }
    }
    for item in Self.items(.failedSOPSequence, of: dataSet) {
      let code = item.integer(.failureReason) ?? 0
      failures.append(
        Failure(
          instance: item.uid(.referencedSOPInstanceUID), isExisting: code == Self.alreadyExists,
          reason: Self.reason(code, item)))
    }
    if stored == 0, failures.isEmpty { return nil }
  }

  private static func items(_ tag: Tag, of dataSet: DataSet) -> [DataSet] {
    dataSet[tag].map { $0.items.map(\.dataSet) } ?? []
  }

  /// A failure reason in words (PS3.18 Table I.2-2, PS3.4 CC.2.3-1), with the server's own comments.
  private static func reason(_ code: Int, _ item: DataSet) -> String {
    let name =
      switch code {
      case 0x0110: "processing failure"
      case 0x0117: "invalid instance UID"
      case 0x0122: "SOP class not supported"
      case 0x0124: "not authorised"
      case 0xA700...0xA7FF: "out of resources"
      case 0xA900...0xA9FF: "invalid data set, or of another study"
      case 0xB00E: "stored already"
      case 0xB00F: "being stored by another request"
      case 0xC122: "transfer syntax not supported"
      case 0xC000...0xCFFF: "cannot be understood"
      default: "failure reason \(code)"
      }
    let comments = items(Tag(0x0074, 0x1048), of: item).compactMap { $0.string(.errorComment) }
    return comments.isEmpty ? name : "\(name): \(comments.joined(separator: "; "))"
  }
}

/// Sends instances to a DICOM service by STOW-RS (PS3.18 §10.5), over one connection at a time.
final class StoreClient {
  enum Outcome {
    case answered(StoreAnswer)
    /// Refused as a whole; nothing is stored.
    case refused(String)
    /// There is no such service, or none for us: other requests would have no other answer.
    case hopeless(String)
  }

  private static let attemptsMax = 3

  private let address: ServiceAddress
  private let headers: [String]
  /// No file can know it beforehand, and so pass for several.
  private let boundary = "aceso-\(String(UInt64.random(in: .min ... .max), radix: 16))"
  private var connection: HTTPClientConnection?

  init(_ address: ServiceAddress, headers: [String]) {
    self.address = address
    self.headers = headers
  }

  /// Stores instances in one request. A lost connection and a busy server are tried again: storing twice does no harm.
  /// - Throws: what reading a candidate throws; then the server has got nothing it could store.
  func store(_ candidates: [ImportCandidate]) throws -> Outcome {
    var last = ""
    var isHopeless = false
    for attempt in 0..<Self.attemptsMax {
      if attempt > 0 { usleep(UInt32(attempt) * 500_000) }
      do {
        let answer = try send(candidates)
        if let told = StoreAnswer(answer.body) { return .answered(told) }
        last = "HTTP status \(answer.status) \(Self.shortened(answer.body))"
        if [401, 403, 404, 405].contains(answer.status) { return .hopeless(last) }
        if answer.status != 503, answer.status != 429 { return .refused(last) }
        isHopeless = false
      } catch let failure as HTTPClientConnection.Failure {
        connection = nil
        last = failure.description
        isHopeless = failure.isUnreachable
      } catch {
        // Half a request has been sent: nothing more can follow it.
        connection = nil
        throw error
      }
    }
    return isHopeless ? .hopeless(last) : .refused(last)
  }

  private func send(_ candidates: [ImportCandidate]) throws -> HTTPClientConnection.Answer {
    let part = Array("--\(boundary)\r\nContent-Type: application/dicom\r\n\r\n".utf8)
    let lineEnd = Array("\r\n".utf8)
    let close = Array("--\(boundary)--\r\n".utf8)
    let length = candidates.reduce(close.count) { $0 + part.count + $1.count + lineEnd.count }
    var head = "POST \(address.path)/studies HTTP/1.1\r\nHost: \(address.authority)\r\n"
    head += "Accept: application/dicom+json\r\nContent-Length: \(length)\r\n"
    head += #"Content-Type: multipart/related; type="application/dicom"; boundary="# + boundary + "\r\n"
    for header in headers { head += "\(header)\r\n" }
    let connection = try self.connection ?? HTTPClientConnection(address)
    let answer = try connection.exchange(head: head + "\r\n") { send in
      for candidate in candidates {
        try part.withUnsafeBytes { try send($0) }
        try candidate.read(send)
        try lineEnd.withUnsafeBytes { try send($0) }
      }
      try close.withUnsafeBytes { try send($0) }
    }
    self.connection = connection.isReusable ? connection : nil
    return answer
  }

  /// A server's words, as far as they are fit for a terminal.
  private static func shortened(_ body: [UInt8]) -> String {
    String(decoding: body.prefix(200).map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
  }
}
