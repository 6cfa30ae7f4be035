import ArgumentParser
import Glibc
import JSONCore
import Workspace

/// Where the server is that a command administers, and what it must be shown.
struct AdministrationOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The server. Default: http://127.0.0.1:8080", valueName: "address"))
  var url = "http://127.0.0.1:8080"

  @Option(help: ArgumentHelp("A file whose first line is the server's administration key.", valueName: "file"))
  var adminKeyFile: String?

  func client() throws -> AdministrationClient {
    guard let address = ServiceAddress(url) else {
      throw CommandError("'\(url)' is no address of a server: http://host:port")
    }
    return AdministrationClient(address: address, key: try adminKeyFile.map { try AdminKeyFile(path: $0).key() })
  }
}

/// Asks a running server's administration.
struct AdministrationClient {
  let address: ServiceAddress
  let key: String?

  struct Answer {
    let status: Int
    let body: [UInt8]

    var isSuccess: Bool { (200...299).contains(status) }

    /// What the server says of its refusal.
    var reason: String {
      let message = (try? JSONDocument(body))?.value["error"]?["message"]?.string
      return ImportJob.visible(message ?? "the server answers with status \(status)")
    }
  }

  /// - Parameter path: below `/admin`.
  func send(_ method: String, _ path: String, _ body: [UInt8]? = nil) throws -> Answer {
    var head = "\(method) \(address.path)/admin\(path) HTTP/1.1\r\nHost: \(address.authority)\r\nConnection: close\r\n"
    if let key { head += "Authorization: Bearer \(key)\r\n" }
    if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
    do {
      let connection = try HTTPClientConnection(address)
      let answer = try connection.exchange(head: head + "\r\n") { send in
        if let body { try body.withUnsafeBytes { try send($0) } }
      }
      return Answer(status: answer.status, body: answer.body)
    } catch let failure as HTTPClientConnection.Failure {
      throw CommandError(failure.description)
    }
  }

  /// - Throws: `CommandError` with the server's reason for anything but success.
  func ask(_ method: String, _ path: String, _ body: [UInt8]? = nil) throws -> Answer {
    let answer = try send(method, path, body)
    guard answer.isSuccess else { throw CommandError(answer.reason) }
    return answer
  }
}

/// Shows answers of the administration.
enum AdministrationOutput {
  static func show(_ body: [UInt8]) throws {
    let document = try document(body)
    var bytes: [UInt8] = []
    document.appendPretty(document.root, to: &bytes)
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      Terminal.output(ImportJob.visible(String(line)))
    }
  }

  /// The items of a list.
  static func items(_ body: [UInt8]) throws -> [JSONValue] { try document(body).value["value"]?.elements ?? [] }

  static func line(_ text: String) { Terminal.output(ImportJob.visible(text)) }

  private static func document(_ body: [UInt8]) throws -> JSONDocument {
    do throws(JSONError) {
      return try JSONDocument(body)
    } catch {
      throw CommandError("the server's answer is no JSON")
    }
  }
}

/// `--tag name=value`, several times.
struct TagOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("A tag. May be given several times.", valueName: "name=value"),
    transform: { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("'\(text)' is no tag: name=value.") }
      return Tag(name: String(parts[0]), value: String(parts[1]))
    })
  var tag: [Tag] = []

  struct Tag: Sendable {
    let name: String
    let value: String
  }

  func write(to writer: inout JSONWriter) {
    guard !tag.isEmpty else { return }
    writer.key("tags")
    writer.beginObject()
    for tag in tag {
      writer.key(tag.name)
      writer.string(tag.value)
    }
    writer.endObject()
  }
}
