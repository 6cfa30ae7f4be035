import ArgumentParser
import JSONCore

/// `aceso devices quarantine`
struct DeviceCommandQuarantine: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quarantine", abstract: "Messages that came to nothing.",
    subcommands: [List.self, Show.self, Replay.self, Discard.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What is there, and why.")
    private static let page = 500

    @OptionGroup var address: DeviceAddressOptions

    func run() async throws {
      var after = 0
      var isEmpty = true
      while true {
        let body = try address.ask("GET", "/quarantine?count=\(Self.page)&after=\(after)")
        guard let document = try? JSONDocument(body) else { throw CommandError("the answer is no JSON") }
        let messages = document.value["messages"]?.elements ?? []
        for message in messages {
          isEmpty = false
          let exception = message["exception"]
          let (type, reason) = (exception?["type"]?.string ?? "", exception?["message"]?.string ?? "")
          after = max(after, message["message"]?.integer ?? after)
          Terminal.output(
            "\(message["message"]?.integer ?? 0)  \(message["received"]?.string ?? "")  \(type)  \(reason)")
        }
        if messages.count < Self.page { break }
      }
      if isEmpty { Terminal.note("The quarantine is empty.") }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A message as it came, and why it came to nothing.")

    @OptionGroup var address: DeviceAddressOptions
    @Argument(help: "The message's number.") var message: Int

    func run() async throws {
      Terminal.output(DeviceAnswerText.pretty(try address.ask("GET", "/quarantine/\(message)")))
    }
  }

  struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Try messages again, with the mappings and resources that are there now.")

    @OptionGroup var address: DeviceAddressOptions
    @Argument(help: "Messages' numbers. Default: all") var messages: [Int] = []

    func run() async throws {
      let paths = messages.isEmpty ? ["/quarantine/$replay"] : messages.map { "/quarantine/\($0)/$replay" }
      for path in paths { Terminal.output(DeviceAnswerText.pretty(try address.ask("POST", path))) }
    }
  }

  struct Discard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove messages from the quarantine for good.")

    @OptionGroup var address: DeviceAddressOptions
    @Argument(help: "Messages' numbers.") var messages: [Int]

    func run() async throws {
      for message in messages { _ = try address.ask("DELETE", "/quarantine/\(message)") }
    }
  }
}

/// A device service's answers on a terminal.
enum DeviceAnswerText {
  static func pretty(_ body: [UInt8]) -> String {
    guard let document = try? JSONDocument(body) else { return String(decoding: body, as: UTF8.self) }
    var bytes: [UInt8] = []
    document.appendPretty(document.root, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What an OperationOutcome says.
  static func diagnostics(_ body: [UInt8]) -> String {
    let issues = (try? JSONDocument(body))?.value["issue"]?.elements ?? []
    return issues.compactMap { $0["diagnostics"]?.string }.joined(separator: "; ")
  }

  /// For a query (RFC 3986 §2.3 unreserved characters stay).
  static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        return String(UnicodeScalar(byte))
      default: return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}
