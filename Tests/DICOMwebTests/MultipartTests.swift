import Base
import DICOMweb
import TestSupport
import Testing

@Suite struct MultipartTests {
  struct Part: Equatable {
    var headers: [String] = []
    var bytes: [UInt8] = []
  }

  private func read(
    _ body: [UInt8], boundary: String = "b", limits: MultipartReader.Limits = MultipartReader.Limits(),
    cuts: [Int] = []
  ) throws -> [Part] {
    var reader = try MultipartReader(boundary: boundary, limits: limits)
    var parts: [Part] = []
    var isOpen = false
    var start = 0
    for end in cuts + [body.count] {
      for event in try reader.append(Array(body[start..<end])) {
        switch event {
        case .began(let part):
          #expect(!isOpen)
          isOpen = true
          parts.append(Part(headers: part.headers.map { "\($0.name)=\($0.value)" }))
        case .bytes(let bytes):
          #expect(isOpen && !bytes.isEmpty)
          parts[parts.count - 1].bytes += bytes
        case .ended:
          #expect(isOpen)
          isOpen = false
        }
      }
      start = end
    }
    try reader.finish()
    #expect(!isOpen)
    return parts
  }

  private func category(_ body: String, limits: MultipartReader.Limits = MultipartReader.Limits()) -> Fault.Category? {
    do {
      _ = try read(Array(body.utf8), limits: limits)
      return nil
    } catch {
      return (error as? Fault)?.category
    }
  }

  @Test func `parts have headers and bytes`() throws {
    let body =
      "--b\r\nContent-Type: application/dicom\r\nX: 1\r\n\r\nabc\r\n--b\r\ncontent-type:x/y\r\n\r\n\r\n--b--\r\n"
    #expect(
      try read(Array(body.utf8)) == [
        Part(headers: ["content-type=application/dicom", "x=1"], bytes: Array("abc".utf8)),
        Part(headers: ["content-type=x/y"]),
      ])
  }

  @Test func `what is in front and behind is passed over`() throws {
    let body = "preamble\r\nmore--b\r\n--b  \r\n\r\nabc\r\n--b--\r\nepilogue\r\n--b\r\n\r\nx\r\n--b--"
    #expect(try read(Array(body.utf8)) == [Part(bytes: Array("abc".utf8))])
  }

  @Test func `what is like a boundary belongs to the part`() throws {
    let bytes = "\r\n-\r\n--\r\n--\r\r\n--a\r--b\n--b"
    let body = "--b\r\nA: 1\r\n\r\n\(bytes)\r\n--b--"
    #expect(try read(Array(body.utf8)) == [Part(headers: ["a=1"], bytes: Array(bytes.utf8))])
  }

  @Test func `a boundary without a part is none`() throws {
    // What .NET's MultipartContent writes for no parts.
    #expect(try read(Array("--b\r\n\r\n--b--\r\n".utf8)) == [])
    #expect(try read(Array("--b--\r\n".utf8)) == [])
    #expect(try read(Array("--b\r\n\r\n\r\n--b--\r\n".utf8)) == [Part()])
    #expect(try read(Array("--b\r\n\r\n--b\r\n\r\n--b--\r\n".utf8)) == [Part()])
    #expect(try read(Array("--b\r\nA: 1\r\n\r\n--b--\r\n".utf8)) == [Part(headers: ["a=1"])])
  }

  @Test func `long header lines may be folded`() throws {
    let body = "--b\r\nContent-Type: multipart/related;\r\n\ttype=x\r\n\r\n--b--"
    #expect(try read(Array(body.utf8)) == [Part(headers: ["content-type=multipart/related; type=x"])])
  }

  @Test(arguments: [
    "", "x", "--b", "--b\r\n", "--b\r\nA: 1", "--b\r\nA: 1\r\n\r\nabc", "--b\r\nA: 1\r\n\r\nabc\r\n--b",
    "--b\r\nA: 1\r\n\r\nabc\r\n--b-", "--b\r\nno colon\r\n\r\n--b--", "--bx\r\n\r\n--b--", "--b\r\n: x\r\n\r\n--b--",
    "--b\r\n x\r\n\r\n--b--",
  ])
  func `a body that breaks off, or is none, is refused`(body: String) {
    #expect(category(body) == .invalid)
  }

  @Test func `there is no multipart without a boundary`() {
    var long = MultipartReader.Limits()
    long.boundaryBytesMax = 3
    for boundary in [nil, "", "1234"] as [String?] {
      #expect(throws: Fault.self) { try MultipartReader(boundary: boundary, limits: long) }
    }
    #expect(throws: Never.self) { try MultipartReader(boundary: "123", limits: long) }
  }

  @Test func `headers and preambles have limits`() throws {
    var limits = MultipartReader.Limits()
    limits.headerBytesMax = 10
    #expect(category("--b\r\nA: 123\r\n\r\n\r\n--b--", limits: limits) == nil)
    #expect(category("--b\r\nA: 1234\r\n\r\n\r\n--b--", limits: limits) == .tooLarge)
    #expect(category("--b\r\nA: 12345678901234567890", limits: limits) == .tooLarge)
    #expect(category("12345678\r\n--b--", limits: limits) == nil)
    #expect(category("123456789\r\n--b--", limits: limits) == .invalid)
  }

  @Test func `there are so many parts and no more`() {
    var limits = MultipartReader.Limits()
    limits.partsMax = 2
    let part = "--b\r\nA: 1\r\n\r\nx\r\n"
    #expect(category(part + part + "--b--", limits: limits) == nil)
    #expect(category(part + part + part + "--b--", limits: limits) == .tooLarge)
  }

  /// The seed of a failing round is in its message.
  @Test(arguments: 0..<300) func `however a body is cut, its parts are the same`(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    // Few different bytes, so that much is like a boundary.
    let alphabet = Array("\r\n--b \0ab".utf8)
    let writer = MultipartWriter(boundary: "b-b")
    var body: [UInt8] = []
    var expected: [Part] = []
    for number in 0..<Int.random(in: 1...5, using: &generator) {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...60, using: &generator) {
        bytes.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
        let hasBoundary = bytes.suffix(7).elementsEqual("\r\n--b-b".utf8)
        if hasBoundary || bytes.elementsEqual("--b-b".utf8) { bytes.removeLast() }
      }
      expected.append(Part(headers: ["content-type=x/\(number)"], bytes: bytes))
      body += writer.head(isFirst: number == 0, [("Content-Type", "x/\(number)")]) + bytes
    }
    body += writer.end
    #expect(try read(body, boundary: "b-b") == expected, "seed \(seed)")
    for _ in 0..<5 {
      let count = Int.random(in: 0...12, using: &generator)
      let cuts = (0..<count).map { _ in Int.random(in: 0...body.count, using: &generator) }.sorted()
      #expect(try read(body, boundary: "b-b", cuts: cuts) == expected, "seed \(seed), cuts \(cuts)")
    }
    #expect(try read(body, boundary: "b-b", cuts: Array(1..<body.count)) == expected, "seed \(seed), single bytes")
  }

  @Test(arguments: 0..<300) func `bytes of any kind are read or refused, the same however cut`(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed) + 1_000)
    let alphabet = Array("\r\n-b:x".utf8)
    let body = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
      alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
    }
    let whole = try? read(Array("--b\r\n".utf8) + body)
    let bytes = try? read(Array("--b\r\n".utf8) + body, cuts: Array(1..<body.count + 5))
    #expect(whole == bytes, "seed \(seed)")
  }

  @Test func `what is written is read, and its length is known`() throws {
    var generator = SeededGenerator(seed: 7)
    let writer = MultipartWriter(using: &generator)
    #expect(writer.boundary.utf8.count == 32)
    #expect(
      writer.contentType("application/dicom")
        == "multipart/related; type=\"application/dicom\"; boundary=\(writer.boundary)")
    let first = writer.head(isFirst: true, [("Content-Type", "a/b")])
    let second = writer.head(isFirst: false, [("Content-Type", "c/d"), ("Content-Location", "http://h/x")])
    let body = first + [1, 2] + second + [] + writer.end
    #expect(
      try read(body, boundary: writer.boundary) == [
        Part(headers: ["content-type=a/b"], bytes: [1, 2]),
        Part(headers: ["content-type=c/d", "content-location=http://h/x"]),
      ])
  }
}
