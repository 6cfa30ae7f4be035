import ArgumentParser

/// `aceso devices`
struct DeviceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "Look at a device service, try mappings, work through messages again.",
    discussion: """
      aceso devices debug --mappings vitals message.json     what mappings make of a message, without a server
      aceso devices quarantine list                          messages that came to nothing, and why
      aceso devices quarantine replay                        tries them again
      aceso devices replay --from 2026-11-01T00:00:00Z       derives Observations again, after a mapping changed

      The service is asked over HTTP: --url names it.
      """,
    subcommands: [
      DeviceCommandStatus.self, DeviceCommandQuarantine.self, DeviceCommandReplay.self, DeviceCommandDebug.self,
    ])
}

/// Where the device service is that a command asks.
struct DeviceAddressOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The device service.", valueName: "http://host:port/workspace/name"))
  var url = "http://127.0.0.1:8080/default/devices"

  @Option(help: ArgumentHelp("A header of each request, such as Authorization.", valueName: "name: value"))
  var header: [String] = []

  /// Sends a request; the answer's body.
  /// - Throws: `CommandError` with what the server says against it.
  func ask(_ method: String, _ path: String, body: [UInt8] = []) throws -> [UInt8] {
    guard let url = ServiceAddress(url) else { throw CommandError("'\(url)' is no http:// address") }
    var head = "\(method) \(url.path)\(path) HTTP/1.1\r\nHost: \(url.authority)\r\nConnection: close\r\n"
    head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
    for header in header {
      guard header.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { throw CommandError("a header is malformed") }
      head += "\(header)\r\n"
    }
    do {
      let answer = try HTTPClientConnection(url).exchange(head: head + "\r\n") { send in
        try body.withUnsafeBytes { try send($0) }
      }
      guard answer.status < 300 else {
        throw CommandError("the server answers \(answer.status): \(DeviceAnswerText.diagnostics(answer.body))")
      }
      return answer.body
    } catch let failure as HTTPClientConnection.Failure {
      throw CommandError(failure.description)
    }
  }
}

/// `aceso devices status`
struct DeviceCommandStatus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "How many messages came, wait, and are put aside.")

  @OptionGroup var address: DeviceAddressOptions

  func run() async throws { Terminal.output(DeviceAnswerText.pretty(try address.ask("GET", ""))) }
}

/// `aceso devices replay`
struct DeviceCommandReplay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Derive the Observations of a time's messages again, with the mappings in force.",
    discussion: """
      Measurements are merged into the Observations that stand, so that doing it twice changes nothing. It goes on in \
      the server beside new messages; 'aceso devices status' tells how far it is.
      """)

  @OptionGroup var address: DeviceAddressOptions

  @Option(help: ArgumentHelp("Messages that arrived at this time or later.", valueName: "time"))
  var from: String

  @Option(help: ArgumentHelp("Messages that arrived before this time. Default: now", valueName: "time"))
  var to: String?

  func run() async throws {
    let query = "from=\(DeviceAnswerText.encoded(from))" + (to.map { "&to=\(DeviceAnswerText.encoded($0))" } ?? "")
    Terminal.output(DeviceAnswerText.pretty(try address.ask("POST", "/$replay?\(query)")))
  }
}
