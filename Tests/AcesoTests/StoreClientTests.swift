import ArgumentParser
import DICOMCore
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import aceso

/// Storing on servers that refuse, are away, come back, and talk nonsense.
///
/// One after the other: a port that one of them lets go of may be another's next.
@Suite("Import over HTTP", .serialized)
struct StoreClientTests {
  /// A small instance.
  static func instance(_ uid: String, pixels: Int = 100) throws -> [UInt8] {
    var builder = DataSetBuilder()
    try builder.append(.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7")
    try builder.append(.sopInstanceUID, .UI, uid)
    try builder.append(.studyInstanceUID, .UI, "1.2")
    try builder.append(.seriesInstanceUID, .UI, "1.2.1")
    try builder.append(.pixelData, .OW, bytes: [UInt8](repeating: 7, count: pixels))
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.7", mediaStorageSOPInstanceUID: UID(uid),
      transferSyntax: .explicitVRLittleEndian)
    return DICOMFile.prefix + meta + builder.bytes
  }

  static func http(_ status: Int, _ body: String, _ headers: String = "") -> String {
    "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
  }

  static func chunked(_ body: String) -> String {
    var text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    var rest = body[...]
    while !rest.isEmpty {
      let piece = rest.prefix(7)
      text += String(piece.utf8.count, radix: 16) + ";x=y\r\n\(piece)\r\n"
      rest = rest.dropFirst(7)
    }
    return text + "0\r\nTrailer: a\r\n\r\n"
  }

  static func stored(_ uids: String...) -> String {
    let items = uids.map { #"{"00081155":{"vr":"UI","Value":["\#($0)"]}}"# }.joined(separator: ",")
    return #"{"00081199":{"vr":"SQ","Value":[\#(items)]}}"#
  }

  static func failed(_ uid: String, _ reason: Int) -> String {
    #"{"00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["\#(uid)"]},"00081197":{"vr":"US","Value":[\#(reason)]}}]}}"#
  }

  /// What becomes of two files that are sent to a server.
  static func store(_ steps: [StubServer.Step], pixels: Int = 100) throws -> (StoreClient.Outcome, StubServer) {
    let server = try StubServer(steps)
    defer { server.stop() }
    let address = try #require(ServiceAddress("http://127.0.0.1:\(server.port)/x/dicom/v2/"))
    let folder = try TemporaryFolder()
    try folder.write("1.dcm", try instance("1.2.1.1", pixels: pixels))
    try folder.write("2.dcm", try instance("1.2.1.2"))
    let client = StoreClient(address, headers: ["Authorization: Bearer abc"])
    return (try client.store(try ImportCandidate.all(at: folder.path)), server)
  }

  static func text(_ outcome: StoreClient.Outcome) -> String {
    switch outcome {
    case .answered(let answer): "answered \(answer.stored) \(answer.failures.map(\.reason))"
    case .refused(let reason): "refused \(reason)"
    case .hopeless(let reason): "hopeless \(reason)"
    }
  }

  @Test("one request, as PS3.18 §10.5 has it")
  func request() throws {
    let (outcome, server) = try Self.store([.answer(Self.http(200, Self.stored("1.2.1.1", "1.2.1.2")))])
    #expect(Self.text(outcome) == "answered 2 []")
    let request = try #require(server.requests.first)
    #expect(server.requests.count == 1)
    #expect(request.head.hasPrefix("POST /x/dicom/v2/studies HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"))
    #expect(request.head.contains("\r\nAuthorization: Bearer abc\r\n"))
    let boundary = try #require(
      request.head.split(separator: "\r\n").first { $0.hasPrefix("Content-Type: multipart/related") }?
        .split(separator: "boundary=").last)
    var expected: [UInt8] = []
    for uid in ["1.2.1.1", "1.2.1.2"] {
      expected += Array("--\(boundary)\r\nContent-Type: application/dicom\r\n\r\n".utf8) + (try Self.instance(uid))
      expected += Array("\r\n".utf8)
    }
    #expect(request.body == expected + Array("--\(boundary)--\r\n".utf8))
  }

  @Test("what a server says of single instances")
  func answers() throws {
    #expect(
      Self.text(try Self.store([.answer(Self.http(409, Self.failed("1.2.1.1", 0xA900)))]).0)
        == "answered 0 [\"invalid data set, or of another study\"]")
    let exists = try Self.store([.answer(Self.http(409, Self.failed("1.2.1.1", 45_070)))]).0
    guard case .answered(let answer) = exists else { throw StubError() }
    #expect(answer.failures.map(\.isExisting) == [true])
    #expect(answer.failures.map(\.instance) == ["1.2.1.1"])
    #expect(
      Self.text(try Self.store([.answer(Self.chunked(Self.stored("1.2.1.1")))]).0) == "answered 1 []")
    // A server that says to go on first.
    #expect(
      Self.text(
        try Self.store([.answer("HTTP/1.1 100 Continue\r\n\r\n" + Self.http(200, Self.stored("1")))]).0)
        == "answered 1 []")
  }

  @Test("a server that refuses all", arguments: [401, 403, 404, 405])
  func hopeless(status: Int) throws {
    let (outcome, server) = try Self.store([.answer(Self.http(status, "no\u{1B}[2J"))])
    // What goes to a terminal has no control characters.
    #expect(Self.text(outcome) == "hopeless HTTP status \(status) no [2J")
    #expect(server.requests.count == 1)
  }

  @Test("a server that refuses this request", arguments: [400, 413, 415, 500])
  func refused(status: Int) throws {
    #expect(Self.text(try Self.store([.answer(Self.http(status, "no"))]).0) == "refused HTTP status \(status) no")
  }

  @Test("a server that is busy, or hangs up, is asked again")
  func again() throws {
    let good = StubServer.Step.answer(Self.http(200, Self.stored("1.2.1.1", "1.2.1.2")))
    for first in [
      StubServer.Step.answer(Self.http(503, "busy")), .answer(Self.http(429, "slowly", "Connection: close\r\n")),
      .hangUp(after: 10), .hangUp(after: 700), .answerAtOnce("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"),
    ] {
      let (outcome, server) = try Self.store([first, good])
      #expect(Self.text(outcome) == "answered 2 []", "\(first)")
      #expect(server.requests.last?.body.isEmpty == false)
    }
    let busy = StubServer.Step.answer(Self.http(503, "busy"))
    #expect(Self.text(try Self.store([busy, busy, busy, good]).0) == "refused HTTP status 503 busy")
  }

  @Test("an answer before the end of a long request is heard")
  func early() throws {
    let (outcome, _) = try Self.store([.answerAtOnce(Self.http(413, "too long"))], pixels: 30_000_000)
    #expect(Self.text(outcome) == "refused HTTP status 413 too long")
  }

  @Test("a server that is away, and one that comes back")
  func away() throws {
    let server = try StubServer([])
    let port = server.port
    server.stop()
    let address = try #require(ServiceAddress("http://127.0.0.1:\(port)"))
    let folder = try TemporaryFolder()
    try folder.write("1.dcm", try Self.instance("1.2.1.1"))
    let candidates = try ImportCandidate.all(at: folder.path)
    let outcome = Self.text(try StoreClient(address, headers: []).store(candidates))
    #expect(outcome.hasPrefix("hopeless no connection to 127.0.0.1:\(port)"), "\(outcome)")
    // The second attempt comes half a second after the first.
    let back = Back()
    Thread.detachNewThread {
      usleep(200_000)
      let server = try? StubServer([.answer(Self.http(200, Self.stored("1.2.1.1")))], port: port)
      back.server.withLock { $0 = server }
    }
    #expect(Self.text(try StoreClient(address, headers: []).store(candidates)) == "answered 1 []")
    back.server.withLock { $0?.stop() }
    let unknown = try #require(ServiceAddress("http://host.invalid/x"))
    #expect(Self.text(try StoreClient(unknown, headers: []).store(candidates)).hasPrefix("hopeless the host"))
  }

  @Test(
    "answers that are none",
    arguments: [
      "SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nab",
    ])
  func nonsense(text: String) throws {
    let step = StubServer.Step.answerAtOnce(text)
    let outcome = Self.text(try Self.store([step, step, step]).0)
    #expect(outcome.hasPrefix("refused "), "\(outcome)")
  }

  @Test("an answer that is no data set counts for nothing")
  func noDataSet() throws {
    #expect(Self.text(try Self.store([.answer(Self.http(200, "[1,2"))]).0) == "refused HTTP status 200 [1,2")
    #expect(Self.text(try Self.store([.answer(Self.http(200, "{}"))]).0) == "refused HTTP status 200 {}")
  }

  @Test("a file that changes while it is sent is told, and the next one is sent anew")
  func changing() throws {
    let server = try StubServer([.hangUp(after: 1_000_000), .answer(Self.http(200, Self.stored("1.2.1.2")))])
    defer { server.stop() }
    let folder = try TemporaryFolder()
    try folder.write("1.dcm", try Self.instance("1.2.1.1"))
    try folder.write("2.dcm", try Self.instance("1.2.1.2"))
    let candidates = try ImportCandidate.all(at: folder.path)
    try folder.write("1.dcm", [1, 2, 3])
    let client = StoreClient(try #require(ServiceAddress("http://127.0.0.1:\(server.port)")), headers: [])
    #expect(throws: CommandError.self) { try client.store([candidates[0]]) }
    #expect(Self.text(try client.store([candidates[1]])) == "answered 1 []")
  }

  @Test("names of archives and words of servers do not reach a terminal as commands")
  func visible() {
    #expect(ImportJob.visible("a\u{1B}[2Jb\r\n\u{9B}é") == "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}\u{FFFD}é")
  }

  @Test("addresses")
  func addresses() throws {
    let plain = try #require(ServiceAddress("HTTP://host/a/b//"))
    #expect(plain.host == "host" && plain.port == "80" && plain.path == "/a/b" && plain.authority == "host")
    let other = try #require(ServiceAddress("http://[::1]:8080"))
    #expect(other.host == "[::1]" && other.port == "8080" && other.path.isEmpty)
    for text in [
      "https://host", "host", "http://", "http://:80", "http://host:0", "http://host:99999", "http://host:x",
      "http://ho st", "http://host/\r\nX: y",
    ] {
      #expect(ServiceAddress(text) == nil, "\(text)")
    }
  }

  @Test("the command: folders, archives, what is no DICOM, and the exit code")
  func command() async throws {
    let folder = try TemporaryFolder()
    try folder.write("1.dcm", try Self.instance("1.2.1.1"))
    try folder.write("notes.txt", Array("notes".utf8))
    _ = try folder.folder("empty")
    let good = StubServer.Step.answer(Self.http(200, Self.stored("1.2.1.1")))
    func run(_ path: String, _ steps: [StubServer.Step]) async throws -> Int {
      let server = try StubServer(steps)
      defer { server.stop() }
      let command = try DICOMImport.parse(
        [path, "--url", "http://127.0.0.1:\(server.port)/d/v2", "--connections", "2"])
      try await command.run()
      return server.requests.count
    }
    #expect(try await run(folder.path, [good]) == 1)
    let archive = try TemporaryFolder()
    try archive.write(
      "a.zip",
      ZipFile([
        ZipFile.Entry("x/1.dcm", try Self.instance("1.2.1.1")) { $0.isDeflated = true },
        ZipFile.Entry("x/readme", [1, 2, 3]),
      ]).bytes)
    #expect(try await run(archive.file("a.zip"), [good]) == 1)
    // One that is encrypted fails, the rest is sent.
    try archive.write(
      "b.zip",
      ZipFile([
        ZipFile.Entry("1.dcm", try Self.instance("1.2.1.1")) { $0.flags = 1 },
        ZipFile.Entry("2.dcm", try Self.instance("1.2.1.2")),
      ]).bytes)
    await #expect(throws: (any Error).self) { _ = try await run(archive.file("b.zip"), [good]) }
    await #expect(throws: (any Error).self) { _ = try await run(folder.path, [.answer(Self.http(404, "no"))]) }
    for arguments in [["--connections", "0"], ["--batch", "0"], ["--url", "ftp://x"], ["--header", "x"]] {
      #expect(throws: (any Error).self) { try DICOMImport.parse([folder.path] + arguments) }
    }
  }
}

/// A server that a thread has started.
private final class Back: Sendable {
  let server = Mutex<StubServer?>(nil)
}
