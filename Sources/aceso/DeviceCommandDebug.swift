import ArgumentParser
import Base
import DeviceMapping
import DeviceService
import DeviceStore
import JSONCore

/// `aceso devices debug`
struct DeviceCommandDebug: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "debug",
    abstract: "What mappings make of messages: every template's matches, values, measurements, Observations, errors.",
    discussion: """
      Messages are files, or - for standard input: one JSON value, an array of several, or one on each line. With \
      --last they are the newest that a running service has, under its mappings unless others are given.
      """)

  @OptionGroup var address: DeviceAddressOptions

  @Option(
    help: ArgumentHelp(
      "A folder with device.json and fhir.json, or one of vitals, openmhealth, health.", valueName: "mappings"))
  var mappings: String?

  @Option(help: ArgumentHelp("Take the newest messages of the running service.", valueName: "n"))
  var last: Int?

  @Argument(help: "Files with messages.") var messages: [String] = []

  func validate() throws {
    if last == nil, mappings == nil { throw ValidationError("Say --mappings, or --last for a running service.") }
    if last == nil, messages.isEmpty { throw ValidationError("Name a file with messages.") }
  }

  func run() async throws {
    let files = try mappings.map { try DeviceMappingFiles($0) }
    if let last {
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("last", last)
      if let device = files?.content(.device) {
        writer.member("deviceMapping", String(decoding: device, as: UTF8.self))
      }
      if let fhir = files?.content(.fhir) { writer.member("fhirMapping", String(decoding: fhir, as: UTF8.self)) }
      writer.endObject()
      return Terminal.output(DeviceAnswerText.pretty(try address.ask("POST", "/$debug-mapping", body: writer.bytes)))
    }
    let debugger = MappingDebugger(device: files?.content(.device), fhir: files?.content(.fhir))
    var number: Int64 = 0
    var stored: [StoredMessage] = []
    let now = Clock.system.now()
    for path in messages {
      for content in try contents(path) {
        number += 1
        stored.append(StoredMessage(number: number, received: Timestamp(now).ticks + number, content: content))
      }
    }
    Terminal.output(DeviceAnswerText.pretty(debugger.report(on: stored, issued: now)))
    if !debugger.isSound { throw ExitCode.failure }
  }

  private func contents(_ path: String) throws -> [MessageContent] {
    let body = Array(try DataFolder.text(path == "-" ? "/dev/stdin" : path).utf8)
    let isLines = (try? JSONDocument(body)) == nil
    do throws(Fault) {
      return try MessageRequest(
        contentType: isLines ? "application/x-ndjson" : "application/json", body: body, messagesMax: 10_000
      ).messages()
    } catch {
      throw CommandError("\(path): \(error.reasons.first?.diagnostics ?? "")")
    }
  }
}
